"""How well a filter's response separates positive from negative pictures: AUROC and its confidence interval."""

import numpy as np


def centered_midranks(responses: np.ndarray) -> np.ndarray:
    """Twice the midrank of each picture's response, minus N + 1: [N, F] -> [N, F] of whole numbers in float64.

    Ties share the mean of their ranks. Every column sums to zero. Sums of whole numbers are exact in float64 in any
    order, so results computed from them do not depend on the block size.
    """
    from scipy.stats import rankdata  # slow to import

    # scipy 1.18 ranks in the type of the responses, and float32 would round sums of ranks.
    return 2 * rankdata(np.asarray(responses, np.float64), axis=0) - (len(responses) + 1)


def auroc(responses: np.ndarray, positive: np.ndarray) -> np.ndarray:
    """The area under the ROC curve [F] of `responses` [N, F] for `positive` [N] of bool.

    It is the probability that a positive picture excites the filter more than a negative one, ties counted half: the
    Mann-Whitney statistic U over its maximum (Hanley & McNeil 1982, "The meaning and use of the area under a receiver
    operating characteristic curve"). A constant filter has 0.5. Raises ValueError for an empty side or wrong shapes.
    """
    positives, negatives = count_sides(responses, positive, least=1)
    return 0.5 + centered_midranks(responses)[positive].sum(axis=0) / (2 * positives * negatives)


def interval(responses: np.ndarray, positive: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The 95% interval (low [F], high [F]) of `auroc`, for each filter separately, within [0, 1].

    With V_i the share of the n negatives below positive i (ties half), W_j the share of the m positives above negative
    j, and A the AUROC: var(A) = var(V) / m + var(W) / n, both with ddof=1 (DeLong, DeLong & Clarke-Pearson 1988,
    "Comparing the areas under two or more correlated receiver operating characteristic curves"; V and W by midranks as
    in Sun & Xu 2014). The interval is logit(A) -+ 1.96 sqrt(var(A)) / (A (1 - A)), transformed back (Pepe 2003, "The
    statistical evaluation of medical tests", chapter 5). It is approximate: near 0 and 1 it needs many pictures.

    Where the variance is zero, `_without_variance` gives the interval. Raises ValueError for fewer than two pictures on
    a side or wrong shapes.
    """
    from scipy.special import expit, logit, ndtri  # slow to import

    positives, negatives = count_sides(responses, positive, least=2)
    area = auroc(responses, positive)
    variance = _delong_variance(responses, positive)
    low, high = _without_variance(area, min(positives, negatives))
    varies = variance > 0  # then 0 < A < 1
    inner = area[varies]
    half = ndtri(0.975) * np.sqrt(variance[varies]) / (inner * (1 - inner))
    low[varies], high[varies] = expit(logit(inner) - half), expit(logit(inner) + half)
    return low, high


def _delong_variance(responses: np.ndarray, positive: np.ndarray) -> np.ndarray:
    """var(A) [F]. A midrank among all minus the midrank on the own side counts the other side's pictures below."""
    ranks, total = centered_midranks(responses), np.zeros(responses.shape[1])
    for side in (positive, ~positive):
        size, others = int(side.sum()), int((~side).sum())
        below = ranks[side] - centered_midranks(responses[side])  # (2 V - 1) * others: whole, so equals have var 0
        total += below.var(axis=0, ddof=1) / (2 * others) ** 2 / size
    return total


def _without_variance(area: np.ndarray, pairs: int) -> tuple[np.ndarray, np.ndarray]:
    """(low, high) [F] where DeLong's variance is zero: the AUROC is 0, 1 or, all responses equal, 0.5.

    Let k = `pairs` be the number of pictures on the smaller side: k pairs of a positive and a negative picture share no
    picture, so they are independent. An AUROC of 1 means that all k pairs are in the right order. If p is the true
    AUROC, that has probability p^k at most. The interval holds all p with p^k >= 2.5%: [0.025^(1/k), 1], the exact
    limit of Clopper & Pearson 1934 for k successes in k trials. AUROC 0 is the mirror image. If all k pairs are tied,
    a tie has probability 0.025^(1/k) or more, and the remaining probability can move the AUROC by half of it. The
    interval is conservative: a perfect filter's may be wider than a nearly perfect one's.
    """
    width = 1 - 0.025 ** (1 / pairs)
    return area - width * area, area + width * (1 - area)


def count_sides(responses: np.ndarray, positive: np.ndarray, least: int) -> tuple[int, int]:
    """The numbers of (positives, negatives); ValueError for wrong arrays, or fewer than `least` on a side."""
    if responses.ndim != 2 or positive.shape != responses.shape[:1] or positive.dtype != bool:
        raise ValueError(
            f"responses {responses.shape} and positive {positive.shape} of {positive.dtype}: not [N, F] and [N] of bool"
        )
    positives = int(positive.sum())
    negatives = len(positive) - positives
    if min(positives, negatives) < least:
        raise ValueError(f"{positives} positives and {negatives} negatives: {least} of each are needed")
    return positives, negatives
