"""Is one model better than another, given that both were trained with the same seeds?"""

from collections.abc import Sequence
from typing import TypedDict

import numpy as np

from research.evaluation.intervals import student_half_width


class Difference(TypedDict):
    """Mean of a - b over matched seeds, its 95% interval, and the two-sided p of the paired t test."""

    mean: float
    low95: float
    high95: float
    p: float


def paired(a_values: Sequence[float], b_values: Sequence[float]) -> Difference | None:
    """Compare the same metric of two models, value by value of matched seeds [S] each (Student's paired t test).

    None when the pairs cannot tell: fewer than two, or differences without any scatter (then t has no finite value).
    Raises ValueError when the two do not match in length.
    """
    a, b = np.asarray(a_values, np.float64), np.asarray(b_values, np.float64)
    if a.shape != b.shape:
        raise ValueError(f"{len(a)} and {len(b)} values cannot be paired")
    difference = a - b
    # Below a few units in the last place the scatter is rounding, not a measurement.
    if len(a) < 2 or np.ptp(difference) <= 8 * np.finfo(np.float64).eps * np.max(np.abs([a, b])):
        return None
    from scipy.stats import ttest_rel  # slow to import; only needed when runs are compared

    half = student_half_width(float(difference.std(ddof=1)), len(a))
    mean, p = float(difference.mean()), float(ttest_rel(a, b).pvalue)  # pyright: ignore[reportAttributeAccessIssue]
    return Difference(mean=mean, low95=mean - half, high95=mean + half, p=p)
