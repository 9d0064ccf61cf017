"""A network as a function of its parameters, which is how training and evaluation know it."""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from research.models.layers import Conv
from research.models.network import Network

Tree = Any
Apply = Callable[[Tree, Any, jax.Array | None], jax.Array]

LANES = 2  # measured on 2 cores: a training step of the digit net 12.6 ms in two lanes, 13.4 in one
SMALLEST_LANE = 64  # examples; fewer do not fill a core


def apply_of(net: Network, precision: str = "float32") -> Apply:
    """`apply(params, inputs [B, ...], key) -> output [B, ...]`: with a key it drops out, without one it does not.

    The net computes in `precision` (its layers take the type of their kernels); the output is float32 whatever that is.
    On CPU a large batch of pictures runs as two halves that do not know of each other, so that one core can move data
    while the other multiplies; each half drops out by a key of its own.

    For one net it is one and the same function, so that programs that are compiled for it are found again.
    """
    return _apply_of(net, precision)  # pyright: ignore[reportArgumentType]  # a Flax module is hashable by its fields


@functools.lru_cache(maxsize=64)
def _apply_of(net: Network, precision: str) -> Apply:
    @jax.jit  # lanes of one size are traced once
    def whole(params: Tree, inputs: Any, key: jax.Array | None) -> jax.Array:
        rngs = None if key is None else {"dropout": key}
        params = jax.tree.map(lambda leaf: leaf.astype(precision), params)
        return net.apply({"params": params}, inputs, key is not None, rngs=rngs)[0].astype(jnp.float32)

    def apply(params: Tree, inputs: Any, key: jax.Array | None) -> jax.Array:
        lanes = _lanes(net, len(jax.tree.leaves(inputs)[0]))
        if lanes == 1:
            return whole(params, inputs, key)
        keys = [None] * lanes if key is None else jax.random.split(key, lanes)
        parts = jnp.split(inputs, lanes)
        return jnp.concatenate([whole(params, part, own) for part, own in zip(parts, keys, strict=True)])

    return apply


def _lanes(net: Network, examples: int) -> int:
    convolves = any(isinstance(layer, Conv) for layer in net.layers)
    fits = examples % LANES == 0 and examples // LANES >= SMALLEST_LANE
    return LANES if convolves and fits and jax.default_backend() == "cpu" else 1
