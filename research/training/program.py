"""The whole training as one compiled program that can be entered at any step and left at any other.

`advance(state, train, validation, stop)` runs the steps from `state.step` up to `stop`: batches are gathered and
augmented on the device, epochs end with a validation and the early-stopping arithmetic, all inside one `while_loop`.
Where the host cuts the training into calls has no influence on the numbers: the body is the same, compiled once, and
what depends on time is a function of the step. So the host may cut by the clock, and a resumed run equals an unbroken
one. A set that is read window by window gives the batches of one that lies on the device whole.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from research.evaluation.metrics import metric_of
from research.keys import key
from research.training import stopping
from research.training.state import Batch, DataSet, SeedState, TrainState, Window, active
from research.training.step import Apply, Objective, evaluate, fresh_sums, gather, means, never, train_step, weights
from research.trees import merge, split

Tree = Any


class Plan(NamedTuple):
    """The numbers that shape a training."""

    examples: int
    batch_size: int
    epochs: int
    l2: float
    patience: int | None
    monitor: str
    metrics: tuple[str, ...]
    evaluated_at_once: int = 256  # examples per batch of the validation
    views: int = 1  # of each example, one after the other in the training set, that the epochs take in turn

    @property
    def steps_per_epoch(self) -> int:
        """Batches in an epoch, the last, smaller one included."""
        return -(-self.examples // self.batch_size)

    @property
    def total_steps(self) -> int:
        """Steps of the whole training if it is not stopped early."""
        return self.steps_per_epoch * self.epochs


class Readout(NamedTuple):
    """What the host looks at between calls: copies, so that the state itself can be donated onward."""

    step: jax.Array
    running: jax.Array  # [S] whether the seed still trains
    sums: dict[str, jax.Array]
    history: dict[str, jax.Array]


Advance = Callable[[TrainState, DataSet | Window, DataSet | None, jax.Array | np.int32], tuple[TrainState, Readout]]
Augment = Callable[[jax.Array, jax.Array, jax.Array, jax.Array], jax.Array]  # (seed, epoch, index, inputs) -> inputs


def start(
    seeds: np.ndarray,
    initialize: Callable[[jax.Array], Tree],
    optimizer: optax.GradientTransformation,
    plan: Plan,
    trained: Callable[[Tree], Tree] = lambda params: jax.tree.map(lambda _: True, params),
) -> TrainState:
    """The state before the first step; parameters come from `initialize(key(seed, "init"))`.

    `trained(params)` is the mask: True for each leaf that is trained. The others are kept as they are.
    """

    def one(seed: jax.Array) -> SeedState:
        whole = initialize(key(seed, "init"))
        params, frozen = split(whole, trained(whole))
        splits, length = ("train", "validation"), max(plan.epochs, 1)  # Orbax saves no array of size zero
        return SeedState(
            params=params,
            frozen=frozen,
            optimizer=optimizer.init(params),
            best=stopping.start(params, enabled=plan.patience is not None),
            sums=fresh_sums(plan.metrics),
            history={f"{s}/{name}": jnp.full(length, jnp.nan) for s in splits for name in plan.metrics},
            stopped=jnp.zeros((), bool),
            diverged=never(),
        )

    # One by one: vmapped initializers may draw other numbers. Stacked on the host, for which nothing is compiled.
    states = [jax.device_get(jax.jit(one)(seed)) for seed in seeds]
    return TrainState(*jax.device_put((np.int32(0), seeds, jax.tree.map(lambda *leaves: np.stack(leaves), *states))))


def batch_index(seed: jax.Array, epoch: jax.Array, plan: Plan) -> jax.Array:
    """The order of the epoch, [steps_per_epoch, batch_size]: a function of (seed, epoch) and nothing else.

    The last row is filled up with `plan.examples`, an index that stands for padding.
    """
    order = jax.random.permutation(key(seed, "shuffle", epoch), plan.examples)
    padding = plan.steps_per_epoch * plan.batch_size - plan.examples
    return jnp.pad(order, (0, padding), constant_values=plan.examples).reshape(-1, plan.batch_size)


def draw(
    train: DataSet | Window, rows: jax.Array, seed: jax.Array, step: jax.Array, plan: Plan, augment: Augment | None
) -> Batch:
    """The batch of `step`, whose examples are `rows` [B], from the whole set or from the window that holds it."""
    epoch = step // plan.steps_per_epoch
    if isinstance(train, Window):
        place = (step - train.begin) * plan.batch_size + jnp.arange(plan.batch_size)
        batch = Batch(train.examples.inputs[place], train.examples.targets[place], weights(rows, plan.examples))
    else:
        batch = gather(train, rows, plan.examples, (epoch % plan.views) * plan.examples)
    if augment is None:
        return batch
    return batch._replace(inputs=augment(seed, epoch, rows, batch.inputs))


def build_advance(
    plan: Plan,
    *,
    apply: Apply,
    objective: Objective,
    optimizer: optax.GradientTransformation,
    augment: Augment | None = None,
) -> Advance:
    """Compile-ready `advance(state, train, validation, stop) -> (state, readout)`; `state` is donated.

    A `train` that is a Window must hold the steps from `state.step` up to `stop`.
    """
    one_step = functools.partial(train_step, apply=apply, objective=objective, optimizer=optimizer, l2=plan.l2)
    score = functools.partial(
        evaluate, batch_size=plan.evaluated_at_once, apply=apply, objective=objective, metrics=plan.metrics
    )

    def advance(state, train, validation, stop):
        def step(carry):
            state, order = carry
            epoch, slot = state.step // plan.steps_per_epoch, state.step % plan.steps_per_epoch
            anew = (slot == 0) | (state.step == entered)
            order = jax.lax.cond(anew, lambda: order_of(state.seeds, epoch), lambda: order)

            def train_one(each, seed, rows):
                batch = draw(train, rows[slot], seed, state.step, plan, augment)
                return one_step(each, batch, key(seed, "dropout", state.step), state.step)

            def end_epoch(each):
                sums = {} if validation is None else score(merge(each.params, each.frozen), validation)
                return finish_epoch(each, sums, epoch, plan)

            each = for_seeds(train_one, len(state.seeds))(state.each, state.seeds, order)
            last = slot == plan.steps_per_epoch - 1
            each = jax.lax.cond(last, for_seeds(end_epoch, len(state.seeds)), lambda same: same, each)
            return TrainState(state.step + 1, state.seeds, each), order

        order_of = for_seeds(lambda seed, epoch: batch_index(seed, epoch, plan), len(state.seeds), axes=(0, None))
        entered = state.step
        order = jnp.zeros((len(state.seeds), plan.steps_per_epoch, plan.batch_size), jnp.int32)
        going = lambda carry: (carry[0].step < stop) & active(carry[0].each).any()  # noqa: E731
        state, _ = jax.lax.while_loop(going, step, (state, order))
        return state, Readout(state.step, active(state.each), state.each.sums, state.each.history)

    return jax.jit(advance, donate_argnums=0)


def finish_epoch(each: SeedState, validation: dict[str, jax.Array], epoch: jax.Array, plan: Plan) -> SeedState:
    """Write the epoch's means into the history, and let early stopping look at them. One seed."""
    going = active(each)
    found = {f"train/{name}": value for name, value in means(each.sums).items()}
    found |= {f"validation/{name}": value for name, value in means(validation).items()} if validation else {}
    history = {
        name: row.at[epoch].set(jnp.where(going, found[name], row[epoch])) if name in found else row
        for name, row in each.history.items()
    }
    sums = jax.tree.map(lambda total: jnp.where(going, 0.0, total), each.sums)
    each = each._replace(history=history, sums=sums)
    if plan.patience is None:
        return each
    watched = metric_of(plan.monitor).sign * found[f"validation/{plan.monitor}"]
    after = stopping.update(each.best, each.params, watched, epoch + 1)
    best = jax.tree.map(lambda new, old: jnp.where(going, new, old), after, each.best)
    return each._replace(best=best, stopped=each.stopped | (best.stale >= plan.patience))


def for_seeds(function: Callable, seeds: int, axes: tuple[int | None, ...] | None = None) -> Callable:
    """`function` for each seed along the leading axis: vmapped, or on the bare leaves when there is only one.

    Without the batch axis of size one, XLA keeps the plain matrix products of a single training.
    """
    if seeds > 1:
        return jax.vmap(function, in_axes=0 if axes is None else axes)

    def single(*arguments):
        places = (0,) * len(arguments) if axes is None else axes
        bare = [
            jax.tree.map(lambda leaf: leaf[0], argument) if place == 0 else argument
            for argument, place in zip(arguments, places, strict=True)
        ]
        return jax.tree.map(lambda leaf: leaf[None], function(*bare))

    return single
