"""Early stopping as arithmetic on arrays, so that it is saved, resumed and compiled like the rest of the state."""

from typing import Any

import jax
import jax.numpy as jnp

from research.training.state import Best

Tree = Any


def start(params: Tree, collections: Tree, *, enabled: bool) -> Best:
    """Nothing seen yet. Without early stopping no copy of the weights is held."""
    held, beside = jax.tree.map(jnp.copy, (params, collections)) if enabled else ((), ())
    return Best(held, beside, jnp.float32(jnp.inf), jnp.int32(0), jnp.int32(0))


def update(best: Best, params: Tree, collections: Tree, value: jax.Array, epoch: jax.Array) -> Best:
    """`best` after an epoch that ended with these weights and the monitored `value` (smaller is better; no ties)."""
    better = value < best.value
    after = Best(params, collections, value, epoch, jnp.zeros_like(best.stale))
    before = best._replace(stale=best.stale + 1)
    return jax.tree.map(lambda new, old: jnp.where(better, new, old), after, before)
