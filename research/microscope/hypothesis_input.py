"""What a filter hypothesis cannot be tested on: too few pictures, the same on both sides, responses that are NaN."""

from collections.abc import Sequence

import numpy as np

from research.errors import UserError
from research.microscope.auroc import sides

# On each side. The smallest p that 8 and 8 can give is 1 / C(16, 8) = 8e-5: 512 filters, and it is still below 0.05.
LEAST = 8
NAMED = 3  # filters or pictures that a message names; it says how many there are


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
