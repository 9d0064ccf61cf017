"""The difference between two models that were trained with the same seeds."""

import itertools
from collections.abc import Mapping, Sequence
from typing import TypedDict

import numpy as np

from research.evaluation.intervals import student_half_width


class Difference(TypedDict):
    """Mean of a - b over matched seeds, its 95% interval, and the two-sided p of the paired t test.

    Interval and p are None for fewer than two pairs, and where the differences do not scatter.
    """

    mean: float
    low95: float | None
    high95: float | None
    p: float | None


def paired(a_values: Sequence[float], b_values: Sequence[float]) -> Difference:
    """Compare the same metric of two models, value by value of matched seeds [S] each (Student's paired t test).

    There is no interval for fewer than two pairs, nor where the differences do not scatter (t is then not finite).
    Raises ValueError when the two differ in length, or are empty.
    """
    a, b = np.asarray(a_values, np.float64), np.asarray(b_values, np.float64)
    if a.shape != b.shape or not len(a):
        raise ValueError(f"{len(a)} and {len(b)} values cannot be paired")
    difference = a - b
    mean = float(difference.mean())
    # Below a few units in the last place the scatter is rounding, not a measurement.
    if len(a) < 2 or np.ptp(difference) <= 8 * np.finfo(np.float64).eps * np.max(np.abs([a, b])):
        return Difference(mean=mean, low95=None, high95=None, p=None)
    from scipy.stats import ttest_rel  # slow to import; only needed when runs are compared

    half = student_half_width(float(difference.std(ddof=1)), len(a))
    p = float(ttest_rel(a, b).pvalue)  # pyright: ignore[reportAttributeAccessIssue]
    return Difference(mean=mean, low95=mean - half, high95=mean + half, p=p)


def step_by_step(values: Mapping[str, Sequence[float]]) -> dict[str, Difference]:
    """Each model of `values` (name -> a metric over matched seeds [S]) but the first, against the one before it.

    The p-values are corrected for the number of comparisons (`holm`); the intervals are not. Raises as `paired` does.
    """
    found = {name: paired(values[name], values[before]) for before, name in itertools.pairwise(values)}
    tested = {name: one["p"] for name, one in found.items() if one["p"] is not None}
    for name, p in zip(tested, holm(list(tested.values())), strict=True):
        found[name]["p"] = p
    return found


def holm(p_values: Sequence[float]) -> list[float]:
    """`p_values` [M] adjusted so that the probability of any error among all tests is at most the stated one.

    Step-down: the smallest times M, the next times M - 1, and so on; never less than one before it, never above 1
    (Holm 1979, "A simple sequentially rejective multiple test procedure").
    """
    order = np.argsort(p_values, kind="stable")
    steps = np.asarray(p_values, np.float64)[order] * np.arange(len(order), 0, -1)
    adjusted = np.empty(len(order))
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return adjusted.tolist()
