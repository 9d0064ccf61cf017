"""Could chance do that? Permutation p-values of the AUROC of many filters, one by one and all together."""

import zlib
from collections.abc import Iterator
from typing import Literal

import numpy as np

from research.microscope.auroc import centered_midranks, sides

Alternative = Literal["greater", "two-sided"]

AT_ONCE = 256  # permutations: 256 x (N + 2 F) numbers are in memory, and no result depends on it


def permutation_p(
    responses: np.ndarray,
    positive: np.ndarray,
    *,
    permutations: int,
    seed: int,
    alternative: Alternative = "greater",
    at_once: int = AT_ONCE,
) -> tuple[np.ndarray, np.ndarray]:
    """(p [F], p corrected for all F) of the AUROC of `responses` [N, F] for `positive` [N] of bool.

    The membership is shuffled `permutations` times, the same shuffle for all filters. p is (1 + shuffles that reach
    the observed value) / (1 + permutations): valid, and never zero (Phipson & Smyth 2010, "Permutation p-values should
    never be zero"). The corrected p counts the shuffles whose *largest* value over all filters reaches the observed
    one: any error at all among the F then has no more than the stated probability, however the filters depend on each
    other (single-step maxT; Westfall & Young 1993, "Resampling-based multiple testing"). It is never below p.

    "greater": the filter responds more to the thing; "two-sided": more or less. The value compared is the AUROC less
    0.5 over its standard deviation under shuffling, so that filters with many ties weigh like the others; a constant
    filter has p 1. A function of the arrays, `permutations`, `alternative` and `seed` alone. Raises ValueError where a
    side is empty, or the shapes do not match.
    """
    positives, negatives = sides(responses, positive, least=1)
    ranks = centered_midranks(responses)
    deviation = _deviation(ranks, positives, negatives)
    observed = _standardized(positive[None], ranks, deviation, alternative)[0]
    alone, together = np.ones(len(observed), np.int64), np.ones(len(observed), np.int64)
    for shuffled in _shuffles(positive, permutations, seed, at_once):
        values = _standardized(shuffled, ranks, deviation, alternative)
        alone += np.count_nonzero(values >= observed, axis=0)
        together += np.count_nonzero(values.max(axis=1)[:, None] >= observed, axis=0)
    return alone / (1 + permutations), together / (1 + permutations)


def _shuffles(positive: np.ndarray, permutations: int, seed: int, at_once: int) -> Iterator[np.ndarray]:
    """The shuffled memberships [up to `at_once`, N]; one stream, drawn row after row, so that blocks do not matter."""
    generator = np.random.default_rng((seed, zlib.crc32(b"permutations")))
    for start in range(0, permutations, at_once):
        rows = min(at_once, permutations - start)
        yield generator.permuted(np.broadcast_to(positive, (rows, len(positive))), axis=1)


def _deviation(ranks: np.ndarray, positives: int, negatives: int) -> np.ndarray:
    """The standard deviation [F] of a sum of `positives` of the N `ranks`, drawn without replacement (ties and all)."""
    count = positives + negatives
    return np.sqrt(np.square(ranks).sum(axis=0) * positives * negatives / (count * (count - 1)))


def _standardized(
    memberships: np.ndarray, ranks: np.ndarray, deviation: np.ndarray, alternative: Alternative
) -> np.ndarray:
    """[P, N] of bool, [N, F], [F] -> [P, F]; zero for constant filters. The sums of ranks are whole numbers: exact."""
    sums = memberships.astype(np.float64) @ ranks
    values = np.divide(sums, deviation, out=np.zeros_like(sums), where=deviation > 0)
    return np.abs(values) if alternative == "two-sided" else values
