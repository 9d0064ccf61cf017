"""The climb: many inputs optimized side by side, each for an objective of its own, in one compiled program.

Inputs run in groups of a fixed size, one after the other, each in a slot of its own: a net then computes the same
numbers for a picture, whatever stands beside it and however many groups one call takes.
"""

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from research.ascent.objectives import INPUT, Objective
from research.ascent.parameterizations import MIDDLE, Parameterization
from research.ascent.transforms import Transform, transformed

Tree = Any
Activations = Callable[[Tree, jax.Array], Mapping[str, jax.Array]]  # of parameters and pictures

MOST = {"cpu": 8}  # pictures that a net runs on at once
ELSEWHERE = 64
CACHED = 1_200_000  # numbers in the largest map of all of them that a CPU's caches hold, with what is made of it

# XLA's own matrix products by Eigen, in the place of YNN (jaxlib 0.10), which gives those of many small matrices to one
# core. Ratios of filters per second to YNN's: VGG16's block 2 at 96 pixels 1.2; SqueezeNet's fire5 0.9 at 96 and 0.8 at
# 224, for the others of its products suffer; the digit net 0.7.
EIGEN = {"xla_cpu_experimental_ynn_fusion_type": ""}


@dataclasses.dataclass(frozen=True)
class AscentConfig:
    """How to climb."""

    steps: int = 128
    rate: float = 0.05  # Adam's learning rate (Kingma & Ba 2015)
    transforms: tuple[Transform, ...] = ()
    variation: float = 0.0  # weight of the total variation: mean absolute difference of neighbours, of 0..1
    shrink: float = 0.0  # weight of the mean square distance from gray, of -1..1
    reach: float = 0.0  # if not 0, L2 so strong that a score as linear as at the start would end this far from gray
    pictures: int = 1  # in a set that is scored together


class Load(NamedTuple):
    """What a net makes of one picture, which decides how it is run fastest. What is found is the same but for rounding.

    `largest` is how many numbers its largest map has; `batched` whether most of its work is products of many small
    matrices, as Winograd's filtering takes.
    """

    largest: int = 1
    batched: bool = False


LIGHT = Load()


class Reached(NamedTuple):
    """Where climbs ended."""

    pictures: np.ndarray  # float32 [N, K, H, W, C] of 0..255
    scores: np.ndarray  # [N, steps], before each step, transformed
    final: np.ndarray  # [N], of the pictures as they are


