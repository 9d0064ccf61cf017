"""Receptive fields: what of a picture each position of a tap sees. Worked out from shapes alone.

Araujo et al. 2019, "Computing Receptive Fields of Convolutional Neural Networks": along each axis a layer with window
k, stride s and p positions of padding before turns (size r, jump j, start a) of its input into
(r + (k - 1) * j, j * s, a - p * j); see their section "Solving for receptive field region", for one path and for many.
"""

from typing import NamedTuple

from research.errors import UserError
from research.models.convolution import same_padding
from research.models.layers import Conv, Facts, Layer, Shape
from research.models.network import Network, upto
from research.models.taps import PRE, check_tap


class Field(NamedTuple):
    """Position (i, j) of a tap sees the `size` rows and columns of the picture from `start` + (i, j) * `jump` on.

    Each is (rows, columns). What lies before 0 is padding, and so is what lies from `edge` on: the picture's own edge,
    or nearer where a pool or stride leaves rows over that no position ever sees. With strides wider than windows there
    are holes in between, which are counted in. A tap without places (dense, flattened, pooled globally) sees the whole
    picture by convention; its jump is 0.
    """

    size: Shape
    jump: Shape
    start: Shape
    edge: Shape

    def seen(self, row: int, column: int) -> tuple[slice, slice]:
        """The rows and columns of the picture that position (`row`, `column`) sees, without the padding.

        Raises ValueError for a position that would see nothing, which the tap therefore does not have.
        """
        rows, columns = (
            slice(max(start + place * jump, 0), min(start + place * jump + size, edge))
            for place, size, jump, start, edge in zip((row, column), *self, strict=True)
        )
        nowhere = not any(self.jump) and (row, column) != (0, 0)
        if nowhere or min(row, column) < 0 or rows.start >= rows.stop or columns.start >= columns.stop:
            raise ValueError(f"no position {row}, {column}: it would see nothing of the picture")
        return rows, columns

    def center(self, row: float, column: float) -> tuple[float, float]:
        """The middle of what position (`row`, `column`) sees, padding included; (0, 0) is the first pixel's middle."""
        y, x = (a + i * j + (r - 1) / 2 for i, r, j, a in zip((row, column), *self[:3], strict=True))
        return y, x


def receptive_field(net: Network, tap: str, picture: Shape) -> Field:
    """The field of `tap` (LAYER or LAYER/pre) of `net` on pictures of shape `picture` [H, W, C].

    Raises UserError for a tap that the net does not have (it lists those that there are), and for pictures so small
    that the tap has no positions.
    """
    check_tap(net, tap)
    shapes, found = _walk(upto(net, tap.removesuffix(PRE)), picture)
    if min(shapes[-1]) < 1:
        raise UserError(f"pictures of {picture[0]}x{picture[1]} leave nothing at {tap}; take larger ones")
    return found[-1]


def receptive_fields(net: Network, picture: Shape) -> dict[str, Field]:
    """{layer name: field} of every layer of `net` on pictures of shape `picture` [H, W, C].

    Raises ValueError where layers are joined whose positions lie differently far apart, for which there is no field.
    """
    return dict(zip(net.names, _walk(net, picture)[1], strict=True))


def _walk(net: Network, picture: Shape) -> tuple[list[Shape], list[Field]]:
    """The output shape and the field of each layer."""
    sides = picture[:-1]
    pixels = Field((1,) * len(sides), (1,) * len(sides), (0,) * len(sides), sides)
    whole = Field(sides, (0,) * len(sides), (0,) * len(sides), sides)
    shapes: list[Shape] = []
    fields: list[Field] = []
    for layer, wires in zip(net.layers, net.wires, strict=True):
        reads = tuple(picture if source < 0 else shapes[source] for source in wires)
        fact = layer.facts(reads)
        shapes.append(fact.output)
        if fact.window is None or len(fact.output) < len(picture):
            fields.append(whole)
        else:
            below = _hull(layer, [pixels if source < 0 else fields[source] for source in wires])
            fields.append(_through(layer, fact, reads[0][:-1], below))
    return shapes, fields


def _through(layer: Layer, fact: Facts, lengths: Shape, below: Field) -> Field:
    """The field of a layer whose input has `lengths` positions, seeing what `below` tells."""
    axes = []
    for window, step, length, size, jump, start, edge in zip(
        fact.window or (), fact.stride, lengths, *below, strict=True
    ):
        same = isinstance(layer, Conv) and layer.padding == "same"
        before = same_padding(length, window, step)[0] if same else 0
        last = start + (length - 1) * jump + size  # where the view of the input's last position ends
        axes.append((size + (window - 1) * jump, jump * step, start - before * jump, min(edge, last)))
    return Field(*(tuple(values) for values in zip(*axes, strict=True)))


def _hull(layer: Layer, reads: list[Field]) -> Field:
    """What several inputs see together: from the first row and column that any sees to the last."""
    if len({field.jump for field in reads}) > 1:
        raise ValueError(f"what {layer.name} joins lies differently far apart: {[field.jump for field in reads]}")
    start = tuple(map(min, zip(*(field.start for field in reads), strict=True)))
    ends = zip(*(zip(field.start, field.size, strict=True) for field in reads), strict=True)
    size = tuple(max(a + r for a, r in axis) - first for axis, first in zip(ends, start, strict=True))
    edge = tuple(map(max, zip(*(field.edge for field in reads), strict=True)))
    return Field(size, reads[0].jump, start, edge)
