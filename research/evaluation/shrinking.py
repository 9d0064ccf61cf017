"""How much of a forecast to believe at each step of the horizon, judged on windows that it was not trained on."""

import numpy as np

from research.evaluation.forecast_errors import known_mean

GRID = np.linspace(0.0, 1.0, 21)
SMOOTHED = 2.0  # steps: neighbouring steps of the horizon are judged together, for windows of a few days are few


def shrinkage(forecasts: np.ndarray, expected: np.ndarray, truth: np.ndarray, days: np.ndarray) -> np.ndarray:
    """The share a [P], 0 to 1, that makes expected + a * (forecasts - expected) err least (mean absolute error).

    forecasts, expected and truth [N, P, F] (NaN where unknown) in one unit for all columns; days [N]: the day of each
    window's origin. The error over a grid of shares is smoothed over the horizon by a Gaussian; and since the shares
    are to hold on other days, each is the least of those that are best when one of the days is left out (the jackknife
    of Tukey 1958, taken cautiously). With no more than one day nothing is believed to hold: 0.
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
