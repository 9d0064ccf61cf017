"""Does a filter mean a thing? The test of "filter 17 of block2_conv2 means X" on pooled activations.

F filters look at N pictures, of which some show X (`positive`) and the others do not. The caller sees to it that no
picture is on both sides (`check_disjoint`), and that none is there twice: a p takes the N for
independent, and of two copies one would be chosen on, the other tested on.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from research.data.images.splits import hold_out
from research.errors import UserError
from research.microscope.auroc import auroc, interval, sides
from research.microscope.permutation import Alternative, permutation_p

PERMUTATIONS = 9999  # the smallest p is then 1e-4, and a p of 0.05 is known to 0.004: 1.96 sqrt(0.05 * 0.95 / 9999)
# On each side. The smallest p that 8 and 8 can give is 1 / C(16, 8) = 8e-5: 512 filters, and it is still below 0.05.
LEAST = 8
NAMED = 3  # filters or pictures that a message names; it says how many there are


@dataclass(frozen=True)
class Hypothesis:
    """What was found of one filter: the AUROC with its 95% interval [low, high], and the permutation p of it.

    `p_corrected` allows for all `looked_at` filters. `held_out`: the filter was chosen on other pictures than the
    `positives` and `negatives` that it was tested on, on `chosen_on_positives` and `chosen_on_negatives`.
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
    """The test of every filter of a layer: arrays [F], in the order of the filters."""

    auroc: np.ndarray
    low: np.ndarray
    high: np.ndarray
    p: np.ndarray
    p_corrected: np.ndarray
    positives: int
    negatives: int
    permutations: int

    def about(self, index: int) -> Hypothesis:
        """The row of filter `index`. Raises UserError when there is none."""
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

    If the filter was named before these pictures were seen, its `p` holds; if it was found in this table, only
    `p_corrected` does. By default the hypothesis is that the filter responds more to the thing (`permutation_p`).
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

    Arguments as for `every_filter`. On the second half only that filter is looked at, so nothing is to be corrected.
    Raises UserError for fewer than 16 pictures on a side, and for responses that are not finite.
    """
    check_responses(responses, positive, choosing=True)
    choosing, testing = halves(positive, seed)
    gain = auroc(responses[choosing], positive[choosing]) - 0.5
    index = int(np.argmax(np.abs(gain) if alternative == "two-sided" else gain))
    table = every_filter(
        responses[testing][:, [index]], positive[testing], seed=seed, permutations=permutations, alternative=alternative
    )
    found, shown = table.about(0), int(positive[choosing].sum())
    return replace(
        found, filter=index, held_out=True, chosen_on_positives=shown, chosen_on_negatives=len(choosing) - shown
    )


def halves(positive: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """The indices, ascending, of the pictures to choose a filter on and of those to test it on.

    Each half has half of the positives and half of the negatives. A function of `positive` [N] and `seed` alone.
    """
    return hold_out(positive.astype(np.int32), 0.5, seed, "choose a filter")


def check_responses(responses: np.ndarray, positive: np.ndarray, *, choosing: bool) -> None:
    """Raises UserError for too few pictures on a side (twice as many if half are for `choosing`), or NaN, or inf."""
    least = 2 * LEAST if choosing else LEAST
    positives, negatives = sides(responses, positive, least=0)
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
    """Raises UserError when there is no filter `index` among the `filters` of the layer."""
    if not 0 <= index < filters:
        raise UserError(f"no filter {index}; this layer's filters go from 0 to {filters - 1}")


def check_disjoint(positive_digests: Sequence[str], negative_digests: Sequence[str], names: Sequence[str]) -> None:
    """Raises UserError when pictures are on both sides, told by a digest (sha256) of the file or pixels of each.

    `names` are those of the positive pictures, one each, as text that can be printed.
    """
    others = set(negative_digests)
    shared = [name for digest, name in zip(positive_digests, names, strict=True) if digest in others]
    if shared:
        raise UserError(
            f"pictures both among those that show it and those that do not: {len(shared)} (first: {_first(shared)}); "
            "remove each from one side"
        )


def _first(items: Sequence[object]) -> str:
    return ", ".join(map(str, items[:NAMED]))
