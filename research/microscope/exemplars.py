"""Exemplars: for each filter of a layer, the picture that excites it most, climbed to from noise."""

import dataclasses
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal

import jax
import jax.numpy as jnp
import numpy as np

from research.ascent.gradient_ascent import NetCost, gradient_ascent
from research.ascent.objectives import Constant, Diversity, Filter, Objective
from research.ascent.parameterizations import Framed, Parameterization
from research.ascent.steps import AscentConfig, AscentResult
from research.errors import UserError
from research.keys import key
from research.microscope.patches import crop
from research.models.layers import Conv
from research.models.lowering.convolution import choose_lowering
from research.models.network import Network, upto
from research.models.receptive_fields import receptive_field
from research.models.single_filter import INPUT, Response, single_filters
from research.models.sizes import facts_of
from research.models.summary import summarize
from research.models.taps import PRE, probe

Tree = Any
Shape = tuple[int, int, int]
Status = Literal["alive", "revived", "dead"]
Show = Callable[[int, int], None]  # filters done, of all
STILL = 1e-6  # a score that moves by less, relative to its size, depends on no picture
# How far from gray, of 0..1, the farthest pixel of a linear neuron's exemplar lies: just inside what pixels can show.
REACH = 0.9


@dataclasses.dataclass(frozen=True)
class Exemplar:
    """What one filter wants to see; `pictures` uint8 [K, H, W, C] are noise if it is dead, and not to be shown.

    "alive": it responds from the start. "revived": silent at first, brought to respond by climbing on what comes before
    its nonlinearity. "dead": nothing that was found excites it.
    """

    filter: int
    pictures: np.ndarray
    curve: np.ndarray  # [steps], the score before each step, of the transformed picture
    score: float  # of the pictures as they are: the response's mean over positions (or at the neuron's), and over them
    status: Status


def exemplars(
    net: Network,
    params: Tree,
    layer: str,
    parameterization: Parameterization,
    plan: AscentConfig,
    *,
    filters: Sequence[int] | None = None,
    place: tuple[int, int] | None = None,
    diverse: float = 1.0,
    seed: int = 0,
    chunk: int = 64,
    show: Show = lambda done, total: None,
) -> list[Exemplar]:
    """Exemplars of `filters` (all by default) of `layer` (any tap), in their order; of the neurons at `place`, if any.

    A filter's exemplar is a function of (seed, layer, filter) and the plan, whatever others are asked for. Sets of
    several pictures (`plan.pictures`) climb response * (1 + `diverse` * diversity of what the layer reads). Raises
    UserError for a layer before all filters, or a filter that it does not have.
    """
    drawn: Any = jax.eval_shape(lambda: parameterization.render(parameterization.start(jax.random.key(0))))
    count = filter_count(net, layer, drawn.shape)
    wanted = list(range(count)) if filters is None else list(filters)
    check_filters(layer, wanted, count)
    found: dict[int, Exemplar] = {}
    for respond, given, indices in _parts(net, params, layer, wanted, count):
        run, read = probe(net, params, [name for name in respond.sources if name != INPUT])
        cost = cost_of(run.part, drawn.shape)
        objective = _objective(respond, given, place, plan, diverse)
        keys = jax.vmap(lambda index: key(seed, "exemplar", layer, index))(jnp.asarray(indices))
        waiting = iter(indices)
        for reached in gradient_ascent(
            run, read, objective, parameterization, keys, plan, slots=indices, cost=cost, chunk=chunk
        ):
            found |= {each.filter: each for each in _judged(reached, waiting, respond)}
            show(len(found), len(wanted))
    return [found[index] for index in wanted]


def cost_of(net: Network, picture: tuple[int, ...]) -> NetCost:
    """What `net`, the part of a net that is run, makes of a picture of shape `picture` [H, W, C]."""
    facts = facts_of(net, picture)
    filtered = 0
    for layer, wires, fact in zip(net.layers, net.wires, facts, strict=True):
        read = picture if wires[0] < 0 else facts[wires[0]].output
        if isinstance(layer, Conv) and _by_winograd(layer, read[-1], fact.output[:2]):
            filtered += fact.multiply_adds
    work = sum(fact.multiply_adds for fact in facts)
    return NetCost(max((math.prod(fact.output) for fact in facts), default=1), 2 * filtered > work)


def _by_winograd(layer: Conv, channels: int, positions: tuple[int, ...]) -> bool:
    lengths = ((n - 1) * s + k for n, s, k in zip(positions, layer.stride, layer.size, strict=True))  # padded
    kernel = (*layer.size, channels, layer.features)
    return choose_lowering((1, *lengths, channels), kernel, layer.stride) == "winograd_channels"


def filter_count(net: Network, layer: str, picture: tuple[int, ...]) -> int:
    """How many filters, or channels, `layer` has for pictures of shape `picture` [H, W, C]."""
    return summarize(upto(net, layer.removesuffix(PRE)), picture)[-1]["output_shape"][-1]


def check_filters(layer: str, filters: Sequence[int], count: int) -> None:
    """Raise UserError for the first of `filters` that a layer with `count` of them does not have."""
    for index in filters:
        if not 0 <= index < count:
            raise UserError(f"{layer} has no filter {index}; its {count} filters are 0 to {count - 1}")


def _parts(
    net: Network, params: Tree, layer: str, wanted: Sequence[int], every: int
) -> Iterator[tuple[Response, Tree, list[int]]]:
    """Of each part of the layer, how its filters respond, and the arrays and indices of those that are wanted."""
    first = 0
    for respond, given in single_filters(net, params, layer, every):
        count = _length(given)
        indices = [index for index in dict.fromkeys(wanted) if first <= index < first + count]
        if indices:
            own = np.array(indices) - first
            yield respond, jax.tree.map(lambda leaf: leaf[own], given), indices  # noqa: B023
        first += count


def _length(given: Tree) -> int:
    return len(jax.tree.leaves(given)[0])


def _objective(
    respond: Response, given: Tree, place: tuple[int, int] | None, plan: AscentConfig, diverse: float
) -> Objective:
    response = Filter(given, respond, place)
    if plan.pictures == 1:
        return response
    weight = jnp.full(_length(given), diverse, jnp.float32)
    return response + response * Constant(weight) * Diversity(respond.sources[0])


def _judged(reached: AscentResult, indices: Iterator[int], respond: Response) -> Iterator[Exemplar]:
    silent = respond.rectified
    for pictures, curve, final in zip(*reached, strict=True):
        bytes_of = np.clip(np.round(pictures), 0, 255).astype(np.uint8)
        still = np.ptp(curve) <= STILL * np.abs(curve).max(initial=0)
        status: Status = "dead" if still or (silent and final <= 0) else "alive"
        if silent and status == "alive" and curve[0] < 0:
            status = "revived"
        yield Exemplar(next(indices), bytes_of, curve, float(final), status)


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
