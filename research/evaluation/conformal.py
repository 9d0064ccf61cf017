"""Prediction intervals with the promised coverage on new days: split conformal by hour of day, with the day as unit.

They need the net's residuals on days outside training, at least 9 of them for 90%.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from research.errors import UserError
from research.evaluation.intervals import exact_level, fewest_for

HOURS = 24


@dataclass(frozen=True)
class Widths:
    """How far an interval reaches below and above a forecast (or a pair of quantiles), per group and column [G, F].

    days: distinct held-out days behind each; reach: the number of groups on either side that were included. promised:
    the coverage that so many days promise on average, at most the one asked for: the widest residual of n days holds
    n / (n + 1), so 90% takes 9 days (19 where the two sides are calibrated separately).
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

        groups [N, P] as in calibration; scale: what the residuals were divided by there, of any shape that broadcasts.
        Where a negative width would make the ends cross, both are set to their middle.
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

    Overlapping windows forecast the same hour many times, so residuals of one day are not independent. The days are
    exchangeable, as in hierarchical conformal prediction (Lee, Barber & Willett 2023, "Distribution-free inference with
    hierarchical data", arXiv:2306.06342): a day's residuals share a weight of 1, the new day weighs 1 at infinity, and
    the width is the smallest residual at or below which `coverage` of the n + 1 lies. With one residual a day it has
    rank ceil((n + 1) * coverage); with a new id for each residual this is plain split conformal.

    A group with fewer days than `coverage` needs takes in its neighbours on the ring (hour 0 follows 23), one more on
    either side at a time, until there are enough; `neighbours` takes in as many from the start. For widths that grow
    with the horizon divide residuals by a scale and give it to `around` (locally weighted: Lei et al. 2018, section
    5.2). Days must be exchangeable: a drift between the held-out days and the new ones breaks the promise.
    Raises UserError when the days of all groups together are too few for `coverage` (see `too_few_days`).
    """
    level = exact_level(coverage)
    if signed:
        return _calibrated(-residuals, residuals, groups, days, (1 + level) / 2, signed, neighbours, count)
    return _calibrated(np.abs(residuals), np.abs(residuals), groups, days, level, signed, neighbours, count)


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
    """Corrections of a net's outer quantiles `low` and `high` [N, P, F] by held-out windows; negative ones narrow them.

    The score is how far `truth` [N, P, F] lies outside, negative inside: max(low - y, y - high) (Romano, Patterson &
    Candès 2019, "Conformalized Quantile Regression", eq. 6). All else as in `conformal_widths`.
    """
    scores = np.maximum(low - truth, truth - high)
    return _calibrated(scores, scores, groups, days, exact_level(coverage), False, neighbours, count)


def too_few_days(
    scores: np.ndarray, days: np.ndarray, coverage: float | Fraction, columns: Sequence[str] = (), signed: bool = False
) -> str:
    """Why there is no interval: a column of `scores` [N, P, F] (NaN is unknown) has too few days [N, P].

    Empty where all have enough. `columns` (F names) name them; without, they are counted from 1. The least number of
    days n is the smallest with a residual that covers `coverage` of n + 1; below it only an infinite interval does.
    """
    level = exact_level(coverage)
    needed = fewest_for((1 + level) / 2 if signed else level)
    spread = np.broadcast_to(days[:, :, None], scores.shape)
    held = [len(np.unique(spread[..., column][~np.isnan(scores[..., column])])) for column in range(scores.shape[2])]
    fewest = int(np.argmin(held))
    if held[fewest] >= needed:
        return ""
    name = f"column {columns[fewest] if columns else fewest + 1}"
    if not held[fewest]:
        return f"{name} has no known value in any held-out window: hold out more days (--data.validation)"
    most = 100 * ((held[fewest] - 1) if signed else held[fewest]) // (held[fewest] + 1)
    less = f", or ask for less (--forecast.coverage {most / 100:g})" if most else ""
    return (
        f"{100 * float(level):.4g}% takes {needed} held-out days, and {name} has {held[fewest]}: hold out more "
        f"(--data.validation){less}"
    )


def _calibrated(below, above, groups, days, level: Fraction, signed, neighbours, count) -> Widths:
    reason = too_few_days(below, days, 2 * level - 1 if signed else level, signed=signed)
    if reason:
        raise UserError(f"no interval: {reason}")
    found = Widths(*(np.zeros((count, below.shape[2]), kind) for kind in (float, float, int, int, float)))
    for column in range(below.shape[2]):
        known = ~np.isnan(below[:, :, column])
        group_of, day = groups[known], days[known]
        for group, reach in enumerate(_reaches(group_of, day, level, neighbours, count)):
            chosen = _apart(group_of, group, count) <= reach
            found.below[group, column], promised = _day_quantile(below[:, :, column][known][chosen], day[chosen], level)
            found.above[group, column], _ = _day_quantile(above[:, :, column][known][chosen], day[chosen], level)
            found.reach[group, column], found.days[group, column] = reach, len(np.unique(day[chosen]))
            found.promised[group, column] = 1 - 2 * (1 - promised) if signed else promised
    return found


def _apart(groups: np.ndarray, group: int, count: int) -> np.ndarray:
    return np.minimum((groups - group) % count, (group - groups) % count)


def _reaches(groups: np.ndarray, days: np.ndarray, level: Fraction, neighbours: int, count: int) -> list[int]:
    """For each group the smallest reach with as many days as `level` needs; all groups together have enough."""
    needed = fewest_for(level)
    members = [np.unique(days[groups == group]) for group in range(count)]

    def held(group: int, span: int) -> int:
        return len(np.unique(np.concatenate([members[(group + step) % count] for step in range(-span, span + 1)])))

    spans = range(min(neighbours, count // 2), count // 2 + 1)
    return [next(span for span in spans if held(group, span) >= needed) for group in range(count)]


def _day_quantile(scores: np.ndarray, days: np.ndarray, level: Fraction) -> tuple[float, float]:
    """The smallest of `scores` [M] at or below which `level` of n + 1 days lies, and the coverage that it promises."""
    _, day_index, sizes = np.unique(days, return_inverse=True, return_counts=True)
    order, n = np.argsort(scores, kind="stable"), len(sizes)
    wanted = level * (n + 1)

    def reached(index: int) -> Fraction:
        counts = np.bincount(day_index[order[: index + 1]], minlength=n)
        return sum((Fraction(int(one), int(size)) for one, size in zip(counts, sizes, strict=True)), Fraction(0))

    # Floats find the place up to rounding; whole numbers then decide.
    sums = np.cumsum((1 / sizes)[day_index][order])
    slack = 4 * len(scores) * np.finfo(np.float64).eps * n
    low, high = (int(index) for index in np.searchsorted(sums, [float(wanted) - slack, float(wanted) + slack]))
    index = bisect_left(range(min(high, len(scores) - 1)), wanted, lo=min(low, len(scores) - 1), key=reached)
    return float(scores[order[index]]), float(min(level, Fraction(n, n + 1)))
