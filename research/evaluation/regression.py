"""Evaluation of a regression over rows of a table: errors with their intervals, and prediction intervals."""

from dataclasses import dataclass

import numpy as np

from research.errors import NotFiniteError
from research.evaluation.bootstrap import bootstrap_ends
from research.evaluation.interval_scores import winkler_scores
from research.evaluation.intervals import proportion, rank_of
from research.evaluation.metrics import ENDS, REGRESSION_SCORES, metric_of


@dataclass(frozen=True)
class Regression:
    """The scores that `evaluate_regression` returns; the report reads them as plain dicts by `dataclasses.asdict`.

    rows: how many were predicted. mae and rmse are in the target's unit. rmsle is the RMSE of log(1 + y), NaN where a
    truth or a prediction is -1 or less; r2 is 1 - MSE / (variance of the truth), NaN for a constant truth. The ends of
    their 95% intervals bound the score of this one trained model on *new rows* of the same kind (`bootstrap_ends`), NaN
    where undefined; the spread between trainings is `intervals.across_seeds`. intervals: None without them, else
    {target, coverage, coverage_low95, coverage_high95, width, winkler}: the share of the truth that they should hold
    and do hold, with its 95% interval (Wilson), their mean width and mean Winkler score, in the target's unit.
    """

    rows: int
    mae: float
    mae_low95: float
    mae_high95: float
    rmse: float
    rmse_low95: float
    rmse_high95: float
    rmsle: float
    rmsle_low95: float
    rmsle_high95: float
    r2: float
    r2_low95: float
    r2_high95: float
    intervals: dict[str, float] | None

    def metrics(self) -> dict[str, float]:
        """The scalars, flat, for record.json; what is undefined or infinite is left out."""
        flat = {f"{name}{end}": getattr(self, f"{name}{end}") for name in REGRESSION_SCORES for end in ("", *ENDS)}
        if self.intervals is not None:
            flat |= {f"interval_{name}": value for name, value in self.intervals.items() if name != "target"}
        return {name: value for name, value in flat.items() if np.isfinite(value)}


def evaluate_regression(
    predicted: np.ndarray,
    truth: np.ndarray,
    ends: tuple[np.ndarray, np.ndarray] | None = None,
    coverage: float = 0.9,
) -> Regression:
    """Evaluate `predicted` [N] against `truth` [N], both in the target's own unit, in float64.

    ends: low and high [N] of prediction intervals that should hold the share `coverage` of the truth; they may be
    infinite. Raises NotFiniteError when a prediction is not finite; ValueError when shapes do not fit together, a truth
    is not finite, there are no rows, or a low end lies above its high end.
    """
    predicted, truth = np.asarray(predicted, np.float64), np.asarray(truth, np.float64)
    _check(predicted, truth)
    parts = _parts(predicted, truth)
    values = _scores(parts.mean(axis=0))
    scores = dict(zip(REGRESSION_SCORES, values.tolist(), strict=True))
    for end, found in zip(ENDS, bootstrap_ends(parts, _scores), strict=True):
        bounded = [
            metric_of(name).bounded(value) for name, value in zip(REGRESSION_SCORES, found.tolist(), strict=True)
        ]
        scores |= {f"{name}{end}": value for name, value in zip(REGRESSION_SCORES, bounded, strict=True)}
    intervals = None if ends is None else _interval_scores(*ends, truth, coverage)
    return Regression(rows=len(truth), **scores, intervals=intervals)


def plain_scores(predicted: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    """`REGRESSION_SCORES` of `predicted` [N] without intervals; what is undefined is NaN. Raises as above."""
    predicted, truth = np.asarray(predicted, np.float64), np.asarray(truth, np.float64)
    _check(predicted, truth)
    return dict(zip(REGRESSION_SCORES, _scores(_parts(predicted, truth).mean(axis=0)).tolist(), strict=True))


def split_conformal(scores: np.ndarray, coverage: float) -> float:
    """The score at or below which a new row's score lies with probability `coverage`, by those of n held-out rows [n].

    It is the held-out score of rank ceil((n + 1) * coverage), infinite where n is less than `fewest_for(coverage)`:
    so few rows promise nothing. With |truth - prediction| as scores, prediction ± it is the interval (Lei et al. 2018,
    "Distribution-free predictive inference for regression", section 2.2). The rows must be exchangeable with the new
    ones, and the model must not have seen them. Raises ValueError for scores that are NaN or not [n], and for a
    coverage outside 0 to 1.
    """
    scores = np.asarray(scores, np.float64)
    if scores.ndim != 1 or np.isnan(scores).any() or not 0 < coverage < 1:
        raise ValueError(f"scores {scores.shape}, some NaN or not [n], or a coverage of {coverage:g}")
    rank = rank_of(coverage, len(scores))
    return float(np.sort(scores)[rank - 1]) if rank <= len(scores) else float("inf")


def _check(predicted: np.ndarray, truth: np.ndarray) -> None:
    if truth.ndim != 1 or predicted.shape != truth.shape or not len(truth):
        raise ValueError(f"predicted {predicted.shape} and truth {truth.shape} do not fit together")
    if not np.isfinite(truth).all():
        raise ValueError("a truth is not finite: leave out the rows without a target")
    broken = np.flatnonzero(~np.isfinite(predicted))
    if len(broken):
        raise NotFiniteError(
            f"the model's prediction is not finite for {len(broken)} of {len(truth)} rows (the first is {broken[0]}): "
            "training diverged; lower the learning rate, or evaluate an earlier checkpoint"
        )


def _parts(predicted: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """What `_scores` needs of each row [N, 5]: |error|, error², error² of logarithms, centred truth, its square."""
    error, centred = predicted - truth, truth - truth.mean()
    logarithmic = np.full(len(truth), np.nan)
    if min(predicted.min(), truth.min()) > -1:
        logarithmic = (np.log1p(predicted) - np.log1p(truth)) ** 2
    return np.stack([np.abs(error), error**2, logarithmic, centred, centred**2], axis=1)


def _scores(means: np.ndarray) -> np.ndarray:
    """`REGRESSION_SCORES` [..., 4] from the means of `_parts` [..., 5]."""
    mae, mse, logarithmic, centre, square = np.moveaxis(means, -1, 0)
    variance = square - centre**2
    # Below this share of its terms the variance is rounding: the truth is constant.
    r2 = 1 - mse / np.where(variance > 1e-12 * square, variance, np.nan)
    return np.stack([mae, np.sqrt(mse), np.sqrt(logarithmic), r2], axis=-1)


def _interval_scores(low: np.ndarray, high: np.ndarray, truth: np.ndarray, coverage: float) -> dict[str, float]:
    low, high = np.asarray(low, np.float64), np.asarray(high, np.float64)
    if not low.shape == high.shape == truth.shape:
        raise ValueError(f"ends {low.shape} and {high.shape} and truth {truth.shape} do not fit together")
    if not np.all(low <= high):
        raise ValueError("an interval's low end lies above its high end, or is not a number")
    held = (low <= truth) & (truth <= high)
    least, most = proportion(int(held.sum()), len(truth))
    return {
        "target": coverage,
        "coverage": float(held.mean()),
        "coverage_low95": least,
        "coverage_high95": most,
        "width": float(np.mean(high - low)),
        "winkler": float(np.mean(winkler_scores(low, high, truth, coverage))),
    }
