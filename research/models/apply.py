"""A network as a pure function of its variables, for training and evaluation."""

import functools
from collections.abc import Callable
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from research.batches import Apply
from research.models.custom import CustomNet
from research.models.layers import Conv
from research.models.network import Network
from research.models.rounding import rounded

Tree = Any

PARTS = 2  # measured on 2 cores: a training step of the digit net takes 12.6 ms in two halves, 13.4 in one
SMALLEST_HALF = 64  # examples; fewer do not fill a core


def apply_of(net: nn.Module | CustomNet, precision: str = "float32") -> Apply:
    """`apply(variables, inputs [B, ...], key) -> (output [B, ...], collections)`: with a key the net trains.

    `variables` are {"params": ...} and the collections that the net updates in training, such as `batch_stats`; they
    are returned updated. Without a key there is no dropout, and the collections stay as they are. `net` is a net of
    one's own, or any Flax module whose `__call__(x, train)` returns (output, taps).

    The net computes in `precision` (layers take the type of their kernels); the output is always float32.
    On CPU "bfloat16" of a Network is float32 with rounded operands (see `rounding`).

    On CPU a large batch of pictures runs as two independent halves, so that one core can move data while the other
    multiplies; each half has its own dropout key. The program chooses, so an exported one is right on every platform.
    The function and its compiled programs are cached by net and precision.
    """
    return _apply_of(net, precision)  # pyright: ignore[reportArgumentType]  # a Flax module is hashable by its fields


@functools.lru_cache(maxsize=64)
def _apply_of(net: nn.Module | CustomNet, precision: str) -> Apply:
    elsewhere = _whole(net, lambda leaf: leaf.astype(precision))
    on_cpu = elsewhere
    if precision == "bfloat16" and isinstance(net, Network):
        on_cpu = _whole(net.rounding(), rounded)

    def in_halves(variables: Tree, inputs: Any, key: jax.Array | None) -> tuple[jax.Array, Tree]:
        keys = [None] * PARTS if key is None else jax.random.split(key, PARTS)
        parts = jnp.split(inputs, PARTS)
        return jnp.concatenate([on_cpu(variables, part, own)[0] for part, own in zip(parts, keys, strict=True)]), {}

    def apply(variables: Tree, inputs: Any, key: jax.Array | None) -> tuple[jax.Array, Tree]:
        splits = set(variables) == {"params"} and _splits(net, len(jax.tree.leaves(inputs)[0]))
        cpu = in_halves if splits else on_cpu
        if cpu is elsewhere:
            return cpu(variables, inputs, key)
        return jax.lax.platform_dependent(variables, inputs, key, cpu=cpu, default=elsewhere)

    return apply


def _whole(net: nn.Module | CustomNet, cast: Callable[[jax.Array], jax.Array]) -> Apply:
    """`net` on the whole batch, with `cast` applied to each parameter."""

    @jax.jit  # both halves share one trace
    def whole(variables: Tree, inputs: Any, key: jax.Array | None) -> tuple[jax.Array, Tree]:
        collections = {name: tree for name, tree in variables.items() if name != "params"}
        both = {"params": jax.tree.map(cast, variables["params"]), **collections}
        rngs, mutable = (None, []) if key is None else ({"dropout": key}, list(collections))
        (output, _), updated = net.apply(both, inputs, key is not None, rngs=rngs, mutable=mutable)
        return output.astype(jnp.float32), collections | dict(updated)

    return whole


def _splits(net: nn.Module | CustomNet, examples: int) -> bool:
    """Whether a CPU runs so many examples in two halves."""
    convolves = isinstance(net, Network) and any(isinstance(layer, Conv) for layer in net.layers)
    return convolves and examples % PARTS == 0 and examples // PARTS >= SMALLEST_HALF
