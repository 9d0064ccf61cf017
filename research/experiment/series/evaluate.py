"""The evaluation of a trained forecaster, and of the baselines, on every split."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from research.data.series.durations import seconds_in
from research.data.series.months import months_in
from research.data.series.seasons import by_season, season_of
from research.evaluation import forecasting
from research.evaluation.conformal import Widths, conformal_widths, quantile_widths, too_few_days
from research.evaluation.forecast_errors import seasonal_scale
from research.evaluation.forecasting import Forecasting
from research.evaluation.shrinking import shrinkage
from research.experiment.series.backtest import Targets, baseline_forecasts, raw_forecasts, targets_of
from research.experiment.series.build import SPLITS, SeriesPlan
from research.experiment.series.net import Bounds, bounds_of
from research.report.formats import MONTH

Tree = Any


class Correction(NamedTuple):
    """Measurements on the validation windows: the shrinkage to the reference, and the widths of intervals."""

    shrink: np.ndarray  # [P], 0 to 1: the share of the difference from the reference that is used at each step
    widths: Widths | None  # by hour of day, in spreads; None where validation has too few days
    uncalibrated: str = ""  # why there are no widths


class Forecasts(NamedTuple):
    """Forecasts [N, P, F] in the series' unit, and the ends of their intervals, if there are any."""

    middle: np.ndarray
    low: np.ndarray | None
    high: np.ndarray | None

    def of(self, window: int) -> "Forecasts":
        """Those of one window, [P, F]."""
        low, high = (None if each is None else each[window] for each in (self.low, self.high))
        return Forecasts(self.middle[window], low, high)


@dataclass(frozen=True)
class ForecastEvaluation:
    """The errors of the model on a split, and of the baselines, by name, on the same windows.

    They are errors of `forecasts` against `targets`; `correction` and `bounds` turned the net's outputs into those
    forecasts.
    """

    model: Forecasting
    baselines: dict[str, Forecasting]
    forecasts: Forecasts = field(repr=False)
    targets: Targets = field(repr=False)
    correction: Correction = field(repr=False)
    bounds: Bounds = field(repr=False)

    def metrics(self) -> dict[str, float]:
        """The model's errors, flat."""
        return self.model.metrics()


def evaluate(plan: SeriesPlan, folds: Sequence[Tree]) -> dict[str, ForecastEvaluation]:
    """The evaluation of every split that has windows, by split name; series have one fold."""
    [params] = folds
    correction, bounds = correction_of(plan, params), bounds_of(plan.config.forecast, plan.data.columns)
    scale = _training_scale(plan)
    found = {}
    for split in SPLITS:
        if plan.examples[split]:
            targets = targets_of(plan.windows[split], plan.sizes)
            forecasts = corrected(raw_forecasts(plan, params, split), targets, correction, bounds)
            baselines, _ = baseline_forecasts(plan, split)
            ends = None if forecasts.low is None or forecasts.high is None else (forecasts.low, forecasts.high)
            found[split] = ForecastEvaluation(
                model=_evaluated(plan, forecasts.middle, targets, scale, ends),
                baselines={name: _evaluated(plan, each, targets, scale) for name, each in baselines.items()},
                forecasts=forecasts,
                targets=targets,
                correction=correction,
                bounds=bounds,
            )
    return found


def correction_of(plan: SeriesPlan, params: Tree) -> Correction:
    """The correction measured on validation; without validation windows, none."""
    whole = np.ones(plan.sizes.horizon)
    if not plan.examples["validation"]:
        return Correction(whole, None, "nothing is held out for validation (--data.validation)")
    raw, targets = raw_forecasts(plan, params, "validation"), targets_of(plan.windows["validation"], plan.sizes)
    unit = targets.spread[:, None, :]
    if plan.config.forecast.shrink:
        middle = raw[..., raw.shape[-1] // 2]
        whole = shrinkage(middle / unit, targets.expected / unit, targets.truth / unit, targets.days)
    low, middle, high = _ends(raw, targets, whole, bounds_of(plan.config.forecast, plan.data.columns))
    days = targets.times.astype("datetime64[D]").astype(int)
    hours, coverage = hours_of(targets.times), plan.config.forecast.coverage
    lacking = too_few_days(targets.truth - middle, days, coverage, plan.data.columns)
    if lacking:
        return Correction(whole, None, lacking)
    if raw.shape[-1] > 1:
        low, high, truth = (each / unit for each in (low, high, targets.truth))
        return Correction(whole, quantile_widths(low, high, truth, hours, days, coverage, neighbours=1))
    residuals = (targets.truth - middle) / unit
    return Correction(whole, conformal_widths(residuals, hours, days, coverage, neighbours=1))


def corrected(raw: np.ndarray, targets: Targets, correction: Correction, bounds: Bounds) -> Forecasts:
    """The final forecasts from the net's `raw` [N, P, F, Q]: shrunk, with intervals, and within `bounds`."""
    low, middle, high = _ends(raw, targets, correction.shrink, bounds)
    if correction.widths is None:
        return Forecasts(middle, None, None)  # the coverage of a net's own quantiles was not measured
    ends = correction.widths.around(low, high, hours_of(targets.times), targets.spread[:, None, :])
    return Forecasts(middle, bounds.limit(np.minimum(ends[0], middle)), bounds.limit(np.maximum(ends[1], middle)))


def hours_of(times: np.ndarray) -> np.ndarray:
    """The hour of day 0..23 of each of `times`."""
    return (times - times.astype("datetime64[D]")).astype("timedelta64[h]").astype(int)


def _ends(
    raw: np.ndarray, targets: Targets, shrink: np.ndarray, bounds: Bounds
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The lowest, middle and highest forecast [N, P, F], shrunk and within bounds; the same where Q is 1."""
    moved = targets.expected[..., None] + shrink[:, None, None] * (raw - targets.expected[..., None])
    ordered = np.sort(moved, axis=-1)  # quantiles of a poorly trained net may cross
    low, middle, high = (bounds.limit(ordered[..., index]) for index in (0, ordered.shape[-1] // 2, -1))
    return low, middle, high


def _evaluated(
    plan: SeriesPlan,
    forecasts: np.ndarray,
    targets: Targets,
    scale: np.ndarray,
    bounds: tuple[np.ndarray, np.ndarray] | None = None,
) -> Forecasting:
    hours = np.arange(1, plan.sizes.horizon + 1) * _hours(plan.data.step)
    coverage = plan.config.forecast.coverage
    return forecasting.evaluate_forecasts(
        forecasts, targets.truth, targets.times, hours, plan.data.columns, scale, bounds, coverage
    )


def _hours(step: np.timedelta64) -> float:
    """The hours of a step; a month counts as a mean month."""
    return months_in(step) * MONTH if months_in(step) else seconds_in(step) / 3600


def _training_scale(plan: SeriesPlan) -> np.ndarray:
    """The denominator of MASE over all training series: the mean absolute change over a season."""
    train = plan.data.parts["train"]
    laid_out = [by_season(one.times, one.values, plan.data.step) for one in train]
    ends = np.cumsum([0, *map(len, laid_out)])
    season = season_of(plan.data.step).steps
    return seasonal_scale(np.concatenate(laid_out), [(int(a), int(b)) for a, b in itertools.pairwise(ends)], season)
