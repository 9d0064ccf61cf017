"""From numbers of any type to bytes: one scale for all parts of a set, decided by all of them together."""

from collections.abc import Mapping

import numpy as np

from research.errors import UserError

OVERSHOOT = 1e-3  # share of the range by which floats may leave it: a quarter of a step, which rounding brings back
BLACK_OR_WRONG = 2.0  # floats that go above 1 yet not above this are no picture in 0..255: all but black


def as_bytes(images: Mapping[str, np.ndarray], where: str) -> dict[str, np.ndarray]:
    """The pictures of each part as uint8: integers 0..255 as they are, floats 0..1 scaled by 255 or 0..255, rounded.

    Floats may leave their range by `OVERSHOOT` of it. Raises UserError naming `where` for other numbers, for floats of
    which neither range is likely, and for parts that differ in their range.
    """
    spans = {part: _span(array, _place(where, part)) for part, array in images.items()}
    ranges = {part: _range(images[part].dtype, *span, _place(where, part)) for part, span in spans.items()}
    telling = {part: ranges[part] for part, span in spans.items() if span[1] > 0}  # all black fits any range
    if len({*telling.values()}) > 1:
        told = ", ".join(f"{part} {images[part].dtype} up to {spans[part][1]:g}" for part in telling)
        raise UserError(f"{where}: its parts differ in the range of their pixels ({told}); give all of them in one")
    top = next(iter(telling.values()), 255.0)
    return {part: _rounded(array, top) for part, array in images.items()}


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


def _range(kind: np.dtype, low: float, high: float, where: str) -> float:
    """The number that stands for white: 1 or 255."""
    if kind.kind == "f" and 1 + OVERSHOOT < high <= BLACK_OR_WRONG:
        raise UserError(
            f"{where}: pixels go up to {high:g}, too far for 0 to 1 and all but black in 0 to 255; "
            "scale them to either range"
        )
    top = 1.0 if kind.kind == "f" and high <= BLACK_OR_WRONG else 255.0
    slack = top * OVERSHOOT if kind.kind == "f" else 0.0
    if low < -slack or high > top + slack:
        raise UserError(f"{where}: pixels go from {low:g} to {high:g}; they must lie in 0 to 255, or in 0 to 1")
    return top


def _rounded(images: np.ndarray, top: float) -> np.ndarray:
    if images.dtype.kind != "f":
        return images.astype(np.uint8, copy=False)
    return np.rint(images * (255.0 / top)).astype(np.uint8)
