"""A network as a function of its parameters, which is how training and evaluation know it."""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from research.models.layers import Conv
from research.models.network import Network
from research.models.rounding import rounded

Tree = Any
# (variables, inputs [B, ...], dropout key or None) -> (output [B, ...], the net's updated collections)
Apply = Callable[[Tree, Any, jax.Array | None], tuple[jax.Array, Tree]]

LANES = 2  # measured on 2 cores: a training step of the digit net 12.6 ms in two lanes, 13.4 in one
SMALLEST_LANE = 64  # examples; fewer do not fill a core


def apply_of(net: Network, precision: str = "float32") -> Apply:
    """`apply(variables, inputs [B, ...], key) -> (output [B, ...], collections)`: with a key the net trains.

    `variables` are {"params": ...} and the collections that the net updates in training, such as `batch_stats`; they
    come back updated. Without a key nothing is dropped out and the collections stay as they are.

    The net computes in `precision` (its layers take the type of their kernels); the output is float32 whatever that is.
    On CPU "bfloat16" is float32 with rounded operands (see `rounding`).

    On CPU a large batch of pictures runs as two halves that do not know of each other, so that one core can move data
    while the other multiplies; each half drops out by a key of its own.

    For one net it is one and the same function, so that programs that are compiled for it are found again.
    """
    return _apply_of(net, precision)  # pyright: ignore[reportArgumentType]  # a Flax module is hashable by its fields


@functools.lru_cache(maxsize=64)
def _apply_of(net: Network, precision: str) -> Apply:
    rounds = precision == "bfloat16"
    elsewhere = _whole(net, lambda leaf: leaf.astype(precision))
    on_cpu = _whole(net.rounding(), rounded) if rounds else elsewhere

    def in_lanes(variables: Tree, inputs: Any, key: jax.Array | None) -> tuple[jax.Array, Tree]:
        keys = [None] * LANES if key is None else jax.random.split(key, LANES)
        parts = jnp.split(inputs, LANES)
        return jnp.concatenate([on_cpu(variables, part, own)[0] for part, own in zip(parts, keys, strict=True)]), {}

    def apply(variables: Tree, inputs: Any, key: jax.Array | None) -> tuple[jax.Array, Tree]:
        splits = set(variables) == {"params"} and _splits(net, len(jax.tree.leaves(inputs)[0]))
        cpu = in_lanes if splits else on_cpu
        if not rounds:  # chosen here, not in the program, for which the digit net would be traced for 0.4 s longer
            return (cpu if jax.default_backend() == "cpu" else elsewhere)(variables, inputs, key)
        return jax.lax.platform_dependent(variables, inputs, key, cpu=cpu, default=elsewhere)

    return apply


def _whole(net: Network, cast: Callable[[jax.Array], jax.Array]) -> Apply:
    """`net` on the whole batch, each of its parameters `cast`."""

    @jax.jit  # lanes of one size are traced once
    def whole(variables: Tree, inputs: Any, key: jax.Array | None) -> tuple[jax.Array, Tree]:
        collections = {name: tree for name, tree in variables.items() if name != "params"}
        both = {"params": jax.tree.map(cast, variables["params"]), **collections}
        rngs, mutable = (None, []) if key is None else ({"dropout": key}, list(collections))
        (output, _), updated = net.apply(both, inputs, key is not None, rngs=rngs, mutable=mutable)
        return output.astype(jnp.float32), collections | dict(updated)

    return whole


def _splits(net: Network, examples: int) -> bool:
    """Whether a CPU runs so many examples in lanes."""
    convolves = any(isinstance(layer, Conv) for layer in net.layers)
    return convolves and examples % LANES == 0 and examples // LANES >= SMALLEST_LANE
