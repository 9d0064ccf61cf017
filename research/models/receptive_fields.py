"""Receptive fields: the part of a picture or a sequence that each position of a tap sees. From shapes alone.

Araujo et al. 2019, "Computing Receptive Fields of Convolutional Neural Networks": along each axis a layer with window
k, stride s and p positions of padding before turns (size r, jump j, start a) of its input into
(r + (k - 1) * j, j * s, a - p * j); see their section "Solving for receptive field region", for one path and for many.
"""

from typing import NamedTuple

import numpy as np

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
    return ReceptiveField(*map(tuple, _walk(part, picture)[-1].tolist()))


def field_sizes(net: Network, picture: Shape) -> dict[str, Shape]:
    """{layer name: size of its field} of every layer of `net` on pictures [H, W, C] or sequences [L, F], as `picture`.

    Sizes are (rows, columns), of sequences (steps,), padding included. Raises ValueError where layers with different
    jumps are joined: such a layer has no field.
    """
    return {name: tuple(field[0].tolist()) for name, field in zip(net.names, _walk(net, picture), strict=True)}


def _walk(net: Network, picture: Shape) -> list[np.ndarray]:
    """The field of each layer: int [4, axes], the size, jump, start and edge of a `ReceptiveField`."""
    sides = picture[:-1]
    none, ones = (0,) * len(sides), (1,) * len(sides)
    pixels, whole = np.array([ones, ones, none, sides]), np.array([sides, none, none, sides])
    infos = layer_infos(net, picture)
    fields: list[np.ndarray] = []
    for layer, wires, info in zip(net.layers, net.wires, infos, strict=True):
        read = picture if wires[0] < 0 else infos[wires[0]].output
        below = np.stack([pixels if source < 0 else fields[source] for source in wires])
        if info.position:
            fields.append(_at(info.position, below[0]))
        elif info.window is not None and len(info.output) == len(picture):
            fields.append(_through(info, read[:-1], _hull(layer, below)))
        else:
            fields.append(whole if below[:, 1].any() else _hull(layer, below))
    return fields


def _at(position: Shape, below: np.ndarray) -> np.ndarray:
    """The field [4, axes] of a tap without positions that sees what one `position` of its input sees."""
    size, jump, start, edge = below
    return np.stack([size, 0 * jump, start + jump * position, edge])


def _through(info: LayerInfo, lengths: Shape, below: np.ndarray) -> np.ndarray:
    """The field [4, axes] of a layer whose input has `lengths` positions with the field `below`."""
    size, jump, start, edge = below
    window, stride, before = np.array(info.window or 1), info.stride or 1, info.before or 0
    last = start + (np.array(lengths) - 1) * jump + size  # end of the field of the input's last position
    return np.stack([size + (window - 1) * jump, jump * stride, start - jump * before, np.minimum(edge, last)])


def _hull(layer: Layer, reads: np.ndarray) -> np.ndarray:
    """The smallest field [4, axes] that contains those of several inputs [inputs, 4, axes]."""
    size, jump, start, edge = reads.swapaxes(0, 1)
    if (jump != jump[0]).any():
        raise ValueError(f"what {layer.name} joins lies differently far apart: {[*map(tuple, jump.tolist())]}")
    first = start.min(axis=0)
    return np.stack([(start + size).max(axis=0) - first, jump[0], first, edge.max(axis=0)])
