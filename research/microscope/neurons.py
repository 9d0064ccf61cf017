"""What a single neuron wants to see, at the size of its receptive field."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

from research.ascent.climb import AscentConfig
from research.ascent.parameterizations import Framed, Parameterization
from research.microscope.exemplars import Exemplar, Show, exemplars
from research.microscope.patches import crop
from research.models.network import Network, upto
from research.models.receptive_fields import receptive_field
from research.models.summary import summarize
from research.models.taps import PRE

Tree = Any
Shape = tuple[int, int, int]

# How far from gray, of 0..1, the farthest pixel of a linear neuron's exemplar lies: just inside what pixels can show.
REACH = 0.9


def neurons(
    net: Network,
    params: Tree,
    layer: str,
    shape: Shape,
    way: Callable[[slice, slice], Parameterization],
    plan: AscentConfig,
    *,
    filters: Sequence[int] | None = None,
    seed: int = 0,
    show: Show = lambda done, total: None,
) -> list[Exemplar]:
    """Exemplars of the neurons in the middle of `layer`, which has places: each [1, h, w, C], its receptive field.

    Pictures are of `shape` [H, W, C]; `way(rows, columns)` writes what is seen of them, the rest stays gray. The climb
    is that of `plan` without transforms, for a neuron sees one place, and held back (`Plan.reach`), without which it
    ends at the sign of what the neuron weighs its pixels by: so the exemplar of a first layer's neuron is its kernel.
    Raises what `exemplars` does, and ValueError for a layer without places.
    """
    place, field = middle(net, layer, shape), receptive_field(net, layer, shape)
    if not place:
        raise ValueError(f"{layer} has no places")
    rows, columns = field.seen(*place)
    framed = Framed(way(rows, columns), (rows.start, columns.start), shape)
    held = dataclasses.replace(plan, transforms=(), pictures=1, reach=REACH)
    found = exemplars(net, params, layer, framed, held, filters=filters, place=place, seed=seed, show=show)
    return [dataclasses.replace(each, pictures=crop(each.pictures[0], field, *place)[None]) for each in found]


def middle(net: Network, layer: str, shape: Shape) -> tuple[int, int] | tuple[()]:
    """The row and column in the middle of the map of `layer` (LAYER or LAYER/pre); empty for one without places."""
    output = summarize(upto(net, layer.removesuffix(PRE)), shape)[-1]["output_shape"]
    return (output[0] // 2, output[1] // 2) if len(output) == 3 else ()
