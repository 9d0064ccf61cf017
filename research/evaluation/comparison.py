"""The difference between two models that were trained with the same seeds, or on the same splits of the data."""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypedDict

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


class SplitDifference(Difference):
    """A `Difference` over splits of one data set, and the two-sided p of Wilcoxon's signed-rank test of it."""

    wilcoxon_p: float | None


def compare_splits(a_values: Sequence[float], b_values: Sequence[float], test_share: float) -> SplitDifference:
    """Compare the same metric of two models on the same S splits of one data set into training and test rows.

    test_share, 0 to 1, is the share of the rows in each test part: 1/k for k folds, repeated or not. The training parts
    of the splits overlap, so the variance of the mean difference is (1/S + n_test / n_train) times that of the
    differences, with Student's t of S - 1 degrees of freedom (Nadeau & Bengio 2003, "Inference for the generalization
    error", section 3.2; for repeated cross-validation Bouckaert & Frank 2004, "Evaluating the replicability of
    significance tests for comparing learning algorithms"). wilcoxon_p takes the splits as independent, which makes it
    too small. Interval and p are None as in `paired`. Raises as `paired` does, and for a share outside 0 to 1.
    """
    if not 0 < test_share < 1:
        raise ValueError(f"the test part cannot be {test_share:g} of the rows")
    plain = paired(a_values, b_values)
    if plain["p"] is None:
        return SplitDifference(**plain, wilcoxon_p=None)
    from scipy.stats import t, wilcoxon  # slow to import; only needed when models are compared

    difference = np.asarray(a_values, np.float64) - np.asarray(b_values, np.float64)
    S, mean = len(difference), plain["mean"]
    error = float(difference.std(ddof=1) * np.sqrt(1 / S + test_share / (1 - test_share)))
    half = student_half_width(error * np.sqrt(S), S)  # which divides by the root of S
    p = float(2 * t.sf(abs(mean) / error, S - 1))
    rank_p = float(wilcoxon(difference).pvalue)  # pyright: ignore[reportAttributeAccessIssue]
    return SplitDifference(mean=mean, low95=mean - half, high95=mean + half, p=p, wilcoxon_p=rank_p)


def step_by_step(values: Mapping[str, Sequence[float]]) -> dict[str, Difference]:
    """Each model of `values` (name -> a metric over matched seeds [S]) but the first, against the one before it.

    The p-values are corrected for the number of comparisons (`holm`); the intervals are not. Raises as `paired` does.
    """
    found = {name: paired(values[name], values[before]) for before, name in itertools.pairwise(values)}
    correct_for_several(found.values())
    return found


def correct_for_several(tests: Iterable[Any], name: str = "p") -> None:
    """Replace the p-values under `name` in `tests`, dicts, by those corrected for their number (`holm`); None stays."""
    tested = [one for one in tests if one[name] is not None]
    for one, p in zip(tested, holm([one[name] for one in tested]), strict=True):
        one[name] = p


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
