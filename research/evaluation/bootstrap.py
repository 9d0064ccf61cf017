"""95% bootstrap intervals of scores that are functions of means over rows, such as RMSE and R²."""

from collections.abc import Callable

import numpy as np

RESAMPLES = 2000  # as in DiCiccio & Efron 1996, "Bootstrap confidence intervals", section 2
CELLS = 2**22  # weights in memory at once; changes no result

Scores = Callable[[np.ndarray], np.ndarray]  # means [..., M] -> scores [..., S], NaN where undefined


def bootstrap_ends(
    rows: np.ndarray, scores: Scores, resamples: int = RESAMPLES, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """The ends [S] of the 95% intervals of `scores`, functions of the means of `rows` [N, M], independent rows.

    The intervals are bias-corrected and accelerated (BCa: Efron 1987, "Better bootstrap confidence intervals"), with
    the acceleration from the jackknife (Efron & Tibshirani 1993, "An Introduction to the Bootstrap", section 14.3).
    The same `seed` gives the same ends. NaN for fewer than two rows, and for a score that is undefined.
    """
    N = len(rows)
    found = scores(rows.mean(axis=0))
    if N < 2:
        return np.full(len(found), np.nan), np.full(len(found), np.nan)
    resampled = scores(_resampled_means(rows, resamples, seed))
    left_out = scores((rows.sum(axis=0) - rows) / (N - 1))
    ends = [_bca(*columns) for columns in zip(found, resampled.T, left_out.T, strict=True)]
    low, high = np.transpose(ends)
    return low, high


def _resampled_means(rows: np.ndarray, resamples: int, seed: int) -> np.ndarray:
    """The means [R, M] of R samples of N from the N `rows`, with replacement."""
    N, generator, means = len(rows), np.random.default_rng(seed), []
    step = max(1, CELLS // N)
    for first in range(0, resamples, step):
        count = min(step, resamples - first)
        drawn = generator.integers(N, size=(count, N)) + N * np.arange(count)[:, None]
        weights = np.bincount(drawn.ravel(), minlength=count * N).reshape(count, N)
        means.append(weights @ rows / N)
    return np.concatenate(means)


def _bca(found: float, resampled: np.ndarray, left_out: np.ndarray) -> tuple[float, float]:
    from scipy.special import ndtr, ndtri  # slow to import; only needed at the end of a run

    resampled, left_out = resampled[np.isfinite(resampled)], left_out[np.isfinite(left_out)]
    if not np.isfinite(found) or not len(resampled) or not len(left_out):
        return np.nan, np.nan
    # Ties count half; a share of 0 or 1, which has no normal quantile, is a share of less than one sample.
    share = (np.mean(resampled < found) + np.mean(resampled <= found)) / 2
    bias = ndtri(np.clip(share, 0.5 / len(resampled), 1 - 0.5 / len(resampled)))
    scatter = left_out.mean() - left_out
    size = np.sum(scatter**2) ** 1.5
    acceleration = np.sum(scatter**3) / (6 * size) if size > 0 else 0.0
    shifted = bias + ndtri([0.025, 0.975])
    low, high = np.quantile(resampled, ndtr(bias + shifted / (1 - acceleration * shifted)))
    return float(low), float(high)
