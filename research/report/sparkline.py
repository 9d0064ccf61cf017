"""One small curve with its axes, as an SVG element of a page."""

from collections.abc import Sequence
from xml.etree import ElementTree

import numpy as np

from research.report import formats

WIDTH, HEIGHT = 260, 110  # of the view box, about CSS pixels
LEFT, RIGHT, TOP, BOTTOM = 52, 250, 20, 84  # of the frame in it
POINTS = RIGHT - LEFT  # one per pixel


def sparkline(values: np.ndarray | Sequence[float], quantity: str = "activation", unit: str = "step") -> str:
    """An SVG element: `values` [S] over 0 ... S - 1, with both axes named and their ends written.

    Values that are not finite are left out; the text is empty when none is left. Colours follow those of the text.
    """
    heights = np.asarray(values, np.float64).ravel()
    if not np.isfinite(heights).any():
        return ""
    last = heights.size - 1
    low, high = float(np.nanmin(_finite(heights))), float(np.nanmax(_finite(heights)))
    description = f"{quantity} from {significant(heights[0])} at {unit} 0 to {significant(heights[-1])}"
    frame = {"viewBox": f"0 0 {WIDTH} {HEIGHT}", "width": f"{WIDTH}", "height": f"{HEIGHT}", "role": "img"}
    root = ElementTree.Element("svg", frame | {"class": "curve", "aria-label": f"{description} at {unit} {last}"})
    axes = {"d": f"M{LEFT} {TOP}V{BOTTOM}H{RIGHT}", "fill": "none", "stroke": "currentColor", "stroke-opacity": "0.5"}
    ElementTree.SubElement(root, "path", axes)
    line = {"d": _path(heights, low, high), "fill": "none", "stroke": "currentColor", "stroke-width": "1.5"}
    ElementTree.SubElement(root, "path", line | {"stroke-linejoin": "round", "stroke-linecap": "round"})
    _write_axes(root, quantity, unit, (low, high), last)
    return ElementTree.tostring(root, encoding="unicode")


def _write_axes(root: ElementTree.Element, quantity: str, unit: str, ends: tuple[float, float], last: int) -> None:
    """Write the names of both axes and the numbers at their ends."""
    low, high = ends
    for text, x, y, anchor in (
        (quantity, 2, 11, "start"),
        (significant(high), LEFT - 5, TOP + 8, "end"),
        (significant(low) if high > low else "", LEFT - 5, BOTTOM, "end"),
        ("0", LEFT, BOTTOM + 14, "middle"),
        (unit, (LEFT + RIGHT) // 2, BOTTOM + 14, "middle"),
        (f"{last}" if last else "", RIGHT, BOTTOM + 14, "end"),
    ):
        if text:
            ElementTree.SubElement(root, "text", {"x": f"{x}", "y": f"{y}", "text-anchor": anchor}).text = text


def significant(value: float) -> str:
    """Three significant digits without an exponent where that is short: `0.0123`, `7.5`, `1,234`, `1.23e+07`."""
    value = float(value)
    if not formats.is_number(value):
        return formats.MISSING
    if value == 0 or 1e-3 <= abs(value) < 999.5:
        return f"{value:.3g}"
    return f"{value:,.0f}" if 999.5 <= abs(value) < 1e6 else f"{value:.2e}"


def _finite(heights: np.ndarray) -> np.ndarray:
    return np.where(np.isfinite(heights), heights, np.nan)


def _path(heights: np.ndarray, low: float, high: float) -> str:
    """The path data: lines from point to point, with a gap where a value is not finite."""
    shown = np.unique(np.linspace(0, heights.size - 1, min(heights.size, POINTS)).round().astype(int))
    across = (RIGHT - LEFT) / max(heights.size - 1, 1)
    down = (BOTTOM - TOP) / (high - low) if high > low else 0.0
    words, pen = [], "M"
    for step in shown:
        if not np.isfinite(heights[step]):
            pen = "M"
            continue
        words.append(f"{pen}{LEFT + across * step:.1f} {TOP + down * (high - heights[step]):.1f}")
        pen = "L"
    # A single point is a line of no length, which round caps make a dot.
    return "".join(words) + ("h0" if len(words) == 1 else "")
