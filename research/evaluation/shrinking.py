"""Shrinkage of forecasts to a reference, step by step of the horizon, measured on windows outside training."""

import numpy as np

from research.evaluation.forecast_errors import known_mean

GRID = np.linspace(0.0, 1.0, 21)
SMOOTHED = 2.0  # steps: errors of neighbouring steps are smoothed, since windows of a few days are few


def shrinkage(forecasts: np.ndarray, expected: np.ndarray, truth: np.ndarray, days: np.ndarray) -> np.ndarray:
    """The share a [P], 0 to 1, with the least mean absolute error of expected + a * (forecasts - expected).

    forecasts, expected and truth [N, P, F] (NaN where unknown) in one unit for all columns; days [N]: the day of each
    window's origin. The error over a grid of shares is smoothed over the horizon by a Gaussian. The shares
    must hold on other days, so each is the smallest of the best shares with one day left out (a cautious form of the
    jackknife, Tukey 1958). The share is 0 where there are fewer than two days.
    """
    from scipy.ndimage import gaussian_filter1d  # slow to import

    distinct = np.unique(days)
    if len(distinct) < 2:
        return np.zeros(forecasts.shape[1])
    error = np.stack([np.abs(expected + share * (forecasts - expected) - truth) for share in GRID])
    best = []
    for day in distinct:
        curve = known_mean(error[:, days != day], axis=(1, 3))
        curve = np.where(np.isnan(curve), np.nanmean(curve), curve)
        best.append(GRID[gaussian_filter1d(curve, SMOOTHED, axis=1, mode="nearest").argmin(axis=0)])
    return np.min(best, axis=0)
