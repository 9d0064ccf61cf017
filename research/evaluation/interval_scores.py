"""Scores of prediction intervals: their coverage, overall and at every hour of the day, and their width."""

from dataclasses import dataclass

import numpy as np

from research.evaluation.clustered import clustered_mean
from research.evaluation.forecast_errors import known_mean
from research.evaluation.metrics import metric_of

HOURS = 24


@dataclass(frozen=True)
class IntervalScores:
    """The scores of intervals where the truth is known.

    wanted: the share that they should hold; coverage: the share that they hold, with its 95% interval over other days
    (`clustered_mean` by day of the target; None where days cannot tell). by_hour [24]: coverage by hour of day of the
    target, NaN where none is known, and days_by_hour [24] the distinct days behind it: with 10 days an hour's coverage
    moves in steps of about a tenth, and the worst of 24 falls below its promise by luck alone. worst_hour: the first of
    the hours with least coverage (worst). width and winkler: means in the series' own unit; per_horizon [P]: coverage.
    """

    wanted: float
    coverage: float
    coverage_low95: float | None
    coverage_high95: float | None
    by_hour: np.ndarray
    days_by_hour: np.ndarray
    worst_hour: int
    worst: float
    width: float
    winkler: float
    per_horizon: np.ndarray

    def metrics(self) -> dict[str, float | None]:
        """The scalars, flat, for record.json."""
        return {
            "interval_coverage": self.coverage,
            "interval_coverage_low95": self.coverage_low95,
            "interval_coverage_high95": self.coverage_high95,
            "interval_worst_hour_coverage": self.worst,
            "interval_width": self.width,
            "interval_winkler": self.winkler,
        }


def interval_scores(
    low: np.ndarray, high: np.ndarray, truth: np.ndarray, times: np.ndarray, coverage: float = 0.9
) -> IntervalScores:
    """Evaluate intervals from `low` to `high` [N, P, F], both included, against `truth` [N, P, F] (NaN where unknown).

    times [N, P] datetime64 of each target; coverage is the share that they should hold. Raises ValueError when shapes
    do not fit, when a low lies above its high or is not a number, or when no truth is known.
    """
    if not (low.shape == high.shape == truth.shape and times.shape == truth.shape[:2]):
        raise ValueError(f"bounds {low.shape} and {high.shape}, truth {truth.shape} and times {times.shape} do not fit")
    known = ~np.isnan(truth)
    if not np.all((low <= high)[known]):
        raise ValueError("an interval's low end lies above its high end, or is not a number")
    held = np.where(known, (low <= truth) & (truth <= high), np.nan)
    days = times.astype("datetime64[D]")
    hours = (times - days).astype("timedelta64[h]").astype(int)
    trust = clustered_mean(held, days[:, :, None])
    by_hour = np.array([known_mean(held[hours == hour], axis=(0, 1)) for hour in range(HOURS)])
    seen = known.any(axis=2)
    worst_hour = int(np.nanargmin(by_hour))
    return IntervalScores(
        wanted=coverage,
        coverage=trust["mean"],
        coverage_low95=metric_of("interval_coverage").bounded(trust["low95"]),
        coverage_high95=metric_of("interval_coverage").bounded(trust["high95"]),
        by_hour=by_hour,
        days_by_hour=np.array([len(np.unique(days[(hours == hour) & seen])) for hour in range(HOURS)]),
        worst_hour=worst_hour,
        worst=float(by_hour[worst_hour]),
        width=float(np.mean((high - low)[known])),
        winkler=float(np.mean(winkler_scores(low, high, truth, coverage)[known])),
        per_horizon=known_mean(held, axis=(0, 2)),
    )


def winkler_scores(low: np.ndarray, high: np.ndarray, truth: np.ndarray, coverage: float) -> np.ndarray:
    """Width of each interval, plus 2 / (1 - coverage) times how far the truth lies outside; the smallest is best.

    The true quantiles have the smallest expected score (Winkler 1972, "A decision-theoretic approach to
    interval estimation"; Gneiting & Raftery 2007, "Strictly proper scoring rules", eq. 43).
    """
    outside = np.maximum(low - truth, 0.0) + np.maximum(truth - high, 0.0)
    return (high - low) + 2 / (1 - coverage) * outside
