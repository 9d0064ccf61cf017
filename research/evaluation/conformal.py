"""Intervals that hold what they promise on new days: split conformal by hour of day, with the day as the unit.

Of a net they need residuals of days that it was not trained on, at least 9 of them for 90%.
"""

from dataclasses import dataclass

import numpy as np

from research.errors import UserError

HOURS = 24


@dataclass(frozen=True)
class Widths:
    """How far an interval reaches below and above a forecast (or a pair of quantiles), per group and column [G, F].

    days: distinct held-out days behind each; reach: how many groups on either side were taken in as well. promised: the
    coverage that so many days can promise, never more than was asked for: of n days the widest residual holds
    n / (n + 1), so that 90% takes 9 days (19 where the sides are calibrated apart).
    """

    below: np.ndarray
    above: np.ndarray
    days: np.ndarray
    reach: np.ndarray
    promised: np.ndarray

    def around(
        self, low: np.ndarray, high: np.ndarray, groups: np.ndarray, scale: np.ndarray | float = 1.0
    ) -> tuple[np.ndarray, np.ndarray]:
        """The interval's ends [N, P, F]; low and high are the forecasts twice, or a net's outer quantiles.

        groups [N, P] as in calibration; scale: by what the residuals were divided there, of any shape that broadcasts.
        Where a negative width would make ends cross, both are put in the middle.
        """
        ends = low - self.below[groups] * scale, high + self.above[groups] * scale
        middle = (ends[0] + ends[1]) / 2
        return np.minimum(ends[0], middle), np.maximum(ends[1], middle)


def conformal_widths(
    residuals: np.ndarray,
    groups: np.ndarray,
    days: np.ndarray,
    coverage: float = 0.9,
    *,
    signed: bool = False,
    neighbours: int = 0,
    count: int = HOURS,
) -> Widths:
    """Widths from `residuals` (truth - forecast) [N, P, F] of windows that the forecaster was not trained on.

    NaN residuals are unknown and never count. groups [N, P]: 0..count - 1, the hour of day of the target, say;
    days [N, P]: an id of the day of the target. Each group has its own quantile of |residual| (Mondrian conformal
    prediction: Vovk, Gammerman & Shafer 2005, "Algorithmic Learning in a Random World", section 4.5; Lei et al. 2018,
    "Distribution-free predictive inference for regression", section 2.2), or with `signed` one for each side, each of
    which errs half as often (Romano et al. 2019, "Conformalized Quantile Regression", section 4).

    Overlapping windows forecast the same hour many times, so residuals of one day are no new evidence. Days are what
    is exchanged, as in hierarchical conformal prediction (Lee, Barber & Willett 2023, "Distribution-free inference with
    hierarchical data", arXiv:2306.06342): a day's residuals share a weight of 1, the new day weighs 1 at infinity, and
    the width is the smallest residual at or below which `coverage` of the n + 1 lies. With one residual a day it has
    rank ceil((n + 1) * coverage); with a new id for each residual this is plain split conformal.

    A group with fewer days than `coverage` needs takes in its neighbours on the ring (hour 0 follows 23), one more on
    either side at a time, until there are enough; `neighbours` takes in as many from the start. Where even all groups
    together have too few, it stays as it is and `promised` says what that is worth. For widths that grow with the
    horizon divide residuals by a scale and give it to `around` (locally weighted: Lei et al. 2018, section 5.2).
    Days must be exchangeable: a drift between the held-out days and the new ones breaks the promise.
    Raises UserError when a column has no known residual.
    """
    if signed:
        below, above = -residuals, residuals
    else:
        below = above = np.abs(residuals)
    return _calibrated(
        below, above, groups, days, (1 + coverage) / 2 if signed else coverage, signed, neighbours, count
    )


def quantile_widths(
    low: np.ndarray,
    high: np.ndarray,
    truth: np.ndarray,
    groups: np.ndarray,
    days: np.ndarray,
    coverage: float = 0.9,
    *,
    neighbours: int = 0,
    count: int = HOURS,
) -> Widths:
    """What a net's outer quantiles `low` and `high` [N, P, F] lack (or, negative, have too much) on held-out windows.

    The score is how far `truth` [N, P, F] lies outside, negative inside: max(low - y, y - high) (Romano, Patterson &
    Candès 2019, "Conformalized Quantile Regression", eq. 6). All else as in `conformal_widths`.
    """
    scores = np.maximum(low - truth, truth - high)
    return _calibrated(scores, scores, groups, days, coverage, False, neighbours, count)


def _calibrated(below, above, groups, days, level, signed, neighbours, count) -> Widths:
    found = Widths(*(np.zeros((count, below.shape[2]), kind) for kind in (float, float, int, int, float)))
    for column in range(below.shape[2]):
        known = ~np.isnan(below[:, :, column])
        if not known.any():
            raise UserError(
                f"column {column + 1} has no known value in any held-out window, so its intervals have nothing to go "
                "by: hold out more days"
            )
        place, day = groups[known], days[known]
        for group, reach in enumerate(_reaches(place, day, level, neighbours, count)):
            chosen = _apart(place, group, count) <= reach
            found.below[group, column], promised = _day_quantile(below[:, :, column][known][chosen], day[chosen], level)
            found.above[group, column], _ = _day_quantile(above[:, :, column][known][chosen], day[chosen], level)
            found.reach[group, column], found.days[group, column] = reach, len(np.unique(day[chosen]))
            found.promised[group, column] = 1 - 2 * (1 - promised) if signed else promised
    return found


def _apart(groups: np.ndarray, group: int, count: int) -> np.ndarray:
    return np.minimum((groups - group) % count, (group - groups) % count)


def _reaches(groups: np.ndarray, days: np.ndarray, level: float, neighbours: int, count: int) -> list[int]:
    """For each group the smallest reach with as many days as `level` needs, or, if none has, with any at all."""
    needed = level / (1 - level) - 1e-9
    members = [np.unique(days[groups == group]) for group in range(count)]
    if len(np.unique(days)) < needed:
        needed = 1

    def held(group: int, span: int) -> int:
        return len(np.unique(np.concatenate([members[(group + step) % count] for step in range(-span, span + 1)])))

    spans = range(min(neighbours, count // 2), count // 2 + 1)
    return [next(span for span in spans if held(group, span) >= needed) for group in range(count)]


def _day_quantile(scores: np.ndarray, days: np.ndarray, level: float) -> tuple[float, float]:
    """The smallest of `scores` [M] below which `level` of n + 1 days lies, and the coverage that it promises."""
    _, place, sizes = np.unique(days, return_inverse=True, return_counts=True)
    order, n = np.argsort(scores, kind="stable"), len(sizes)
    reached = np.cumsum((1 / sizes)[place][order])
    rank = min(int(np.searchsorted(reached, level * (n + 1) - 1e-9)), len(scores) - 1)
    return float(scores[order[rank]]), min(level, n / (n + 1))
