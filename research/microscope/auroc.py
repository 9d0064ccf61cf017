"""How well a filter's response tells pictures that show a thing from those that do not: AUROC with its interval."""

import numpy as np


def centered_midranks(responses: np.ndarray) -> np.ndarray:
    """Twice the midrank of each picture's response, less N + 1: [N, F] -> [N, F] of whole numbers in float64.

    Ties share the mean of their ranks. Every column sums to zero, and sums of whole numbers are exact in float64, in
    whatever order they are taken: what follows from them depends on no blocking.
    """
    from scipy.stats import rankdata  # slow to import; only needed when a hypothesis is tested

    # scipy 1.18 ranks in the type of the responses, and float32 would round sums of ranks.
    return 2 * rankdata(np.asarray(responses, np.float64), axis=0) - (len(responses) + 1)


def auroc(responses: np.ndarray, positive: np.ndarray) -> np.ndarray:
    """The area under the ROC curve [F] of `responses` [N, F] for `positive` [N] of bool.

    It is the probability that a picture of the thing excites the filter more than another picture does, ties counted
    half: the Mann-Whitney statistic U over its maximum (Hanley & McNeil 1982, "The meaning and use of the area under a
    receiver operating characteristic curve"). A constant filter has 0.5. Raises ValueError where a side is empty, or
    the shapes do not match.
    """
    positives, negatives = sides(responses, positive, least=1)
    return 0.5 + centered_midranks(responses)[positive].sum(axis=0) / (2 * positives * negatives)


def interval(responses: np.ndarray, positive: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The 95% interval (low [F], high [F]) of `auroc`, for each filter alone; it stays within [0, 1].

    With V_i the share of the n negatives below positive i (ties half), W_j the share of the m positives above negative
    j, and A the AUROC: var(A) = var(V) / m + var(W) / n, both with ddof=1 (DeLong, DeLong & Clarke-Pearson 1988,
    "Comparing the areas under two or more correlated receiver operating characteristic curves"; V and W by midranks as
    in Sun & Xu 2014). The interval is logit(A) -+ 1.96 sqrt(var(A)) / (A (1 - A)), taken back (Pepe 2003, "The
    statistical evaluation of medical tests", chapter 5). It is approximate: near 0 and 1 it needs many pictures.

    A variance of zero is no certainty: there `_without_variance` stands in. Raises ValueError where a side has fewer
    than two pictures, or the shapes do not match.
    """
    from scipy.special import expit, logit, ndtri  # slow to import

    positives, negatives = sides(responses, positive, least=2)
    area = auroc(responses, positive)
    variance = _delong_variance(responses, positive)
    low, high = _without_variance(area, min(positives, negatives))
    sure = variance > 0  # then 0 < A < 1
    at = area[sure]
    half = ndtri(0.975) * np.sqrt(variance[sure]) / (at * (1 - at))
    low[sure], high[sure] = expit(logit(at) - half), expit(logit(at) + half)
    return low, high


def _delong_variance(responses: np.ndarray, positive: np.ndarray) -> np.ndarray:
    """var(A) [F]: an item's midrank among all, less that on its own side, counts the other side below it."""
    ranks, total = centered_midranks(responses), np.zeros(responses.shape[1])
    for side in (positive, ~positive):
        size, others = int(side.sum()), int((~side).sum())
        below = ranks[side] - centered_midranks(responses[side])  # (2 V - 1) * others: whole, so equal ones have var 0
        total += below.var(axis=0, ddof=1) / (2 * others) ** 2 / size
    return total


def _without_variance(area: np.ndarray, pairs: int) -> tuple[np.ndarray, np.ndarray]:
    """(low, high) [F] where DeLong's variance is zero: the AUROC is 0, 1 or, all responses equal, 0.5.

    Let k = `pairs` be the pictures on the smaller side: so many pairs of a positive and a negative have no picture in
    common, and are independent. An AUROC of 1 means that all k are ordered rightly, which happens with probability
    p^k at most if p is the true AUROC; all p with p^k >= 2.5% are in the interval: [0.025^(1/k), 1], the exact limit
    of Clopper & Pearson 1934 for k successes in k trials. For AUROC 0 it is mirrored. If all k pairs are tied, a tie
    has probability 0.025^(1/k) or more, and the rest can move the AUROC by half of the rest. Conservative, so that a
    perfect filter's interval may be wider than a nearly perfect one's.
    """
    reach = 1 - 0.025 ** (1 / pairs)
    return area - reach * area, area + reach * (1 - area)


def sides(responses: np.ndarray, positive: np.ndarray, least: int) -> tuple[int, int]:
    """(positives, negatives), after checking the caller's arrays; ValueError where they do not fit."""
    if responses.ndim != 2 or positive.shape != responses.shape[:1] or positive.dtype != bool:
        raise ValueError(
            f"responses {responses.shape} and positive {positive.shape} of {positive.dtype}: not [N, F] and [N] of bool"
        )
    positives = int(positive.sum())
    negatives = len(positive) - positives
    if min(positives, negatives) < least:
        raise ValueError(f"{positives} positives and {negatives} negatives: {least} of each are needed")
    return positives, negatives
