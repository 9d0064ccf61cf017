"""A drawing of a network, from its summary, as an SVG element of a page."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from xml.etree import ElementTree

from research.report import formats
from research.report.drawing_layout import Position, positions
from research.report.drawing_shapes import HEIGHT, Scale, draw_shape, scale
from research.report.style import shortened

TILE_WIDTH, TILE_HEIGHT = 118.0, 136.0  # pixels of a layer with its labels
MARGIN, GAP = 14.0, 16.0  # pixels around the drawing; between rows, where the arrow to the next row runs
LABEL, LINE = 92.0, 12.5  # pixels from a tile's top to its first label; between lines


class _Box(NamedTuple):
    """A drawn layer: its centre, half its width, and its row."""

    x: float
    y: float
    half: float
    row: int


def network_svg(summary: Sequence[Mapping[str, Any]], columns: int = 6) -> str:
    """The network of `summary` (dicts of name, kind, inputs, output_shape, parameters, ...) as an SVG element.

    The drawing runs from left to right and wraps after `columns` layers; branches are stacked. The size of a block is
    the logarithm of the array's size; layers with parameters are filled. Inputs that are no layer, such as "input", are
    drawn as sources. Colours follow those of the text, for light and dark pages.
    """
    layers = {layer["name"]: layer for layer in summary}
    sources = dict.fromkeys(read for layer in summary for read in layer["inputs"] if read not in layers)
    wiring = dict.fromkeys(sources, ()) | {name: layer["inputs"] for name, layer in layers.items()}
    layout = positions(wiring, columns)
    tops = _row_tops(layout)
    root = _canvas(summary, max(column for _, column, _, _ in layout.values()) + 1, tops[-1])
    fit = scale([layer["output_shape"] for layer in summary])
    boxes = {name: _tile(root, name, layers.get(name), position, tops, fit) for name, position in layout.items()}
    for name, reads in wiring.items():
        for read in reads:
            _arrow(root, boxes[read], boxes[name], layout[name][1] - layout[read][1], tops)
    return ElementTree.tostring(root, encoding="unicode")


def _row_tops(layout: Mapping[str, Position]) -> list[float]:
    """The upper edge of each row, and the lower edge of the last."""
    most: dict[int, int] = {}  # lanes in the fullest column of each row
    for row, _, _, lanes in layout.values():
        most[row] = max(most.get(row, 0), lanes)
    tops = [MARGIN]
    for row in range(len(most)):
        tops.append(tops[-1] + most[row] * TILE_HEIGHT + GAP)
    return tops


def _canvas(summary: Sequence[Mapping[str, Any]], columns: int, height: float) -> ElementTree.Element:
    width = 2 * MARGIN + columns * TILE_WIDTH
    total = formats.count(sum(layer["parameters"] for layer in summary))
    root = ElementTree.Element(
        "svg",
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "viewBox": f"0 0 {width:.0f} {height:.0f}",
            "width": f"{width:.0f}",
            "height": f"{height:.0f}",
            "role": "img",
            "font-family": "system-ui, sans-serif",
            "font-size": "11",
        },
    )
    ElementTree.SubElement(root, "title").text = f"Network of {len(summary)} layers and {total} parameters"
    chain = ", ".join(f"{layer['name']} ({formats.shape(layer['output_shape'])})" for layer in summary)
    ElementTree.SubElement(root, "desc").text = f"In order, with the shape of each output: {chain}."
    return root


def _tile(
    root: ElementTree.Element,
    name: str,
    layer: Mapping[str, Any] | None,
    position: Position,
    tops: Sequence[float],
    fit: Scale,
) -> _Box:
    row, column, lane, lanes = position
    spare = (tops[row + 1] - tops[row] - GAP) - lanes * TILE_HEIGHT
    top = tops[row] + spare / 2 + lane * TILE_HEIGHT
    x, y = MARGIN + (column + 0.5) * TILE_WIDTH, top + HEIGHT / 2 + 10
    group = ElementTree.SubElement(root, "g")
    if layer is None:
        ElementTree.SubElement(group, "circle", {"cx": f"{x}", "cy": f"{y}", "r": "5", "fill": "currentColor"})
        half, lines = 5.0, [name]
    else:
        ElementTree.SubElement(group, "title").text = _description(layer)
        half, lines = draw_shape(group, x, y, layer, fit), _labels(layer)
    _write_labels(group, x, top + LABEL, lines)
    return _Box(x, y, half, row)


def _write_labels(group: ElementTree.Element, x: float, y: float, lines: Sequence[str]) -> None:
    """Write `lines` below each other, centred at `x`, the first in bold at height `y`."""
    for index, line in enumerate(lines):
        look = {"font-weight": "600"} if index == 0 else {"fill-opacity": "0.8"}
        position = {"x": f"{x:.1f}", "y": f"{y + index * LINE:.1f}", "text-anchor": "middle", "fill": "currentColor"}
        ElementTree.SubElement(group, "text", position | look).text = shortened(line, 18)


def _labels(layer: Mapping[str, Any]) -> list[str]:
    parameters = f"{formats.count(layer['parameters'])} param." if layer["parameters"] else ""
    return [layer["name"], layer["kind"].replace("_", " "), formats.shape(layer["output_shape"]), parameters]


def _description(layer: Mapping[str, Any]) -> str:
    facts = [f"{layer['name']}: {layer['kind'].replace('_', ' ')}", f"output {formats.shape(layer['output_shape'])}"]
    facts.append(f"parameters {layer.get('formula') or formats.count(layer['parameters'])}")
    if layer.get("receptive_field"):
        facts.append(f"receptive field {formats.shape(layer['receptive_field'])}")
    return ", ".join(facts)


def _arrow(root: ElementTree.Element, start: _Box, end: _Box, columns: int, tops: Sequence[float]) -> None:
    """Draw an arrow from the right of `start` to the left of `end`, which is `columns` columns further.

    It is a curve to the next column, runs above the layers that it skips, and through the gaps between rows.
    """
    x0, x1 = start.x + start.half + 3, end.x - end.half - 8
    if start.row == end.row and columns == 1:
        middle = (x0 + x1) / 2
        path = f"C{middle:.1f} {start.y:.1f} {middle:.1f} {end.y:.1f} {x1:.1f} {end.y:.1f}"
    else:
        leave, enter = start.x + TILE_WIDTH / 2, end.x - TILE_WIDTH / 2
        above = tops[end.row] + (1 if start.row == end.row else -GAP / 2)
        below = above if start.row == end.row else tops[start.row + 1] - GAP / 2
        between = f"H{MARGIN / 2}V{above:.1f}" if below != above else ""
        path = f"H{leave:.1f}V{below:.1f}{between}H{enter:.1f}V{end.y:.1f}H{x1:.1f}"
    line = {
        "d": f"M{x0:.1f} {start.y:.1f}{path}",
        "fill": "none",
        "stroke": "currentColor",
        "stroke-opacity": "0.55",
        "stroke-width": "1.2",
    }
    ElementTree.SubElement(root, "path", line)
    head = f"M{x1 + 5:.1f} {end.y:.1f}l-7 -3.5v7z"
    ElementTree.SubElement(root, "path", {"d": head, "fill": "currentColor", "fill-opacity": "0.55"})
