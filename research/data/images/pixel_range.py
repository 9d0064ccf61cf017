"""From numbers of any type to bytes: one scale for all pictures of a set, decided by all of them together."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from research.errors import UserError

OVERSHOOT = 1e-3  # share of the range by which floats may leave it: a quarter of a step, which rounding brings back
BLACK_OR_WRONG = 2.0  # floats that go above 1 yet not above this are no picture in 0..255: all but black
WHITES = (1.0, *(2.0**bits - 1 for bits in (8, 10, 12, 14, 16)))  # shares, and the bit depths of cameras and scanners
INTEGERS, FLOATS = "integers", "floats"


class PixelRange(NamedTuple):
    """The values that become 0 and 255: what is below or above becomes one of them, too."""

    low: float
    high: float

    def words(self) -> str:
        """`0 to 4,095 become 0 to 255`."""
        return f"{self.low:,g} to {self.high:,.10g} become 0 to 255"


Ranges = Mapping[str, PixelRange]  # by INTEGERS and FLOATS: of pictures of more than 8 bits a channel
UNKNOWN: Ranges = MappingProxyType({})


class Extremes(NamedTuple):
    """The least and the greatest value of pictures whose `kind` is INTEGERS or FLOATS."""

    kind: str
    low: float
    high: float


def ranges_of(found: Iterable[Extremes]) -> dict[str, PixelRange]:
    """The one range of each kind of pictures, by the least and greatest value of all of them.

    It begins at 0 and ends at the next of `WHITES`; where values are negative or beyond all of these, which no camera
    writes, it is theirs.
    """
    ranges, every = {}, list(found)
    for kind in sorted({each.kind for each in every}):
        low, high = (end(getattr(each, name) for each in every if each.kind == kind) for end, name in _ENDS)
        slack = 1 + OVERSHOOT * (kind == FLOATS)
        white = next((white for white in WHITES if high <= white * slack), high)
        ranges[kind] = PixelRange(low, max(high, low + 1)) if low < -OVERSHOOT * white else PixelRange(0.0, white)
    return ranges


_ENDS = ((min, "low"), (max, "high"))


def extremes(values: np.ndarray) -> Extremes:
    """Those of the finite among `values`; 0 and 0 where none is."""
    kind = FLOATS if values.dtype.kind == "f" else INTEGERS
    finite = values if kind == INTEGERS else values[np.isfinite(values)]
    return Extremes(kind, float(finite.min()), float(finite.max())) if finite.size else Extremes(kind, 0.0, 0.0)


def scaled(values: np.ndarray, known: PixelRange) -> np.ndarray:
    """`values` as uint8, rounded, those of `known` over 0 to 255; NaN becomes 0."""
    shares = (np.asarray(values, np.float64) - known.low) / (known.high - known.low)
    return np.rint(np.clip(np.nan_to_num(shares, posinf=1, neginf=0), 0, 1) * 255).astype(np.uint8)


class Bytes(NamedTuple):
    """The pictures of each part as uint8, and the range that they were scaled by, where they were not bytes."""

    images: dict[str, np.ndarray]
    ranges: dict[str, PixelRange]


def as_bytes(images: Mapping[str, np.ndarray], where: str) -> Bytes:
    """The pictures of each part as uint8: integers 0..255 as they are, floats 0..1 scaled by 255 or 0..255, rounded.

    Whole numbers that go beyond 255 in any part are scaled by the next bit depth (`WHITES`). Floats may leave their
    range by `OVERSHOOT` of it. Raises UserError naming `where` for other numbers, for floats of which neither range is
    likely, and for parts that differ in their range.
    """
    spans = {part: _span(array, _place(where, part)) for part, array in images.items()}
    deepest = max((span[1] for part, span in spans.items() if images[part].dtype.kind in "iu"), default=0.0)
    ranges = {part: _range(images[part].dtype, *span, deepest, _place(where, part)) for part, span in spans.items()}
    telling = {part: ranges[part] for part, span in spans.items() if span[1] > 0}  # all black fits any range
    if len({*telling.values()}) > 1:
        told = ", ".join(f"{part} {images[part].dtype} up to {spans[part][1]:g}" for part in telling)
        raise UserError(f"{where}: its parts differ in the range of their pixels ({told}); give all of them in one")
    top = next(iter(telling.values()), 255.0)
    kinds = {FLOATS if array.dtype.kind == "f" else INTEGERS for array in images.values() if array.dtype != np.uint8}
    return Bytes(
        {part: _rounded(array, top) for part, array in images.items()},
        {kind: PixelRange(0.0, top) for kind in sorted(kinds)},
    )


def _place(where: str, part: str) -> str:
    return where if part == "train" else f"{where} ({part} part)"


def _span(images: np.ndarray, where: str) -> tuple[float, float]:
    """The least and the greatest pixel."""
    if images.dtype == np.uint8:
        return 0.0, 255.0
    if images.dtype.kind not in "iuf":
        raise UserError(f"{where}: images are {images.dtype}; they must be numbers from 0 to 255, or from 0 to 1")
    if not np.isfinite(images).all():
        raise UserError(f"{where}: {int((~np.isfinite(images)).sum()):,} pixels are not finite (NaN or infinity)")
    return float(images.min()), float(images.max())


def _range(kind: np.dtype, low: float, high: float, deepest: float, where: str) -> float:
    """The number that stands for white: 1 or 255 of floats; of integers 255, or what `deepest` of all parts needs."""
    if kind.kind == "f" and 1 + OVERSHOOT < high <= BLACK_OR_WRONG:
        raise UserError(
            f"{where}: pixels go up to {high:g}, too far for 0 to 1 and all but black in 0 to 255; "
            "scale them to either range"
        )
    if kind.kind == "f":
        top = 1.0 if high <= BLACK_OR_WRONG else 255.0
    else:
        top = 255.0 if kind == np.uint8 else next((white for white in WHITES[1:] if deepest <= white), WHITES[-1])
    slack = top * OVERSHOOT if kind.kind == "f" else 0.0
    if low < -slack or high > top + slack:
        wanted = "0 to 255, or in 0 to 1" if kind.kind == "f" else f"0 to 255, or up to {WHITES[-1]:,.0f}"
        raise UserError(f"{where}: pixels go from {low:g} to {high:g}; they must lie in {wanted}")
    return top


def _rounded(images: np.ndarray, top: float) -> np.ndarray:
    if images.dtype.kind != "f" and top == 255:
        return images.astype(np.uint8, copy=False)
    return np.rint(images * (255.0 / top)).astype(np.uint8)
