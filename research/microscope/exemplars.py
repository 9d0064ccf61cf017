"""Exemplars: for each filter of a layer, the picture that excites it most, made by gradient ascent."""

import dataclasses
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
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
from research.models.sizes import layer_infos
from research.models.summary import summarize
from research.models.taps import PRE, probe

Tree = Any
Shape = tuple[int, int, int]
Status = Literal["alive", "revived", "from a patch", "dead"]
CONSTANT = 1e-6  # a score that changes by less, relative to its size, does not depend on the picture
# The distance from gray (of 0..1) of the farthest pixel in a linear neuron's exemplar: just within what pixels show.
REACH = 0.9


@dataclasses.dataclass(frozen=True)
class Exemplar:
    """The pictures, uint8 [K, H, W, C], that excite one filter most. Of a dead filter they are noise; do not show them.

    "alive": the filter responds from the start. "revived": it is silent at the start, and ascent on its pre-activation
    makes it respond. "from a patch": the ascent began at a real picture, not at noise. "dead": ascent does not make it
    respond.
    """

    filter: int
    pictures: np.ndarray
    curve: np.ndarray  # [steps], the score of the transformed pictures before each step
    score: float  # mean response to `pictures` over positions (or at the neuron's position) and pictures
    status: Status


OnFound = Callable[[Exemplar], None]


def exemplars(
    net: Network,
    params: Tree,
    layer: str,
    parameterization: Parameterization,
    config: AscentConfig,
    *,
    filters: Sequence[int] | None = None,
    position: tuple[int, int] | None = None,
    diverse: float = 1.0,
    starts: Mapping[int, np.ndarray] | None = None,
    seed: int = 0,
    on_found: OnFound = lambda exemplar: None,
) -> list[Exemplar]:
    """Exemplars of `filters` (all by default) of `layer` (any tap), in their order; of one neuron each at `position`.

    A filter's exemplar is a function of (seed, layer, filter) and `config`; it does not depend on the other filters.
    Ascent begins at `starts` {filter: picture [H, W, C]}, or else at noise.
    `on_found` gets each exemplar as soon as it is found, perhaps in another order.
    Sets of several pictures (`config.pictures`) maximize response * (1 + `diverse` * diversity of the layer's input).
    Raises UserError for a layer before all filters, or a filter that does not exist.
    """
    picture: Any = jax.eval_shape(lambda: parameterization.render(parameterization.start(jax.random.key(0))))
    count = filter_count(net, layer, picture.shape)
    wanted = list(range(count)) if filters is None else list(filters)
    check_filters(layer, wanted, count)
    found: dict[int, Exemplar] = {}
    for respond, given, indices in _parts(net, params, layer, wanted, count):
        run, read = probe(net, params, [name for name in respond.sources if name != INPUT])
        cost = cost_of(run.part, picture.shape)
        objective = _objective(respond, given, position, config, diverse)
        keys = jax.vmap(lambda index: key(seed, "exemplar", layer, index))(jnp.asarray(indices))
        numbers = None if starts is None else _numbers(parameterization, [starts[index] for index in indices], config)
        for group, result in gradient_ascent(
            run, read, objective, parameterization, keys, config, starts=numbers, slots=indices, cost=cost
        ):
            for exemplar in _exemplars_from(result, [indices[index] for index in group], respond, starts is not None):
                found[exemplar.filter] = exemplar
                on_found(exemplar)
    return [found[index] for index in wanted]


def cost_of(net: Network, picture: tuple[int, ...]) -> NetCost:
    """The cost of `net`, the part of a net that is run, for a picture of shape `picture` [H, W, C]."""
    infos = layer_infos(net, picture)
    by_winograd = 0
    for layer, wires, info in zip(net.layers, net.wires, infos, strict=True):
        read = picture if wires[0] < 0 else infos[wires[0]].output
        if isinstance(layer, Conv) and _by_winograd(layer, read[-1], info.output[:2]):
            by_winograd += info.multiply_adds
    work, weights = sum(info.multiply_adds for info in infos), sum(info.parameters for info in infos)
    return NetCost(max((math.prod(info.output) for info in infos), default=1), weights, 2 * by_winograd > work)


def _by_winograd(layer: Conv, channels: int, positions: tuple[int, ...]) -> bool:
    lengths = ((n - 1) * s + k for n, s, k in zip(positions, layer.stride, layer.size, strict=True))  # padded
    kernel = (*layer.size, channels, layer.features)
    return choose_lowering((1, *lengths, channels), kernel, layer.stride) == "winograd_channels"


def filter_count(net: Network, layer: str, picture: tuple[int, ...]) -> int:
    """The number of filters, or channels, of `layer` for pictures of shape `picture` [H, W, C]."""
    return _output_shape(net, layer, picture)[-1]


