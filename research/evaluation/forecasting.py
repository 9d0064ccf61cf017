"""Evaluation of forecasts over the windows of a rolling-origin backtest: overall and per horizon, column, interval."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from research.errors import NotFiniteError, UserError
from research.evaluation.clustered import clustered_mean
from research.evaluation.forecast_errors import averaged, errors_of_cells
from research.evaluation.interval_scores import IntervalScores, interval_scores
from research.evaluation.metrics import metric_of


@dataclass(frozen=True)
class Forecasting:
    """The scores that `evaluate_forecasts` returns; the report reads them as plain dicts by `dataclasses.asdict`.

    columns (F names); hours [P] from the last observed step to each step of the horizon; windows with anything known,
    and the distinct days of what they forecast: with few days no interval is narrow, however many windows overlap.
    overall, per_horizon [P] and per_column [F] each hold mae, rmse, mape, smape and mase (`errors_of_cells`), NaN where
    undefined; mae and rmse are in the series' own unit, which `overall` mixes when the columns have several.
    zeros counts the known truths of 0, which MAPE leaves out. mae_low95 and mae_high95 bound the MAE of this one
    trained model on *other days* of the same kind (`clustered_mean` by day of the target), None where days cannot tell;
    the spread between trainings is `intervals.across_seeds`. intervals is None without bounds.
    """

    columns: tuple[str, ...]
    hours: np.ndarray
    windows: int
    days: int
    zeros: int
    overall: dict[str, float]
    mae_low95: float | None
    mae_high95: float | None
    per_horizon: dict[str, np.ndarray]
    per_column: dict[str, np.ndarray]
    intervals: IntervalScores | None

    def metrics(self) -> dict[str, float]:
        """The scalars, flat, for record.json; what is undefined is left out."""
        flat: dict[str, float | None] = dict(self.overall)
        flat |= {"mae_low95": self.mae_low95, "mae_high95": self.mae_high95}
        if self.intervals is not None:
            flat |= self.intervals.metrics()
        return {name: value for name, value in flat.items() if value is not None and np.isfinite(value)}


def evaluate_forecasts(
    forecasts: np.ndarray,
    truth: np.ndarray,
    times: np.ndarray,
    hours: np.ndarray,
    columns: Sequence[str],
    scale: np.ndarray,
    bounds: tuple[np.ndarray, np.ndarray] | None = None,
    coverage: float = 0.9,
) -> Forecasting:
    """Evaluate `forecasts` [N, P, F] against `truth` [N, P, F] (NaN where unknown), both in the series' own unit.

    times [N, P] datetime64 of each target, in the time by which people live there; hours [P] ahead; columns (F names);
    scale [F] of MASE (`seasonal_scale` of the training values); bounds: low and high [N, P, F] of intervals that should
    hold the share `coverage` of the truth. Everything is computed in float64. Raises NotFiniteError when a forecast of
    a known truth is not finite, UserError when no truth is known, ValueError when shapes do not fit together.
    """
    forecasts, truth = np.asarray(forecasts, np.float64), np.asarray(truth, np.float64)
    _check(forecasts, truth, times, hours, columns, scale)
    days, known = times.astype("datetime64[D]"), ~np.isnan(truth)
    cells = errors_of_cells(forecasts, truth, np.asarray(scale, np.float64))
    trust = clustered_mean(cells["mae"], days[:, :, None])
    return Forecasting(
        columns=tuple(columns),
        hours=np.asarray(hours, np.float64),
        windows=int(np.sum(known.any(axis=(1, 2)))),
        days=trust["clusters"],
        zeros=int(np.sum(truth == 0)),
        overall={name: float(value) for name, value in averaged(cells, (0, 1, 2)).items()},
        mae_low95=metric_of("mae").bounded(trust["low95"]),
        mae_high95=trust["high95"],
        per_horizon=averaged(cells, (0, 2)),
        per_column=averaged(cells, (0, 1)),
        intervals=None if bounds is None else interval_scores(*bounds, truth, times, coverage),
    )


def _check(forecasts, truth, times, hours, columns, scale) -> None:
    N, P, F = truth.shape
    if forecasts.shape != truth.shape or times.shape != (N, P) or len(hours) != P or len(columns) != F:
        raise ValueError(
            f"forecasts {forecasts.shape}, truth {truth.shape}, times {times.shape}, {len(hours)} hours and "
            f"{len(columns)} columns do not fit together"
        )
    if np.shape(scale) != (F,):
        raise ValueError(f"the scale {np.shape(scale)} is not one number for each of {F} columns")
    known = ~np.isnan(truth)
    if not known.any():
        raise UserError(
            "no target of any window is known, so no forecast can be evaluated: give data with measured values"
        )
    broken = np.flatnonzero((known & ~np.isfinite(forecasts)).any(axis=(1, 2)))
    if len(broken):
        raise NotFiniteError(
            f"the model's forecasts are not finite for {len(broken)} of {N} windows (the first is {broken[0]}): "
            "training diverged; lower the learning rate, or evaluate an earlier checkpoint"
        )
