"""Early stopping as arithmetic on arrays, so that it is saved, resumed and compiled like the rest of the state."""

from typing import Any

import jax
import jax.numpy as jnp

from research.training.state import Best

Tree = Any


def start(params: Tree, *, enabled: bool) -> Best:
    """Nothing seen yet. Without early stopping no copy of the parameters is kept."""
    kept = jax.tree.map(jnp.copy, params) if enabled else ()
    return Best(kept, jnp.float32(jnp.inf), jnp.int32(0), jnp.int32(0))


def update(best: Best, params: Tree, value: jax.Array, epoch: jax.Array) -> Best:
    """`best` after an epoch that ended with `params` and the watched `value` (smaller is better; a tie is not)."""
    better = value < best.value
    kept = jax.tree.map(lambda new, old: jnp.where(better, new, old), params, best.params)
    return Best(
        kept,
        jnp.where(better, value, best.value),
        jnp.where(better, epoch, best.epoch),
        jnp.where(better, 0, best.stale + 1),
    )
