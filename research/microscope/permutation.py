"""Permutation p-values of the AUROC of many filters: one by one, and corrected for all of them."""

import zlib
from collections.abc import Iterator
from typing import Literal

import numpy as np

from research.microscope.auroc import centered_midranks, count_sides

Alternative = Literal["greater", "two-sided"]

BLOCK = 256  # permutations in memory, 256 x (N + 2 F) numbers; results do not depend on it


def permutation_p(
    responses: np.ndarray,
    positive: np.ndarray,
    *,
    permutations: int,
    seed: int,
    alternative: Alternative = "greater",
    block: int = BLOCK,
) -> tuple[np.ndarray, np.ndarray]:
    """(p [F], p corrected for all F) of the AUROC of `responses` [N, F] for `positive` [N] of bool.

    `positive` is shuffled `permutations` times, with the same shuffle for all filters. p is (1 + shuffles that reach
    the observed value) / (1 + permutations): valid, and never zero (Phipson & Smyth 2010, "Permutation p-values should
    never be zero"). The corrected p counts the shuffles whose *largest* value over all filters reaches the observed
    one. So the probability of any error among the F filters is at most the stated one, however they depend on each
    other (single-step maxT; Westfall & Young 1993, "Resampling-based multiple testing"). It is never below p.

    "greater": the filter responds more to positive pictures; "two-sided": more or less. The statistic is (AUROC - 0.5)
    over its standard deviation under shuffling, so that filters with many ties count like the others; a constant
    filter has p 1. The result depends only on the arrays, `permutations`, `alternative` and `seed`. Raises ValueError
    for an empty side or wrong shapes.
    """
    positives, negatives = count_sides(responses, positive, least=1)
    ranks = centered_midranks(responses)
    deviation = _deviation(ranks, positives, negatives)
    observed = _standardized(positive[None], ranks, deviation, alternative)[0]
    alone, together = np.ones(len(observed), np.int64), np.ones(len(observed), np.int64)
    for shuffled in _shuffles(positive, permutations, seed, block):
        values = _standardized(shuffled, ranks, deviation, alternative)
        alone += np.count_nonzero(values >= observed, axis=0)
        together += np.count_nonzero(values.max(axis=1)[:, None] >= observed, axis=0)
    return alone / (1 + permutations), together / (1 + permutations)


def _shuffles(positive: np.ndarray, permutations: int, seed: int, block: int) -> Iterator[np.ndarray]:
    """Shuffles of `positive` [up to `block`, N], drawn row by row from one stream, so that `block` does not matter."""
    generator = np.random.default_rng((seed, zlib.crc32(b"permutations")))
    for start in range(0, permutations, block):
        rows = min(block, permutations - start)
        yield generator.permuted(np.broadcast_to(positive, (rows, len(positive))), axis=1)


def _deviation(ranks: np.ndarray, positives: int, negatives: int) -> np.ndarray:
    """The standard deviation [F] of the sum of `positives` of the N `ranks`, drawn without replacement, with ties."""
    count = positives + negatives
    return np.sqrt(np.square(ranks).sum(axis=0) * positives * negatives / (count * (count - 1)))


def _standardized(
    shuffled: np.ndarray, ranks: np.ndarray, deviation: np.ndarray, alternative: Alternative
) -> np.ndarray:
    """[P, N] of bool, [N, F], [F] -> [P, F]; zero for constant filters. Sums of ranks are exact whole numbers."""
    sums = shuffled.astype(np.float64) @ ranks
    values = np.divide(sums, deviation, out=np.zeros_like(sums), where=deviation > 0)
    return np.abs(values) if alternative == "two-sided" else values
