"""The Diebold-Mariano test of two forecasters over windows that overlap."""

import functools
import math
from typing import TypedDict

import numpy as np

from research.evaluation.clustered import ClusteredMean, clustered_mean
from research.evaluation.intervals import rank_of

DRAWS = 9999  # of the null distribution: they give a p of 5% to 0.2%


class DieboldMariano(TypedDict):
    """Mean of loss a - loss b over windows, its 95% interval, statistic and two-sided p; negative favours a.

    p and the interval allow for the small number of windows that do not overlap; p_student is from Student's t with
    N - 1 degrees of freedom (Harvey, Leybourne & Newbold 1997), as most papers report it. All four are None where there
    is no test. lag: windows up to so many steps apart count as dependent.
    """

    mean: float
    low95: float | None
    high95: float | None
    statistic: float | None
    p: float | None
    p_student: float | None
    lag: int
    windows: int


def diebold_mariano(
    loss_a: np.ndarray, loss_b: np.ndarray, positions: np.ndarray, horizon: int, lag: int | None = None
) -> DieboldMariano:
    """Test that two forecasters have equal losses (Diebold & Mariano 1995, "Comparing Predictive Accuracy").

    loss_a, loss_b [N]: the mean loss of each window over its horizon (`window_losses`), NaN where nothing is known;
    positions [N]: the step of each origin, distinct integers in any order, on one clock: two windows are as many steps
    apart as their positions say, gaps included, so only windows that really lie k steps apart enter the autocovariance
    of lag k. Average the losses of series that share their times first. The variance of the mean is Newey & West's
    (1987; Bartlett weights 1 - k / (lag + 1)), which is never negative, whatever the gaps; the statistic has the
    correction of Harvey, Leybourne & Newbold (1997, eq. 9) for the windows that one horizon spans.

    lag: by default twice the horizon less one, or 1.3 sqrt(N) windows (Lazarus et al. 2018, "HAR Inference:
    Recommendations for Practice") where that is more. Few windows and long overlaps make the usual normal or Student p
    reject far too often (13% to 19% in place of 5% for 201 hourly windows of 24 h). So p is the share of `DRAWS` draws
    with a statistic at least as large, where the losses at *these very positions* differ by independent normal noise of
    each step, averaged over the horizon: fixed-smoothing inference (Kiefer & Vogelsang 2005) with the overlap built in.

    There is no test where one horizon spans all known windows, or where the difference does not scatter. Raises
    ValueError when shapes do not match, nothing is known, a loss is infinite or a position comes twice.
    """
    if not np.shape(loss_a) == np.shape(loss_b) == np.shape(positions):
        raise ValueError(f"losses {np.shape(loss_a)}, {np.shape(loss_b)} at {np.shape(positions)} cannot be compared")
    known = ~(np.isnan(loss_a) | np.isnan(loss_b))
    if not known.any() or np.isinf([loss_a, loss_b]).any():
        raise ValueError("nothing is known of the losses, or they are not finite: there is nothing to compare")
    order = np.argsort(positions[known], kind="stable")
    a, b, where = (np.asarray(part)[known][order] for part in (loss_a, loss_b, positions))
    steps = np.diff(where)
    if np.any(steps == 0):
        raise ValueError("two windows are at one position: average the losses of series that share their times first")
    difference, N, stride = a - b, len(a), int(min(steps, default=1))
    lag = max(2 * horizon - 1, math.ceil(1.3 * math.sqrt(N)) * stride) if lag is None else lag
    found = DieboldMariano(
        mean=float(difference.mean()),
        low95=None,
        high95=None,
        statistic=None,
        p=None,
        p_student=None,
        lag=lag,
        windows=N,
    )
    spanned = -(-horizon // stride)
    # Below a few units in the last place the scatter is rounding, not a measurement.
    if max(1, spanned) >= N or np.ptp(difference) <= 8 * np.finfo(np.float64).eps * np.max(np.abs([a, b])):
        return found
    return _tested(found, difference, steps, horizon, spanned)


def by_day(loss_a: np.ndarray, loss_b: np.ndarray, days: np.ndarray) -> ClusteredMean:
    """The same difference with days as the unit: Student's t over the days (`clustered_mean`).

    loss_a, loss_b of any shape, NaN where unknown, and the day of each, broadcast to it: errors [N, P, F] by the day of
    their target (best: no value then belongs to two days), or the losses of windows by that of their origin.
    """
    return clustered_mean(np.asarray(loss_a, np.float64) - loss_b, days)


def _tested(found: DieboldMariano, difference: np.ndarray, steps: np.ndarray, horizon: int, h: int) -> DieboldMariano:
    from scipy.stats import t  # slow to import; only needed when runs are compared

    N, lag = found["windows"], found["lag"]
    # Beyond overlap and lag, the length of a gap makes no difference.
    rows = np.concatenate([[0], np.cumsum(np.minimum(steps, horizon + lag))])
    error = float(_standard_errors(difference[None], rows, lag)[0])
    null = _null_ratios(tuple(rows.tolist()), horizon, lag)
    ratio = found["mean"] / error
    half = float(np.sort(null)[rank_of(0.95, len(null)) - 1]) * error  # beyond it p is no more than 5%
    statistic = ratio * math.sqrt((N + 1 - 2 * h + h * (h - 1) / N) / N)
    found.update(
        low95=found["mean"] - half,
        high95=found["mean"] + half,
        statistic=statistic,
        p=(1 + int(np.sum(null >= abs(ratio)))) / (1 + len(null)),
        p_student=float(2 * t.sf(abs(statistic), N - 1)),
    )
    return found


def _standard_errors(values: np.ndarray, rows: np.ndarray, lag: int) -> np.ndarray:
    """Newey & West's standard error of the mean of each of `values` [D, N] at `rows` [N] (from 0) -> [D].

    Bartlett weights are the overlap of two boxes of lag + 1 steps, so the weighted sum over all pairs is the sum of
    squares of moving sums: no pair is visited, and nothing can become negative.
    """
    residuals = values - values.mean(axis=1, keepdims=True)
    line = np.zeros((len(values), rows[-1] + 2 * (lag + 1)))
    line[:, rows + lag + 1] = residuals
    sums = np.cumsum(line, axis=1)
    moving = sums[:, lag + 1 :] - sums[:, : -(lag + 1)]
    return np.sqrt(np.sum(moving**2, axis=1) / (lag + 1)) / values.shape[1]


@functools.lru_cache(maxsize=8)  # all pairs of models are compared over the same windows
def _null_ratios(rows: tuple[int, ...], horizon: int, lag: int) -> np.ndarray:
    """|mean / standard error| [DRAWS] when the losses of every step differ by independent normal noise."""
    draw, where, found = np.random.default_rng(0), np.array(rows), []
    for count in (500,) * (DRAWS // 500) + (DRAWS % 500,):  # so that memory stays small
        noise = draw.standard_normal((count, rows[-1] + horizon + 1))
        sums = np.cumsum(noise, axis=1)
        values = sums[:, where + horizon] - sums[:, where]
        found.append(np.abs(values.mean(axis=1)) / _standard_errors(values, where, lag))
    return np.concatenate(found)
