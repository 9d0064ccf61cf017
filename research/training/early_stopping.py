"""Early stopping as arithmetic on arrays, so that it is saved, resumed and compiled like the rest of the state.

GL, PQ and UP are the rules of Prechelt 1998, "Early Stopping - But When?", section 2; the names are the paper's. There
E_va(t) is the validation error after epoch t, counted from 1, and E_tr(t) the training error.
"""

from typing import Any, Literal, NamedTuple

import jax
import jax.numpy as jnp

Tree = Any
Best = dict[str, Tree]

STRIP = 5  # epochs of a training strip, k in the paper, which uses 5


Rule = Literal["patience", "gl", "pq", "up"]


class Stopping(NamedTuple):
    """A rule and its limit: epochs of patience, alpha of GL and PQ, or the strips of UP."""

    rule: Rule
    limit: float


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


def stops(stopping: Stopping, best: Best, validation: jax.Array, train: jax.Array, epoch: jax.Array) -> jax.Array:
    """Whether a training stops after `epoch` (counted from 0).

    `validation` and `train` hold the errors of all epochs, [E], of which those after `epoch` are of no account.
    """
    if stopping.rule == "patience":
        return best["stale"] >= stopping.limit
    if stopping.rule == "up":
        return _rises(validation, epoch, int(stopping.limit))
    now = jnp.arange(len(validation)) <= epoch
    # GL(t) = 100 (E_va(t) / E_opt(t) - 1), where E_opt(t) is the least error up to t.
    loss = 100 * (validation[epoch] / jnp.where(now, validation, jnp.inf).min() - 1)
    if stopping.rule == "gl":
        return loss > stopping.limit
    # P_k(t) = 1000 (mean of the strip's training errors / their least - 1); a strip without any progress stops.
    strip = now & (jnp.arange(len(train)) > epoch - STRIP)
    mean, least = jnp.where(strip, train, 0).sum() / STRIP, jnp.where(strip, train, jnp.inf).min()
    progress = 1000 * (mean / least - 1)
    return _strip_ends(epoch) & (loss > stopping.limit * progress)


def _rises(validation: jax.Array, epoch: jax.Array, strips: int) -> jax.Array:
    """UP_s: the error is larger at the end of each of the last `strips` strips than at the end of the one before."""
    ends = epoch - STRIP * jnp.arange(strips + 1)
    errors = validation[jnp.maximum(ends, 0)]
    return _strip_ends(epoch) & (ends[-1] >= 0) & (errors[:-1] > errors[1:]).all()


def _strip_ends(epoch: jax.Array) -> jax.Array:
    return (epoch + 1) % STRIP == 0
