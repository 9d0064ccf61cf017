"""Tests of hypotheses such as "filter 17 of block2_conv2 means X" on pooled activations.

`responses` [N, F] are those of F filters to N pictures, some of which show X (`positive` [N]). The caller
ensures that no picture is on both sides (`check_disjoint`) and that there are no copies: a p-value assumes
independent pictures, and a filter could be chosen on one copy and tested on the other.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from research.data.images.splits import hold_out
from research.errors import UserError
from research.microscope.auroc import auroc, count_sides, interval
from research.microscope.permutation import Alternative, permutation_p

PERMUTATIONS = 9999  # the smallest p is 1e-4; a p of 0.05 is exact to 0.004: 1.96 sqrt(0.05 * 0.95 / 9999)
# Pictures on each side. The smallest p of 8 and 8 is 1 / C(16, 8) = 8e-5, below 0.05 even times 512 filters.
LEAST = 8
NAMED = 3  # filters or pictures that an error message names


@dataclass(frozen=True)
class Hypothesis:
    """The test of one filter: AUROC, its 95% interval [low, high] and its permutation p.

    `p_corrected` is corrected for all `looked_at` filters. `positives` and `negatives` count the test pictures. With
    `held_out` the filter was chosen on other pictures: `chosen_on_positives` and `chosen_on_negatives` of them.
    """

    filter: int
    auroc: float
    low: float
    high: float
    p: float
    p_corrected: float
    looked_at: int
    positives: int
    negatives: int
    permutations: int
    held_out: bool = False
    chosen_on_positives: int = 0
    chosen_on_negatives: int = 0


@dataclass(frozen=True)
class FilterTable:
    """The tests of all filters of a layer: arrays [F]."""

    auroc: np.ndarray
    low: np.ndarray
    high: np.ndarray
    p: np.ndarray
    p_corrected: np.ndarray
    positives: int
    negatives: int
    permutations: int

    def about(self, index: int) -> Hypothesis:
        """The test of filter `index`; UserError if it does not exist."""
        check_filter(index, len(self.p))
        return Hypothesis(
            filter=index,
            auroc=float(self.auroc[index]),
            low=float(self.low[index]),
            high=float(self.high[index]),
            p=float(self.p[index]),
            p_corrected=float(self.p_corrected[index]),
            looked_at=len(self.p),
            positives=self.positives,
            negatives=self.negatives,
            permutations=self.permutations,
        )


def every_filter(
    responses: np.ndarray,
    positive: np.ndarray,
    *,
    seed: int,
    permutations: int = PERMUTATIONS,
    alternative: Alternative = "greater",
) -> FilterTable:
    """Test each filter of `responses` [N, F] for `positive` [N] of bool; `about(17)` of the table is filter 17's test.

    Use `p` for a filter that was named before these pictures were seen, and `p_corrected` for one found in this table.
    The default hypothesis is that the filter responds more to positive pictures (see `permutation_p`).
    Raises UserError for fewer than 8 pictures on a side, and for responses that are not finite.
    """
    check_responses(responses, positive, choosing=False)
    p, p_corrected = permutation_p(responses, positive, permutations=permutations, seed=seed, alternative=alternative)
    low, high = interval(responses, positive)
    positives = int(positive.sum())
    return FilterTable(
        auroc(responses, positive), low, high, p, p_corrected, positives, len(positive) - positives, permutations
    )


def choose_and_test(
    responses: np.ndarray,
    positive: np.ndarray,
    *,
    seed: int,
    permutations: int = PERMUTATIONS,
    alternative: Alternative = "greater",
) -> Hypothesis:
    """Choose the filter with the largest AUROC (or, two-sided, farthest from 0.5) on one half, test it on the other.

    Arguments as for `every_filter`. Only one filter is tested on the second half, so there is no correction.
    Raises UserError for fewer than 16 pictures on a side, and for responses that are not finite.
    """
    check_responses(responses, positive, choosing=True)
    choosing, testing = halves(positive, seed)
    gain = auroc(responses[choosing], positive[choosing]) - 0.5
    index = int(np.argmax(np.abs(gain) if alternative == "two-sided" else gain))
    table = every_filter(
        responses[testing][:, [index]], positive[testing], seed=seed, permutations=permutations, alternative=alternative
    )
    result, positives = table.about(0), int(positive[choosing].sum())
    return replace(
        result,
        filter=index,
        held_out=True,
        chosen_on_positives=positives,
        chosen_on_negatives=len(choosing) - positives,
    )


def halves(positive: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Ascending indices of the pictures to choose a filter on, and of those to test it on.

    Each half has half of the positives and half of the negatives. The result depends only on `positive` and `seed`.
    """
    return hold_out(positive.astype(np.int32), 0.5, seed, "choose a filter")


def check_responses(responses: np.ndarray, positive: np.ndarray, *, choosing: bool) -> None:
    """Raise UserError for NaN or inf, or too few pictures on a side; `choosing` needs twice as many."""
    least = 2 * LEAST if choosing else LEAST
    positives, negatives = count_sides(responses, positive, least=0)
    if min(positives, negatives) < least:
        why = f" ({LEAST} to choose the filter on and {LEAST} to test it on)" if choosing else ""
        raise UserError(
            f"pictures that show it: {positives}, that do not: {negatives}; "
            f"a hypothesis needs at least {least} on each side{why}: add some"
        )
    broken = ~np.isfinite(responses)
    if broken.any():
        filters = np.flatnonzero(broken.any(axis=0))
        count = broken.any(axis=1).sum()
        raise UserError(
            f"{len(filters)} of {responses.shape[1]} filters (first: {_first(filters.tolist())}) respond with NaN or "
            f"infinity to {count} of {len(positive)} pictures; check the weights, or whether training diverged"
        )


def check_filter(index: int, filters: int) -> None:
    """Raise UserError if a layer of `filters` filters has no filter `index`."""
    if not 0 <= index < filters:
        raise UserError(f"no filter {index}; this layer's filters go from 0 to {filters - 1}")


def check_disjoint(positive_digests: Sequence[str], negative_digests: Sequence[str], names: Sequence[str]) -> None:
    """Raise UserError if a picture is on both sides, by digests (sha256) of the files or pixels.

    `names` are the printable names of the positive pictures.
    """
    negatives = set(negative_digests)
    shared = [name for digest, name in zip(positive_digests, names, strict=True) if digest in negatives]
    if shared:
        raise UserError(
            f"pictures both among those that show it and those that do not: {len(shared)} (first: {_first(shared)}); "
            "remove each from one side"
        )


def _first(items: Sequence[object]) -> str:
    return ", ".join(map(str, items[:NAMED]))
