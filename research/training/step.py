"""One training step, and the evaluation of a whole set: pure functions of arrays."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from research.training.state import NEVER, Batch, DataSet, SeedState, Stretches, active
from research.trees import matching, merge

Tree = Any
Apply = Callable[[Tree, Any, jax.Array | None], jax.Array]  # (params, inputs, dropout key or None) -> output
Objective = Callable[[jax.Array, Any], dict[str, jax.Array]]  # (output, targets) -> {"loss": [B], ...}


def train_step(
    state: SeedState,
    batch: Batch,
    key: jax.Array,
    step: jax.Array,
    *,
    apply: Apply,
    objective: Objective,
    optimizer: optax.GradientTransformation,
    l2: float,
) -> SeedState:
    """The state after one batch; metric sums are added to `state.sums`. Only `state.params` is differentiated.

    A seed that has stopped or diverged stays as it is. Where the loss or the gradient's norm is not finite, nothing is
    applied: the state keeps its last parameters and notes the step in `diverged`.
    """
    (_, sums), gradient = jax.value_and_grad(mean_loss, has_aux=True)(
        state.params, state.frozen, batch, key, apply, objective, l2
    )
    going = active(state)
    finite = jnp.isfinite(sums["loss"]) & jnp.isfinite(optax.tree.norm(gradient))

    def moved(state: SeedState) -> SeedState:
        updates, moments = optimizer.update(gradient, state.optimizer, state.params)
        return state._replace(
            params=optax.apply_updates(state.params, updates),
            optimizer=moments,
            sums=jax.tree.map(jnp.add, state.sums, sums),
        )

    # A branch, not a choice between two states: 3.0 ms rather than 6.4 for a head of 2.1 million parameters.
    state = jax.lax.cond(going & finite, moved, lambda same: same, state)
    return state._replace(diverged=jnp.where(going & ~finite, step, state.diverged))


def mean_loss(
    params: Tree, frozen: Tree, batch: Batch, key: jax.Array, apply: Apply, objective: Objective, l2: float
) -> tuple[jax.Array, dict[str, jax.Array]]:
    """The mean loss of a batch plus `l2` times the trained kernels' squared sum, and the batch's metric sums."""
    sums = _sums(objective(apply(merge(params, frozen), batch.inputs, key), batch.targets), batch)
    loss = sums["loss"] / sums["count"]
    if l2:
        kernels = jax.tree.map(lambda leaf, is_kernel: jnp.sum(leaf**2) if is_kernel else 0.0, params, _kernels(params))
        loss += l2 * sum(jax.tree.leaves(kernels))
    return loss, sums


def evaluate(
    params: Tree,
    examples: DataSet,
    *,
    batch_size: int,
    apply: Apply,
    objective: Objective,
    metrics: tuple[str, ...],
) -> dict[str, jax.Array]:
    """Sums of the objective's `metrics` over all `examples`, and `count`; a last, smaller batch has its true size."""
    count = size(examples)

    def add(place: jax.Array, sums: dict) -> dict:
        batch = gather(examples, place * batch_size + jnp.arange(batch_size), count)
        return jax.tree.map(jnp.add, sums, metric_sums(apply, objective, params, batch))

    return jax.lax.fori_loop(0, -(-count // batch_size), add, fresh_sums(metrics))


def size(examples: DataSet) -> int:
    """How many examples there are, N."""
    return len(examples.starts if isinstance(examples, Stretches) else examples.targets)


def gather(examples: DataSet, index: jax.Array, count: int, inputs_from: int | jax.Array = 0) -> Batch:
    """The examples at `index` [B]; an index of `count` or more is padding, with weight zero.

    Where `inputs` holds several views of the set, one after the other, the view begins at `inputs_from`.
    """
    held = jnp.minimum(index, count - 1)
    if isinstance(examples, Stretches):
        inputs, targets, known = cut(examples, examples.starts[held])
        return Batch(inputs, targets, weights(index, count) * known)
    return Batch(examples.inputs[inputs_from + held], examples.targets[held], weights(index, count))


def cut(rows: Stretches, starts: jax.Array) -> tuple[dict[str, jax.Array], jax.Array, jax.Array]:
    """The stretches that begin at `starts` [B]: what a net reads, what it is to say, and how much of that is known [B].

    Inputs are values and known [B, L, F] and calendar [B, L + P, C]; targets are values [B, P, F], NaN where unknown.
    Nothing that was measured ahead is among the inputs.
    """
    L, P = len(rows.past), len(rows.ahead)

    def stretch(column: jax.Array | np.ndarray) -> jax.Array:
        take = lambda start: jax.lax.dynamic_slice_in_dim(jnp.asarray(column), start, L + P)  # noqa: E731
        return jax.vmap(take)(starts)

    values, known = stretch(rows.values), stretch(rows.known)
    inputs = {"values": values[:, :L], "known": known[:, :L], "calendar": stretch(rows.calendar)}
    return inputs, jnp.where(known[:, L:] > 0, values[:, L:], jnp.nan), known[:, L:].mean(axis=(1, 2))


def weights(index: jax.Array, count: int) -> jax.Array:
    """1 for the index of an example, 0 for padding: [B]."""
    return (index < count).astype(jnp.float32)


def metric_sums(apply: Apply, objective: Objective, params: Tree, batch: Batch) -> dict[str, jax.Array]:
    """Weighted sums of the objective's metrics over a batch, without dropout, and `count`."""
    return _sums(objective(apply(params, batch.inputs, None), batch.targets), batch)


def means(sums: dict[str, jax.Array]) -> dict[str, jax.Array]:
    """Metrics from their sums: divided once, at the end."""
    return {name: total / sums["count"] for name, total in sums.items() if name != "count"}


def fresh_sums(names: tuple[str, ...]) -> dict[str, jax.Array]:
    """Sums of nothing yet."""
    return {name: jnp.zeros(()) for name in (*names, "count")}


def never() -> jax.Array:
    """The `diverged` of a training that has not."""
    return jnp.int32(NEVER)


def _kernels(params: Tree) -> Tree:
    return matching(params, ["*kernel"])


def _sums(metrics: dict[str, jax.Array], batch: Batch) -> dict[str, jax.Array]:
    return {name: jnp.sum(value * batch.weights) for name, value in metrics.items()} | {"count": batch.weights.sum()}
