"""95% intervals of a proportion and of a mean over seeds, and ranks for conformal intervals."""

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import TypedDict

import numpy as np


class SeedInterval(TypedDict):
    """A metric over trainings that differ only in their seed; std and interval are None for one seed."""

    mean: float
    std: float | None
    low95: float | None
    high95: float | None
    values: list[float]


def proportion(successes: int, trials: int) -> tuple[float, float]:
    """The 95% interval of a proportion (Wilson 1927), valid at 0 and 100% as well."""
    from scipy.stats import binomtest  # slow to import; only needed at the end of a run

    interval = binomtest(successes, trials).proportion_ci(confidence_level=0.95, method="wilson")
    return float(interval.low), float(interval.high)


def across_seeds(values: Sequence[float], low: float = -np.inf, high: float = np.inf) -> SeedInterval:
    """Mean, standard deviation (ddof=1) and Student's t interval at 95% of one metric over S seeds.

    The interval is of the *mean* and assumes a normal distribution over seeds. It is clipped to the metric's bounds
    `low` and `high`. With one seed, std, low95 and high95 are None. Raises ValueError without values.
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


def exact_level(level: float | Fraction) -> Fraction:
    """The exact fraction of the decimal `level`: 9/10 for 0.9, which no float equals. Up to nine decimals are kept."""
    return Fraction(level).limit_denominator(10**9)


def rank_of(level: float | Fraction, n: int) -> int:
    """The rank ceil((n + 1) * level), from 1, of the value among n that covers `level` of exchangeable values.

    It is computed with whole numbers: in floats 10 * 0.9 and 100 * 0.29 may round to either side. A rank of n + 1 says
    that n values are too few (Vovk, Gammerman & Shafer 2005, "Algorithmic Learning in a Random World", section 2.2).
    """
    return math.ceil((n + 1) * exact_level(level))


def fewest_for(level: float | Fraction) -> int:
    """The least n that can cover `level`, 0 < level < 1: 9 for 0.9, 19 for 0.95, 99 for 0.99."""
    exact = exact_level(level)
    return math.ceil(exact / (1 - exact))


def assured(level: float, n: int) -> float:
    """The least coverage, in 19 of 20 samples of n, of the value at `rank_of(level, n)`.

    The coverage of one sample scatters around the promise as a Beta(rank, n + 1 - rank) (Vovk 2012, "Conditional
    validity of inductive conformal predictors", section 3): 72% for 0.9 of 9 values. Raises ValueError for too few.
    """
    from scipy.stats import beta  # slow to import; only needed at the end of a run

    rank = rank_of(level, n)
    if rank > n:
        raise ValueError(f"{n} values cannot hold {level:.0%}")
    return float(beta.ppf(0.05, rank, n + 1 - rank))


def student_half_width(std: float, count: int) -> float:
    """Half the width of the 95% interval of a mean of `count` >= 2 values that scatter by `std` (Student 1908)."""
    from scipy.stats import t  # slow to import; only needed at the end of a run

    return float(t.ppf(0.975, count - 1) * std / np.sqrt(count))
