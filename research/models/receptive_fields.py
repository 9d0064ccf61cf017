"""Receptive fields: what of a picture, or a sequence, each position of a tap sees. Worked out from shapes alone.

Araujo et al. 2019, "Computing Receptive Fields of Convolutional Neural Networks": along each axis a layer with window
k, stride s and p positions of padding before turns (size r, jump j, start a) of its input into
(r + (k - 1) * j, j * s, a - p * j); see their section "Solving for receptive field region", for one path and for many.
"""

from typing import NamedTuple

from research.models.layer import Facts, Layer, Shape
from research.models.network import Network, upto
from research.models.sizes import check_size, facts_of
from research.models.taps import check_tap, layer_of


class ReceptiveField(NamedTuple):
    """Position (i, j) of a tap sees the `size` rows and columns of the picture from `start` + (i, j) * `jump` on.

    Each is (rows, columns); of a sequence (steps,), and so are positions. What lies before 0 is padding, and so is what
    lies from `edge` on: the picture's own edge, or nearer where a pool or stride leaves rows over that no position ever
    sees. With strides or dilations wider than windows there are holes in between, which are counted in. A tap without
    places (flattened, pooled globally) sees the whole picture by convention, its jump is 0; so is that of what reads
    it, which sees the same.
    """

    size: Shape
    jump: Shape
    start: Shape
    edge: Shape

    def seen(self, *position: int) -> tuple[slice, ...]:
        """The rows and columns of the picture that `position` (row, column) sees, without the padding.

        Raises ValueError for a position that would see nothing, which the tap therefore does not have.
        """
        ranges = tuple(
            slice(max(start + place * jump, 0), min(start + place * jump + size, edge))
            for place, size, jump, start, edge in zip(position, *self, strict=True)
        )
        nowhere = not any(self.jump) and any(position)
        if nowhere or min(position) < 0 or any(each.start >= each.stop for each in ranges):
            raise ValueError(f"no position {', '.join(map(str, position))}: it would see nothing of the picture")
        return ranges

    def center(self, *position: float) -> tuple[float, ...]:
        """The middle of what `position` (row, column) sees, padding included; (0, 0) is the first pixel's middle."""
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

    Raises ValueError where layers are joined whose positions lie differently far apart, for which there is no field.
    """
    return dict(zip(net.names, _walk(net, picture), strict=True))


def _walk(net: Network, picture: Shape) -> list[ReceptiveField]:
    """The field of each layer."""
    sides = picture[:-1]
    pixels = ReceptiveField((1,) * len(sides), (1,) * len(sides), (0,) * len(sides), sides)
    whole = ReceptiveField(sides, (0,) * len(sides), (0,) * len(sides), sides)
    facts = facts_of(net, picture)
    fields: list[ReceptiveField] = []
    for layer, wires, fact in zip(net.layers, net.wires, facts, strict=True):
        read = picture if wires[0] < 0 else facts[wires[0]].output
        below = [pixels if source < 0 else fields[source] for source in wires]
        if fact.place:
            fields.append(_at(fact.place, below[0]))
        elif fact.window is not None and len(fact.output) == len(picture):
            fields.append(_through(fact, read[:-1], _hull(layer, below)))
        else:
            placeless = not any(any(field.jump) for field in below)
            fields.append(_hull(layer, below) if placeless else whole)
    return fields


def _at(place: Shape, below: ReceptiveField) -> ReceptiveField:
    """The field of a tap without places, which sees what `place` of its input sees."""
    start = tuple(first + at * step for first, at, step in zip(below.start, place, below.jump, strict=True))
    return below._replace(jump=(0,) * len(place), start=start)


def _through(fact: Facts, lengths: Shape, below: ReceptiveField) -> ReceptiveField:
    """The field of a layer whose input has `lengths` positions, seeing what `below` tells."""
    ones = (1,) * len(lengths)
    own = fact.window or ones, fact.stride or ones, fact.before or (0,) * len(lengths)
    axes = []
    for window, step, before, length, size, jump, start, edge in zip(*own, lengths, *below, strict=True):
        last = start + (length - 1) * jump + size  # where the view of the input's last position ends
        axes.append((size + (window - 1) * jump, jump * step, start - before * jump, min(edge, last)))
    return ReceptiveField(*(tuple(values) for values in zip(*axes, strict=True)))


def _hull(layer: Layer, reads: list[ReceptiveField]) -> ReceptiveField:
    """What several inputs see together: from the first row and column that any sees to the last."""
    if len({field.jump for field in reads}) > 1:
        raise ValueError(f"what {layer.name} joins lies differently far apart: {[field.jump for field in reads]}")
    start = tuple(map(min, zip(*(field.start for field in reads), strict=True)))
    ends = zip(*(zip(field.start, field.size, strict=True) for field in reads), strict=True)
    size = tuple(max(a + r for a, r in axis) - first for axis, first in zip(ends, start, strict=True))
    edge = tuple(map(max, zip(*(field.edge for field in reads), strict=True)))
    return ReceptiveField(size, reads[0].jump, start, edge)
