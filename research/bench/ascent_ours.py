"""Our side of the ascent's races: the exemplars that `microscope.py` shows, all of a round's filters in one call."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version

import jax
import jax.numpy as jnp
import numpy as np

from research.ascent.climb import Plan
from research.ascent.parameterizations import Pixels
from research.bench.ascent_nets import network_of, parameters_of
from research.bench.climbs import HALF, RATE, STEPS, start, timed
from research.bench.party_ours import matmul_seconds
from research.bench.work import Work
from research.bench.workloads import Workload
from research.interpret.exemplars import Exemplar, exemplars
from research.models.taps import run_taps
from research.runtime import device_name, prepare
from research.trees import count

Climb = Callable[[Mapping[str, Sequence[int]]], list[Exemplar]]


def build(workload: Workload) -> Work:
    """`workload` by our library."""
    prepare()
    run = timed(workload, climber(workload))
    versions = {"jax": version("jax"), "flax": version("flax")}
    return Work(run, count(parameters_of(workload)), versions, device_name(), matmul_seconds, at_start(workload))


@jax.tree_util.register_dataclass
@dataclasses.dataclass(frozen=True)
class GivenPixels:
    """`pixels` that start as `numbers` [H, W, C] of -1..1, whatever the key."""

    pixels: Pixels
    numbers: jax.Array

    def start(self, key: jax.Array) -> jax.Array:
        """[H, W, C]."""
        return self.numbers

    def render(self, numbers: jax.Array) -> jax.Array:
        """[H, W, C] -> [H, W, C]."""
        return self.pixels.render(numbers)

    def project(self, numbers: jax.Array) -> jax.Array:
        """[H, W, C] -> [H, W, C]."""
        return self.pixels.project(numbers)


def climber(workload: Workload, steps: int = STEPS) -> Climb:
    """`climb({layer: filters})`: their exemplars after so many steps, layer by layer."""
    net, params, picture = network_of(workload), parameters_of(workload), start(workload)
    height, width, channels = picture.shape
    way = GivenPixels(Pixels((height, width, channels)), jnp.asarray(picture / np.float32(HALF) - 1))
    plan = Plan(steps=steps, rate=RATE)

    def climb(filters: Mapping[str, Sequence[int]]) -> list[Exemplar]:
        found = (exemplars(net, params, layer, way, plan, filters=own) for layer, own in filters.items())
        return [each for layer in found for each in layer]

    return climb


def at_start(workload: Workload) -> list[float]:
    """The mean activation of every filter on the picture that climbs start from, layer by layer."""
    picture = jnp.asarray(start(workload))[None]
    taps = run_taps(network_of(workload), parameters_of(workload), picture, workload.layers)
    return [float(mean) for tap in taps.values() for mean in tap.mean(axis=(0, 1, 2))]
