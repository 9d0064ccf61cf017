"""Gradient ascent on many inputs side by side, each for its own objective, in one compiled program.

Inputs run in groups of a fixed size, one group after another, and each has its own slot in its group. So a net computes
the same numbers for a picture, whatever other pictures run with it and however many groups one call takes.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np

from research.ascent.objectives import Objective
from research.ascent.parameterizations import Parameterization
from research.ascent.steps import Activations, AscentConfig, AscentResult, ascend, noise

Tree = Any

CONCURRENT = {"cpu": 8}  # pictures that a net runs on at once, by backend
CONCURRENT_ELSEWHERE = 64
CACHED = 1_200_000  # numbers in the largest maps of all concurrent pictures that a CPU's caches hold, by measurement

# Eigen's matrix products instead of YNN's (jaxlib 0.10), which runs many small matrices on one core. Filters per second
# relative to YNN: VGG16's block 2 at 96 pixels 1.2; SqueezeNet's fire5 0.9 at 96 and 0.8 at 224; the digit net 0.7.
EIGEN = {"xla_cpu_experimental_ynn_fusion_type": ""}


class NetCost(NamedTuple):
    """What a net makes of one picture. It decides how the net runs fastest, and changes results by rounding only."""

    largest: int = 1  # numbers in the largest map
    weights: int = 0  # numbers in its parameters
    batched: bool = False  # whether most of the work is products of many small matrices, as in Winograd's convolution


CHEAP = NetCost()


def gradient_ascent(
    activations: Activations,
    params: Tree,
    objectives: Objective,
    parameterization: Parameterization,
    keys: jax.Array,
    config: AscentConfig,
    *,
    starts: jax.Array | None = None,
    slots: Sequence[int] | None = None,
    cost: NetCost = CHEAP,
) -> Iterator[tuple[np.ndarray, AscentResult]]:
    """Optimize N sets of pictures, each with its key in `keys` [N] for its own objective; results as they are found.

    Sets start from the numbers `starts` [N, K, ...] (see `Parameterization.invert`), or else from noise by their keys.

    Yields a group's indices among the N [n], ascending, and its results [n, ...]; every set is in one group.
    `objectives` are stacked (a leading axis [N] on every array). `activations(params, pictures [B, H, W, C])` gives
    {name: [B, ...]} and must be hashable. One program is compiled for a net, an objective's structure, a
    parameterization's shape and a config. One group at a time is in memory.

    Set i runs at position `slots[i]` (i by default) modulo the group's size. Matrix products work in blocks of rows, so
    rounding depends on the position, and 128 steps can turn that into a difference of up to 0.09 of 0..1.
    """
    side = group_size(config, cost)
    run = _run_by_eigen if cost.batched and _exceeds_caches(cost.largest) else _run
    positions = (np.arange(len(keys)) if slots is None else np.asarray(slots)) % side
    # On the host, where a slice of many small arrays takes microseconds; on a device each is a program of its own.
    sets = jax.device_get((objectives, jax.random.key_data(keys), starts))
    for group in _groups(positions):
        filled = np.full(side, group[-1])
        filled[positions[group]] = group
        own, own_keys, given = jax.tree.map(lambda leaf: leaf[filled], sets)  # noqa: B023
        numbers = _noise(parameterization, own_keys, config) if given is None else given
        result = run(params, own, own_keys, numbers, parameterization, activations=activations, config=config)
        yield group, AscentResult(*(np.asarray(leaf)[positions[group]] for leaf in result))


def group_size(config: AscentConfig, cost: NetCost) -> int:
    """How many sets of pictures run side by side through a net of this `cost`.

    On a CPU their maps must fit in its caches. Where the weights alone do not fit, they are read once per group, so
    groups are as large as allowed (measured in docs/speed.md).
    """
    if jax.default_backend() not in CONCURRENT:
        return max(1, CONCURRENT_ELSEWHERE // config.pictures)
    most = CONCURRENT[jax.default_backend()]
    fitting = most if cost.weights > CACHED else max(1, CACHED // cost.largest)
    return max(1, min(fitting, most) // config.pictures)


def _groups(positions: np.ndarray) -> list[np.ndarray]:
    """Indices by group: of those with one position, the n-th is in the n-th group."""
    before = np.array([np.count_nonzero(positions[:i] == position) for i, position in enumerate(positions)])
    return [np.flatnonzero(before == group) for group in range(before.max(initial=-1) + 1)]


def _exceeds_caches(largest: int) -> bool:
    """Whether a CPU's caches are too small for the maps (`largest` numbers) of all concurrent pictures."""
    return jax.default_backend() in CONCURRENT and CACHED // largest < CONCURRENT[jax.default_backend()]


_noise = jax.jit(noise, static_argnames="config")
_run = jax.jit(ascend, static_argnames=("activations", "config"))
_run_by_eigen = jax.jit(ascend, static_argnames=("activations", "config"), compiler_options=EIGEN)
