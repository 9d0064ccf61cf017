"""Early stopping as arithmetic on arrays, so that it is saved, resumed and compiled like the rest of the state."""

from typing import Any

import jax
import jax.numpy as jnp

Tree = Any
Best = dict[str, Tree]


def start(params: Tree, collections: Tree, *, enabled: bool) -> Best:
    """The state before the first epoch. Without early stopping, the copies of the weights are empty.

    params, collections   the best weights so far
    value                 of the monitored metric there, smaller is better
    epoch                 of the best, counted from 1; 0 before the first
    stale                 epochs since the best
    """
    held, beside = jax.tree.map(jnp.copy, (params, collections)) if enabled else ((), ())
    counts = {"epoch": jnp.int32(0), "stale": jnp.int32(0)}
    return {"params": held, "collections": beside, "value": jnp.float32(jnp.inf), **counts}


def update(best: Best, params: Tree, collections: Tree, value: jax.Array, epoch: jax.Array) -> Best:
    """`best` after an epoch that ended with these weights and the monitored `value` (smaller is better; no ties)."""
    better = value < best["value"]
    counts = {"epoch": epoch, "stale": jnp.zeros_like(best["stale"])}
    after = {"params": params, "collections": collections, "value": value, **counts}
    before = best | {"stale": best["stale"] + 1}
    return jax.tree.map(lambda new, old: jnp.where(better, new, old), after, before)


def exhausted(best: Best, patience: int) -> jax.Array:
    """Whether a training stops, after `patience` epochs without an improvement."""
    return best["stale"] >= patience
