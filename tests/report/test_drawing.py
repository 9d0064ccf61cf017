"""The drawing of a network: valid XML, every layer and every arrow, nothing outside, nothing on top of another."""

from xml.etree import ElementTree

import pytest

from research.report.drawing import network_svg
from research.report.drawing_layout import depth, positions

SVG = "{http://www.w3.org/2000/svg}"


def texts(root: ElementTree.Element) -> list[str]:
    return [text.text or "" for text in root.iter(f"{SVG}text")]


@pytest.mark.parametrize("columns", [1, 3, 6])
def test_a_branchy_net_is_valid_xml_with_all_its_layers_and_arrows(branches, columns):
    root = ElementTree.fromstring(network_svg(branches, columns))
    assert {layer["name"] for layer in branches} | {"input"} <= set(texts(root))
    arrows = [path for path in root.iter(f"{SVG}path") if path.get("stroke")]
    assert len(arrows) == sum(len(layer["inputs"]) for layer in branches)


def test_the_drawing_tells_its_content_to_who_cannot_see_it(branches):
    root = ElementTree.fromstring(network_svg(branches))
    total = sum(layer["parameters"] for layer in branches)
    assert root.findtext(f"{SVG}title") == f"Network of {len(branches)} layers and {total:,} parameters"
    assert "left<1> (8×8×8)" in (root.findtext(f"{SVG}desc") or "")


@pytest.mark.parametrize("columns", [1, 3, 6])
def test_nothing_is_drawn_outside(branches, columns):
    root = ElementTree.fromstring(network_svg(branches, columns))
    width, height = float(root.get("width", 0)), float(root.get("height", 0))
    for face in root.iter(f"{SVG}polygon"):
        for corner in face.get("points", "").split():
            x, y = map(float, corner.split(","))
            assert 0 <= x <= width and 0 <= y <= height
    for text in root.iter(f"{SVG}text"):
        assert 0 <= float(text.get("x", -1)) <= width and 0 <= float(text.get("y", -1)) <= height


@pytest.mark.parametrize("columns", [1, 2, 3, 6, 20])
def test_no_two_layers_share_a_position_and_rows_keep_their_width(branches, columns):
    wiring = {"input": ()} | {layer["name"]: layer["inputs"] for layer in branches}
    layout = positions(wiring, columns)
    assert set(layout) == set(wiring)
    assert len({position[:3] for position in layout.values()}) == len(wiring)
    assert all(column < columns and lane < lanes for _, column, lane, lanes in layout.values())


def test_every_layer_stands_after_those_it_reads(branches):
    wiring = {"input": ()} | {layer["name"]: layer["inputs"] for layer in branches}
    layout, depths = positions(wiring, 4), depth(wiring)
    for name, reads in wiring.items():
        for read in reads:
            assert layout[read][:2] < layout[name][:2]
            assert depths[read] < depths[name]


def test_branches_stay_beside_each_other(branches):
    layout = positions({"input": ()} | {layer["name"]: layer["inputs"] for layer in branches}, 6)
    left, right = layout["left<1>"], layout["right&3"]
    assert (*left[:2], left[3]) == (*right[:2], 2)


def test_a_row_ends_before_a_branch_rather_than_within_it():
    skip = {"input": (), "stem": ("input",), "start": ("stem",), "middle": ("start",), "end": ("middle", "start")}
    layout = positions(skip, 3)
    assert [layout[name][0] for name in skip] == [0, 0, 1, 1, 1]


def test_a_sequence_is_a_sheet_as_high_as_it_is_long_and_as_wide_as_it_has_channels():
    shapes = {"long": (48, 4), "short": (6, 4), "wide": (6, 64), "vector": (24,)}
    wiring = zip(shapes, ["input", *shapes], shapes.values(), strict=False)
    layers = [
        {"name": name, "kind": "recurrent", "inputs": [read], "output_shape": list(shape), "parameters": 9}
        for name, read, shape in wiring
    ]
    faces = list(ElementTree.fromstring(network_svg(layers)).iter(f"{SVG}polygon"))
    assert len(faces) == 4  # one each: nothing recedes
    sides = {}
    for name, face in zip(shapes, faces, strict=True):
        across, down = zip(*(map(float, corner.split(",")) for corner in face.get("points", "").split()), strict=True)
        sides[name] = (max(across) - min(across), max(down) - min(down))
    assert sides["long"][1] > sides["short"][1] and sides["long"][0] == pytest.approx(sides["short"][0], abs=0.2)
    assert sides["wide"][0] > sides["short"][0] and sides["wide"][1] == pytest.approx(sides["short"][1], abs=0.2)
