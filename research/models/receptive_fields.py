"""Receptive fields: the part of a picture or a sequence that each position of a tap sees. From shapes alone.

Araujo et al. 2019, "Computing Receptive Fields of Convolutional Neural Networks": along each axis a layer with window
k, stride s and p positions of padding before turns (size r, jump j, start a) of its input into
(r + (k - 1) * j, j * s, a - p * j); see their section "Solving for receptive field region", for one path and for many.
"""

from typing import NamedTuple

from research.models.layer import Layer, LayerInfo, Shape
from research.models.network import Network, upto
from research.models.sizes import check_size, layer_infos
from research.models.taps import check_tap, layer_of


class ReceptiveField(NamedTuple):
    """Position (i, j) of a tap sees the `size` rows and columns of the picture from `start` + (i, j) * `jump` on.

    All four are (rows, columns), of sequences (steps,). Rows before 0 and from `edge` on are padding; `edge` is the
    picture's edge, or nearer where a pool or a stride leaves rows over that no position sees. Holes inside a field
    (strides or dilations wider than windows) count as part of it. A tap without positions (flattened, pooled globally)
    sees the whole picture by convention, with a jump of 0; so do the layers that read it.
    """

    size: Shape
    jump: Shape
    start: Shape
    edge: Shape

    def seen(self, *position: int) -> tuple[slice, ...]:
        """The rows and columns of the picture that `position` (row, column) sees, without the padding.

        Raises ValueError for a position that the tap does not have (it would see nothing).
        """
        ranges = tuple(
            slice(max(start + index * jump, 0), min(start + index * jump + size, edge))
            for index, size, jump, start, edge in zip(position, *self, strict=True)
        )
        nowhere = not any(self.jump) and any(position)
        if nowhere or min(position) < 0 or any(span.start >= span.stop for span in ranges):
            raise ValueError(f"no position {', '.join(map(str, position))}: it would see nothing of the picture")
        return ranges

    def center(self, *position: float) -> tuple[float, ...]:
        """The center of the field of `position` (row, column), padding included; (0, 0) is the first pixel's center."""
        return tuple(a + i * j + (r - 1) / 2 for i, r, j, a in zip(position, *self[:3], strict=True))


def receptive_field(net: Network, tap: str, picture: Shape) -> ReceptiveField:
    """The field of `tap` (LAYER, LAYER/pre) of `net` on pictures of shape `picture` [H, W, C]; of sequences, [L, F].

    Raises UserError for a tap that the net does not have (it lists those that there are), and for pictures so small
    that the tap has no positions.
    """
    check_tap(net, tap)
    part = upto(net, layer_of(net, tap))
    check_size(part, picture)
    return _walk(part, picture)[-1]


def receptive_fields(net: Network, picture: Shape) -> dict[str, ReceptiveField]:
    """{layer name: field} of every layer of `net` on pictures of shape `picture` [H, W, C]; of sequences, [L, F].

    Raises ValueError where layers with different jumps are joined: such a layer has no field.
    """
    return dict(zip(net.names, _walk(net, picture), strict=True))


def _walk(net: Network, picture: Shape) -> list[ReceptiveField]:
    """The field of each layer."""
    sides = picture[:-1]
    pixels = ReceptiveField((1,) * len(sides), (1,) * len(sides), (0,) * len(sides), sides)
    whole = ReceptiveField(sides, (0,) * len(sides), (0,) * len(sides), sides)
    infos = layer_infos(net, picture)
    fields: list[ReceptiveField] = []
    for layer, wires, info in zip(net.layers, net.wires, infos, strict=True):
        read = picture if wires[0] < 0 else infos[wires[0]].output
        below = [pixels if source < 0 else fields[source] for source in wires]
        if info.position:
            fields.append(_at(info.position, below[0]))
        elif info.window is not None and len(info.output) == len(picture):
            fields.append(_through(info, read[:-1], _hull(layer, below)))
        else:
            positionless = not any(any(field.jump) for field in below)
            fields.append(_hull(layer, below) if positionless else whole)
    return fields


def _at(position: Shape, below: ReceptiveField) -> ReceptiveField:
    """The field of a tap without positions that sees what one `position` of its input sees."""
    start = tuple(first + at * step for first, at, step in zip(below.start, position, below.jump, strict=True))
    return below._replace(jump=(0,) * len(position), start=start)


def _through(info: LayerInfo, lengths: Shape, below: ReceptiveField) -> ReceptiveField:
    """The field of a layer whose input has `lengths` positions with the field `below`."""
    ones = (1,) * len(lengths)
    own = info.window or ones, info.stride or ones, info.before or (0,) * len(lengths)
    axes = []
    for window, step, before, length, size, jump, start, edge in zip(*own, lengths, *below, strict=True):
        last = start + (length - 1) * jump + size  # end of the field of the input's last position
        axes.append((size + (window - 1) * jump, jump * step, start - before * jump, min(edge, last)))
    return ReceptiveField(*(tuple(values) for values in zip(*axes, strict=True)))


def _hull(layer: Layer, reads: list[ReceptiveField]) -> ReceptiveField:
    """The smallest field that contains those of several inputs."""
    if len({field.jump for field in reads}) > 1:
        raise ValueError(f"what {layer.name} joins lies differently far apart: {[field.jump for field in reads]}")
    start = tuple(map(min, zip(*(field.start for field in reads), strict=True)))
    ends = zip(*(zip(field.start, field.size, strict=True) for field in reads), strict=True)
    size = tuple(max(a + r for a, r in axis) - first for axis, first in zip(ends, start, strict=True))
    edge = tuple(map(max, zip(*(field.edge for field in reads), strict=True)))
    return ReceptiveField(size, reads[0].jump, start, edge)