def check_filters(layer: str, filters: Sequence[int], count: int) -> None:
    """Raise UserError for the first of `filters` that a layer of `count` filters does not have."""
    for index in filters:
        if not 0 <= index < count:
            raise UserError(f"{layer} has no filter {index}; its {count} filters are 0 to {count - 1}")


def _parts(
    net: Network, params: Tree, layer: str, wanted: Sequence[int], total: int
) -> Iterator[tuple[Response, Tree, list[int]]]:
    """For each part of the layer: its filters' response, and the arrays and indices of the `wanted` filters."""
    first = 0
    for respond, given in single_filters(net, params, layer, total):
        count = _length(given)
        indices = [index for index in dict.fromkeys(wanted) if first <= index < first + count]
        if indices:
            own = np.array(indices) - first
            yield respond, jax.tree.map(lambda leaf: leaf[own], given), indices  # noqa: B023
        first += count


def _length(given: Tree) -> int:
    return len(jax.tree.leaves(given)[0])


def _objective(
    respond: Response, given: Tree, position: tuple[int, int] | None, config: AscentConfig, diverse: float
) -> Objective:
    response = Filter(given, respond, position)
    if config.pictures == 1:
        return response
    weight = jnp.full(_length(given), diverse, jnp.float32)
    return response + response * Constant(weight) * Diversity(respond.sources[0])


def _numbers(parameterization: Parameterization, pictures: Sequence[np.ndarray], config: AscentConfig) -> jax.Array:
    """[N, K, ...]: the numbers of N pictures, for each of the K in a set."""
    numbers = np.stack([parameterization.invert(picture) for picture in pictures])
    return jnp.repeat(jnp.asarray(numbers)[:, None], config.pictures, axis=1)


def _exemplars_from(result: AscentResult, indices: Sequence[int], respond: Response, given: bool) -> Iterator[Exemplar]:
    """The exemplars of the filters `indices`; `given` whether real pictures were given as the start."""
    rectified = respond.rectified
    for index, pictures, curve, final in zip(indices, *result, strict=True):
        rounded = np.clip(np.round(pictures), 0, 255).astype(np.uint8)
        constant = np.ptp(curve) <= CONSTANT * np.abs(curve).max(initial=0)
        status: Status = "dead" if constant or (rectified and final <= 0) else "alive"
        if rectified and status == "alive" and curve[0] < 0:
            status = "revived"
        if given and status != "dead":
            status = "from a patch"
        yield Exemplar(index, rounded, curve, float(final), status)


def neurons(
    net: Network,
    params: Tree,
    layer: str,
    shape: Shape,
    parameterize: Callable[[slice, slice], Parameterization],
    config: AscentConfig,
    *,
    filters: Sequence[int] | None = None,
    seed: int = 0,
    on_found: OnFound = lambda exemplar: None,
) -> list[Exemplar]:
    """Exemplars of the neuron in the middle of each filter's map: pictures [1, h, w, C], its receptive field.

    `parameterize(rows, columns)` parameterizes the receptive field in a picture of `shape` [H, W, C]; the rest stays
    gray. The ascent is that of `config` without transforms, since a neuron sees one position, and with an L2 penalty
    (`AscentConfig.reach`). Without the penalty every pixel would end black or white, by the sign of its weight; with
    it the exemplar of a first layer's neuron is its kernel. Raises what `exemplars` does, and ValueError for a layer
    without positions.
    """
    position, field = middle(net, layer, shape), receptive_field(net, layer, shape)
    if not position:
        raise ValueError(f"{layer} has no positions")
    rows, columns = field.seen(*position)
    framed = Framed(parameterize(rows, columns), (rows.start, columns.start), shape)
    penalized = dataclasses.replace(config, transforms=(), pictures=1, reach=REACH)

    def cropped(each: Exemplar) -> Exemplar:
        return dataclasses.replace(each, pictures=crop(each.pictures[0], field, *position)[None])

    of = (net, params, layer, framed, penalized)
    report = lambda each: on_found(cropped(each))  # noqa: E731
    found = exemplars(*of, filters=filters, position=position, seed=seed, on_found=report)
    return [cropped(each) for each in found]


def middle(net: Network, layer: str, shape: Shape) -> tuple[int, int] | tuple[()]:
    """Row and column of the middle of the map of `layer` (LAYER or LAYER/pre).

    Empty for a layer without positions, and for one whose receptive fields are unknown.
    """
    if not has_positions(net, layer, shape) or not any(receptive_field(net, layer, shape).jump):
        return ()
    rows, columns, _ = _output_shape(net, layer, shape)
    return rows // 2, columns // 2


def has_positions(net: Network, layer: str, shape: Shape) -> bool:
    """Whether `layer` (LAYER or LAYER/pre) has a map of positions for each filter."""
    return len(_output_shape(net, layer, shape)) == 3


def _output_shape(net: Network, layer: str, shape: tuple[int, ...]) -> list[int]:
    return summarize(upto(net, layer.removesuffix(PRE)), shape)[-1]["output_shape"]