def climb(
    activations: Activations,
    params: Tree,
    objectives: Objective,
    parameterization: Parameterization,
    keys: jax.Array,
    plan: AscentConfig,
    *,
    slots: Sequence[int] | None = None,
    load: Load = LIGHT,
    chunk: int = 64,
) -> Iterator[Reached]:
    """Optimize N sets of pictures, each from its own of `keys` [N] for its own objective, chunk by chunk, in order.

    `objectives` are stacked (a leading axis [N] on every array). `activations(params, pictures [B, H, W, C])` gives
    {name: [B, ...]} and must be hashable. Compiled once for a net, an objective's structure, a parameterization's shape
    and a plan. `load` is the net's. `chunk` inputs (rounded up to groups) are in memory at once, which changes none of
    them. In its group each stands where its own of `slots` says (by default its place in order), modulo the group's
    size: where the rows of a matrix product are worked off in blocks, an input's rounding depends on where it stands,
    and a climb of 128 steps makes of that up to 0.09 of 0..1.
    """
    side = group_size(plan, load.largest)
    run = _climb_by_eigen if load.batched and _large(load.largest) else _climb_by_default
    standing = np.arange(len(keys)) if slots is None else np.asarray(slots)
    most = -(-chunk // side) * side
    parts = np.split(np.arange(len(keys)), range(most, len(keys), most))
    places = [_places(standing[part] % side, side) for part in parts]
    groups = max(_groups(own, side) for own in places)
    for part, place in zip(parts, places, strict=True):
        filled = np.full(groups * side, part[-1])
        filled[place] = part
        own = jax.tree.map(lambda leaf: leaf[filled].reshape(groups, side, *leaf.shape[1:]), (objectives, keys))  # noqa: B023
        count = jnp.int32(_groups(place, side))
        found = run(params, *own, parameterization, count, activations=activations, plan=plan)
        yield Reached(*(np.asarray(leaf).reshape(-1, *leaf.shape[2:])[place] for leaf in found))


def _places(slots: np.ndarray, side: int) -> np.ndarray:
    """Where in groups of `side`, one after the other, each stands in its slot: the n-th of a slot in the n-th group."""
    before = [np.count_nonzero(slots[:place] == slot) for place, slot in enumerate(slots)]
    return np.array(before) * side + slots


def _groups(places: np.ndarray, side: int) -> int:
    return int(places.max()) // side + 1


def group_size(plan: AscentConfig, largest: int) -> int:
    """How many sets of pictures run side by side through a net whose largest map has `largest` numbers."""
    if jax.default_backend() not in MOST:
        return max(1, ELSEWHERE // plan.pictures)
    fitting = max(1, CACHED // largest)
    return max(1, min(fitting, MOST[jax.default_backend()]) // plan.pictures)


def _large(largest: int) -> bool:
    """Whether a CPU's caches hold maps of `largest` numbers of fewer pictures than would run at once."""
    return jax.default_backend() in MOST and CACHED // largest < MOST[jax.default_backend()]


def _climb(
    params: Tree,
    objectives: Objective,
    keys: jax.Array,
    parameterization: Parameterization,
    count: jax.Array,
    *,
    activations: Activations,
    plan: AscentConfig,
) -> Reached:
    """The first `count` groups of `objectives` and `keys` [groups, side, ...]."""

    def one(place: jax.Array) -> Reached:
        own, drawn = jax.tree.map(lambda leaf: leaf[place], (objectives, keys))
        return _climb_group(params, own, drawn, parameterization, activations, plan)

    found = jax.tree.map(lambda leaf: jnp.zeros((len(keys), *leaf.shape), leaf.dtype), jax.eval_shape(one, count))
    put = lambda place, out: jax.tree.map(lambda into, leaf: into.at[place].set(leaf), out, one(place))  # noqa: E731
    return jax.lax.fori_loop(0, count, put, found)


_climb_by_default = jax.jit(_climb, static_argnames=("activations", "plan"))
_climb_by_eigen = jax.jit(_climb, static_argnames=("activations", "plan"), compiler_options=EIGEN)


def _climb_group(
    params: Tree,
    objectives: Objective,
    keys: jax.Array,
    parameterization: Parameterization,
    activations: Activations,
    plan: AscentConfig,
) -> Reached:
    each = jax.vmap(lambda key: jax.vmap(lambda place: jax.random.fold_in(key, place))(jnp.arange(plan.pictures)))(keys)
    numbers = jax.vmap(jax.vmap(lambda key: parameterization.start(jax.random.fold_in(key, 0))))(each)
    optimizer = optax.adam(plan.rate)

    def scores_of(pictures: jax.Array) -> jax.Array:
        found = activations(params, pictures.reshape(-1, *pictures.shape[2:]))
        taps = {name: tap.reshape(-1, plan.pictures, *tap.shape[1:]) for name, tap in found.items()}
        return jax.vmap(lambda objective, own: objective.score(own))(objectives, {INPUT: pictures} | taps)

    holds = _holds(scores_of, jax.vmap(jax.vmap(parameterization.render))(numbers), plan)

    def loss(numbers: jax.Array, step: jax.Array) -> tuple[jax.Array, jax.Array]:
        def seen(key: jax.Array, one: jax.Array, hold: jax.Array) -> tuple[jax.Array, jax.Array]:
            picture = parameterization.render(one)
            key = jax.random.fold_in(jax.random.fold_in(key, 1), step)
            return transformed(plan.transforms, key, picture), _penalty(picture, plan, hold)

        pictures, penalties = jax.vmap(jax.vmap(seen, in_axes=(0, 0, None)))(each, numbers, holds)
        scores = scores_of(pictures)
        return (penalties.mean(axis=1) - scores).sum(), scores

    def step(carried: tuple, place: jax.Array) -> tuple[tuple, jax.Array]:
        numbers, moments = carried
        slope, scores = jax.grad(loss, has_aux=True)(numbers, place)
        updates, moments = optimizer.update(slope, moments)
        moved: Any = optax.apply_updates(numbers, updates)
        kept = jax.vmap(jax.vmap(parameterization.project))(moved)
        return (kept, _stopped(moments, kept != moved)), scores

    (numbers, _), scores = jax.lax.scan(step, (numbers, optimizer.init(numbers)), jnp.arange(plan.steps))
    pictures = jax.vmap(jax.vmap(parameterization.render))(numbers)
    return Reached(pictures, scores.T, scores_of(pictures))  # pyright: ignore[reportArgumentType]


def _stopped(moments: Any, stopped: jax.Array) -> Any:
    """Adam's `moments`, the first of them forgotten where a number is `stopped` by what is allowed.

    It would push on for some steps after the slope has turned. On SqueezeNet's fire5/expand1x1, 32 steps in pixels then
    reach as much as a plain loop does, or more, for 91% of the filters, not 83%.
    """
    first, *others = moments
    return (first._replace(mu=jnp.where(stopped, 0, first.mu)), *others)


def _holds(scores_of: Callable[[jax.Array], jax.Array], pictures: jax.Array, plan: AscentConfig) -> jax.Array:
    """The weight w of w / 2 |d|^2 that `plan.reach` asks for, by set of `pictures` [side, K, H, W, C] at the start.

    With d a picture's distance from gray, of -1..1, and k the slope of the score, <k, d> - w / 2 |d|^2 is largest at
    d = k / w: the slope itself, whose farthest pixel lies at `reach` for w = max |k| / reach.
    """
    if not plan.reach:
        return jnp.zeros(len(pictures))
    slope = MIDDLE * plan.pictures * jax.grad(lambda pictures: scores_of(pictures).sum())(pictures)
    return jnp.abs(slope).max(axis=(1, 2, 3, 4)) / plan.reach


def _penalty(picture: jax.Array, plan: AscentConfig, hold: jax.Array) -> jax.Array:
    """What is subtracted from a picture's score: its total variation and its distance from gray, weighted."""
    total = jnp.float32(0)
    if plan.variation:
        differences = (jnp.abs(jnp.diff(picture, axis=axis)).mean() for axis in (0, 1))
        total += plan.variation * sum(differences) / 255
    if plan.shrink:
        total += plan.shrink * ((picture / MIDDLE - 1) ** 2).mean()
    if plan.reach:
        total += hold / 2 * ((picture / MIDDLE - 1) ** 2).sum()
    return total
