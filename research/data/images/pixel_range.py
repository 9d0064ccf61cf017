"""Pixels of any number type as bytes: one scale for all pictures of a set, chosen from all of them together."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from research.errors import UserError

OVERSHOOT = 1e-3  # share of the range by which floats may leave it: a quarter of a step of 255, removed by rounding
BLACK_OR_WRONG = 2.0  # floats whose maximum is above 1 and at most this are refused: in 0..255 they are almost black
WHITES = (1.0, *(2.0**bits - 1 for bits in (8, 10, 12, 14, 16)))  # of shares, and of cameras' and scanners' bit depths
INTEGERS, FLOATS = "integers", "floats"


PixelRange = tuple[float, float]  # the values (low, high) that become 0 and 255; values beyond them are clipped
Ranges = Mapping[str, PixelRange]  # by INTEGERS and FLOATS, for pictures of more than 8 bits a channel
UNKNOWN: Ranges = MappingProxyType({})


class Extremes(NamedTuple):
    """The smallest and the largest value of a picture; `kind` is INTEGERS or FLOATS."""

    kind: str
    low: float
    high: float


def describe_range(pixel_range: PixelRange) -> str:
    """The range in words: `0 to 4,095 become 0 to 255`."""
    low, high = pixel_range
    return f"{low:,g} to {high:,.10g} become 0 to 255"


def ranges_of(pictures: Iterable[Extremes]) -> dict[str, PixelRange]:
    """The range of each kind of pictures, from the smallest and the largest value of all of them.

    The range begins at 0 and ends at the next of `WHITES`. Where values are negative or above all of these (no camera
    writes such values), the range is that of the values.
    """
    ranges, pictures = {}, list(pictures)
    for kind in sorted({picture.kind for picture in pictures}):
        low = min(picture.low for picture in pictures if picture.kind == kind)
        high = max(picture.high for picture in pictures if picture.kind == kind)
        slack = 1 + OVERSHOOT * (kind == FLOATS)
        white = next((white for white in WHITES if high <= white * slack), high)
        ranges[kind] = (low, max(high, low + 1)) if low < -OVERSHOOT * white else (0.0, white)
    return ranges


def extremes(values: np.ndarray) -> Extremes:
    """The extremes of the finite `values`; 0 and 0 where no value is finite."""
    kind = FLOATS if values.dtype.kind == "f" else INTEGERS
    finite = values if kind == INTEGERS else values[np.isfinite(values)]
    return Extremes(kind, float(finite.min()), float(finite.max())) if finite.size else Extremes(kind, 0.0, 0.0)


def scaled(values: np.ndarray, pixel_range: PixelRange) -> np.ndarray:
    """`values` as uint8: `pixel_range` is mapped to 0..255, rounded and clipped; NaN becomes 0."""
    low, high = pixel_range
    shares = (np.asarray(values, np.float64) - low) / (high - low)
    return np.rint(np.clip(np.nan_to_num(shares, posinf=1, neginf=0), 0, 1) * 255).astype(np.uint8)


def as_bytes(images: Mapping[str, np.ndarray], where: str) -> tuple[dict[str, np.ndarray], dict[str, PixelRange]]:
    """The pictures of each split as uint8, and the ranges by which pictures that were not uint8 were scaled.

    Integers in 0..255 stay as they are. Floats in 0..1 or 0..255 are scaled to 0..255 and rounded; they may leave their
    range by `OVERSHOOT` of it. Integers above 255 in any split are scaled by the next bit depth (`WHITES`). Raises
    UserError naming `where` for other numbers, for floats that fit neither range, and for splits of different ranges.
    """
    spans = {split: _span(array, named_split(where, split)) for split, array in images.items()}
    deepest = max((span[1] for split, span in spans.items() if images[split].dtype.kind in "iu"), default=0.0)
    whites = {
        split: _white(images[split].dtype, *span, deepest, named_split(where, split)) for split, span in spans.items()
    }
    decisive = {split: whites[split] for split, span in spans.items() if span[1] > 0}  # all black fits any range
    if len({*decisive.values()}) > 1:
        listed = ", ".join(f"{split} {images[split].dtype} up to {spans[split][1]:g}" for split in decisive)
        raise UserError(f"{where}: its parts differ in the range of their pixels ({listed}); give all of them in one")
    white = next(iter(decisive.values()), 255.0)
    kinds = {FLOATS if array.dtype.kind == "f" else INTEGERS for array in images.values() if array.dtype != np.uint8}
    return {split: _rounded(array, white) for split, array in images.items()}, dict.fromkeys(
        sorted(kinds), (0.0, white)
    )


def named_split(where: str, split: str) -> str:
    """How errors name a split of the source `where`; the training split goes without a name."""
    return where if split == "train" else f"{where} ({split} part)"


def _span(images: np.ndarray, where: str) -> tuple[float, float]:
    """The smallest and the largest pixel."""
    if images.dtype == np.uint8:
        return 0.0, 255.0
    if images.dtype.kind not in "iuf":
        raise UserError(f"{where}: images are {images.dtype}; they must be numbers from 0 to 255, or from 0 to 1")
    if not np.isfinite(images).all():
        raise UserError(f"{where}: {int((~np.isfinite(images)).sum()):,} pixels are not finite (NaN or infinity)")
    return float(images.min()), float(images.max())


def _white(dtype: np.dtype, low: float, high: float, deepest: float, where: str) -> float:
    """The value of white: 1 or 255 for floats; for integers 255, or what the maximum, `deepest`, needs."""
    floats = dtype.kind == "f"
    if floats and 1 + OVERSHOOT < high <= BLACK_OR_WRONG:
        raise UserError(
            f"{where}: pixels go up to {high:g}, too far for 0 to 1 and all but black in 0 to 255; "
            "scale them to either range"
        )
    if floats:
        white = 1.0 if high <= BLACK_OR_WRONG else 255.0
    else:
        white = 255.0 if dtype == np.uint8 else next((white for white in WHITES[1:] if deepest <= white), WHITES[-1])
    slack = white * OVERSHOOT if floats else 0.0
    if low < -slack or high > white + slack:
        wanted = "0 to 255, or in 0 to 1" if floats else f"0 to 255, or up to {WHITES[-1]:,.0f}"
        raise UserError(f"{where}: pixels go from {low:g} to {high:g}; they must lie in {wanted}")
    return white


def _rounded(images: np.ndarray, white: float) -> np.ndarray:
    if images.dtype.kind != "f" and white == 255:
        return images.astype(np.uint8, copy=False)
    return np.rint(images * (255.0 / white)).astype(np.uint8)
