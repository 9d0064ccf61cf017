"""Errors of forecasts where the truth is known: MAE, RMSE, MAPE, sMAPE and MASE."""

from collections.abc import Sequence

import numpy as np


def seasonal_scale(values: np.ndarray, spans: Sequence[tuple[int, int]], season: int) -> np.ndarray:
    """The denominator of MASE per column [F]: the mean |change over one season| of the *training* values.

    values [R, F] in the series' own unit, NaN where unknown; `spans` (first row, row after the last) are the
    training part of each series; season is the number of steps in a day, say. This is the error that a seasonal-naive
    forecast makes in training (Hyndman & Koehler 2006, "Another look at measures of forecast accuracy", section 3;
    of steps m apart for a season of m). NaN where no two known values lie one season apart.
    """
    values = np.asarray(values, np.float64)
    changes = [
        np.abs(values[first + season : after] - values[first : max(first, after - season)]) for first, after in spans
    ]
    return known_mean(np.concatenate(changes), axis=0)


def errors_of_cells(forecasts: np.ndarray, truth: np.ndarray, scale: np.ndarray) -> dict[str, np.ndarray]:
    """Each metric's share of every forecast [N, P, F]; NaN where it is undefined.

    forecasts and truth [N, P, F] in the series' own unit, truth NaN where it is unknown; scale [F] of MASE.
    mae and rmse (here squared) are in that unit, mape and smape shares (0.5 is 50%), mase in units of `scale`. MAPE
    leaves out truths of 0; sMAPE is 2 |f - y| / (|f| + |y|), which is 0 where both are 0 (Makridakis et al. 2020, "The
    M4 Competition"). Where the scale is 0 or NaN there is no MASE.
    """
    difference = np.asarray(forecasts, np.float64) - truth
    absolute, size, both = np.abs(difference), np.abs(truth), np.abs(forecasts) + np.abs(truth)
    usable = np.where(scale > 0, scale, np.nan)
    return {
        "mae": absolute,
        "rmse": difference**2,
        "mape": absolute / np.where(size > 0, size, np.nan),
        "smape": 2 * absolute / np.where(both == 0, 1.0, both),
        "mase": absolute / usable,
    }


def averaged(cells: dict[str, np.ndarray], axis: tuple[int, ...]) -> dict[str, np.ndarray]:
    """The metrics of `errors_of_cells`, averaged over `axis` where defined; NaN where no cell is."""
    means = {name: known_mean(cell, axis) for name, cell in cells.items()}
    return {name: np.sqrt(mean) if name == "rmse" else mean for name, mean in means.items()}


def window_losses(
    forecasts: np.ndarray, truth: np.ndarray, scale: np.ndarray | None = None, squared: bool = False
) -> np.ndarray:
    """The mean absolute (or squared) error of each window [N] over its known values; NaN where it has none.

    forecasts and truth [N, P, F]. For columns with different units give `scale` [F]: errors are divided by it first, so
    that no column outweighs the others.
    """
    difference = np.abs(np.asarray(forecasts, np.float64) - truth)
    if scale is not None:
        difference = difference / np.where(scale > 0, scale, np.nan)
    return known_mean(difference**2 if squared else difference, axis=(1, 2))


def known_mean(values: np.ndarray, axis: int | tuple[int, ...]) -> np.ndarray:
    """The mean of what is not NaN along `axis`; NaN where nothing is known."""
    known = ~np.isnan(values)
    count = np.sum(known, axis=axis)
    return np.sum(np.where(known, values, 0.0), axis=axis) / np.where(count > 0, count, np.nan)
