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
Apply = Callable[[Tree, Any, jax.Array | None], jax.Array]

LANES = 2  # measured on 2 cores: a training step of the digit net 12.6 ms in two lanes, 13.4 in one
SMALLEST_LANE = 64  # examples; fewer do not fill a core


def apply_of(net: Network, precision: str = "float32") -> Apply:
    """`apply(params, inputs [B, ...], key) -> output [B, ...]`: with a key it drops out, without one it does not.

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

    def in_lanes(params: Tree, inputs: Any, key: jax.Array | None) -> jax.Array:
        keys = [None] * LANES if key is None else jax.random.split(key, LANES)
        parts = jnp.split(inputs, LANES)
        return jnp.concatenate([on_cpu(params, part, own) for part, own in zip(parts, keys, strict=True)])

    def apply(params: Tree, inputs: Any, key: jax.Array | None) -> jax.Array:
        splits = _splits(net, len(jax.tree.leaves(inputs)[0]))
        cpu = in_lanes if splits else on_cpu
        if not rounds:  # chosen here, not in the program, for which the digit net would be traced for 0.4 s longer
            return (cpu if jax.default_backend() == "cpu" else elsewhere)(params, inputs, key)
        return jax.lax.platform_dependent(params, inputs, key, cpu=cpu, default=elsewhere)

    return apply


def _whole(net: Network, cast: Callable[[jax.Array], jax.Array]) -> Apply:
    """`net` on the whole batch, each of its parameters `cast`."""

    @jax.jit  # lanes of one size are traced once
    def whole(params: Tree, inputs: Any, key: jax.Array | None) -> jax.Array:
        rngs = None if key is None else {"dropout": key}
        variables = {"params": jax.tree.map(cast, params)}
        return net.apply(variables, inputs, key is not None, rngs=rngs)[0].astype(jnp.float32)

    return whole


def _splits(net: Network, examples: int) -> bool:
    """Whether a CPU runs so many examples in lanes."""
    convolves = any(isinstance(layer, Conv) for layer in net.layers)
    return convolves and examples % LANES == 0 and examples // LANES >= SMALLEST_LANE
