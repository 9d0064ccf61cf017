"""How far to trust a number: 95% intervals of a proportion and of a mean over seeds."""

from collections.abc import Sequence
from typing import TypedDict

import numpy as np


class SeedInterval(TypedDict):
    """A metric over trainings that differ in their seed only; None where one seed cannot tell."""

    mean: float
    std: float | None
    low95: float | None
    high95: float | None
    values: list[float]


def proportion(successes: int, trials: int) -> tuple[float, float]:
    """The 95% interval of a proportion (Wilson 1927): sensible also at 0 and at 100%."""
    from scipy.stats import binomtest  # slow to import; only needed at the end of a run

    interval = binomtest(successes, trials).proportion_ci(confidence_level=0.95, method="wilson")
    return float(interval.low), float(interval.high)


def across_seeds(values: Sequence[float], low: float = -np.inf, high: float = np.inf) -> SeedInterval:
    """Mean, standard deviation (ddof=1) and Student's t interval at 95% of one metric over S seeds.

    The interval is of the *mean* and supposes that seeds scatter normally; it ends at `low` and `high` at the latest,
    between which the metric lies by its nature. With one seed std, low95 and high95 are
    None. Raises ValueError without values.
    """
    found = np.asarray(values, np.float64)
    if len(found) == 0:
        raise ValueError("no values to summarize")
    mean, std, half = float(found.mean()), None, None
    if len(found) > 1:
        std = float(found.std(ddof=1))
        half = student_half_width(std, len(found))
    ends = (None, None) if half is None else (max(mean - half, low), min(mean + half, high))
    return SeedInterval(mean=mean, std=std, low95=ends[0], high95=ends[1], values=found.tolist())


def student_half_width(std: float, count: int) -> float:
    """Half the width of the 95% interval of a mean of `count` >= 2 values that scatter by `std` (Student 1908)."""
    from scipy.stats import t  # slow to import; only needed at the end of a run

    return float(t.ppf(0.975, count - 1) * std / np.sqrt(count))
