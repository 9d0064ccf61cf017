"""The whole training as one compiled program that can be entered at any step and left at any other.

`advance(state, train, validation, stop)` runs the steps from `state.step` up to `stop`: batches are gathered and
augmented on the device, epochs end with a validation and the early-stopping arithmetic, all inside one `while_loop`.
The numbers do not depend on how the host divides the training into calls: the body is compiled once, and everything
that changes over time is a function of the step. So a resumed run equals an unbroken one. A streamed set gives the same
batches as a set that is on the device as a whole.
"""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from research.batches import Batch, DataSet
from research.evaluation.metrics import metric_of
from research.keys import key
from research.training import early_stopping
from research.training.freezing import trained_mask
from research.training.plan import RowWeights, StepWindow, TrainingPlan
from research.training.state import TrainState, active, variables_of
from research.training.step import means, never, sum_metrics, train_step, weighted, zero_sums
from research.trees import from_named, named_leaves, split

SPLITS = ("validation", "train")
Readout = dict[str, Any]  # see `build_advance`
Advance = Callable[..., tuple[TrainState, Readout]]


def start(members: Sequence[int], plan: TrainingPlan) -> TrainState:
    """The state of `members` before the first step: `plan.initialize(key(seed, "init"))` and `plan.starts`."""

    def one(seed: jax.Array, fold: jax.Array, leaves: dict[str, Any]) -> TrainState:
        variables = plan.initialize(key(seed, "init"))
        variables = from_named(named_leaves(variables) | leaves, variables)
        params, frozen = split(variables["params"], trained_mask(variables["params"], plan.frozen))
        collections = {name: tree for name, tree in variables.items() if name != "params"}
        length = max(plan.epochs, 1)  # Orbax saves no array of size zero
        return TrainState(
            seed=seed,
            fold=fold,
            step=jnp.int32(0),
            params=params,
            frozen=frozen,
            collections=collections,
            optimizer=plan.optimizer.init(params),
            best=early_stopping.start(params, collections, enabled=plan.stopping is not None),
            sums=zero_sums(plan.metrics),
            history={f"{s}/{name}": jnp.full(length, jnp.nan) for s in SPLITS for name in plan.metrics},
            stopped=jnp.zeros((), bool),
            diverged=never(),
        )

    # One by one: vmapped initializers may draw other numbers. Stacked on the host, for which nothing is compiled.
    numbers = [map(np.int32, divmod(member, plan.folds)) for member in members]
    leaves = [dict(plan.starts.get(member, {})) for member in members]
    states = [jax.device_get(jax.jit(one)(*pair, taken)) for pair, taken in zip(numbers, leaves, strict=True)]
    return jax.device_put(jax.tree.map(lambda *parts: np.stack(parts), *states))


def draw(train: DataSet | StepWindow, index: jax.Array, seed: jax.Array, step: jax.Array, plan: TrainingPlan) -> Batch:
    """The batch of `step`, whose examples are those at `index` [B], from the whole set or from a window of it."""
    if isinstance(train, StepWindow):
        rows = (step - train.begin) * len(index) + jnp.arange(len(index))
        examples = train.examples.take(rows)
        batch = examples._replace(weights=(index < train.size).astype(jnp.float32))
    else:
        batch = train.take(index)
    if plan.augment is None:
        return batch
    return batch._replace(inputs=plan.augment(seed, step // plan.steps_per_epoch, index, batch.inputs))


def build_advance(plan: TrainingPlan) -> Advance:
    """Compile-ready `advance(state, train, validation, stop, row_weights={}) -> (state, readout)`; `state` is donated.

    The readout is what the host reads between calls, a copy, so that the state itself can be donated: `step`,
    `active` (which members still train, bool [M]) and `sums`, the metric sums of the running epoch.

    `train` is a DataSet, or a StepWindow that holds the steps from the state's up to `stop`; `validation` is a DataSet
    or None; for `row_weights` see `RowWeights`.
    """
    scoring = {"apply": plan.apply, "loss_fn": plan.loss_fn}
    one_step = functools.partial(train_step, optimizer=plan.optimizer, l2=plan.l2, **scoring)
    score = functools.partial(sum_metrics, batch_size=plan.evaluation_batch, metrics=plan.metrics, **scoring)

    def advance(state, train, validation, stop, row_weights: RowWeights = {}):  # noqa: B006  # never changed
        members, entered = len(state.seed), state.step[0]
        own = {split: weights[state.fold] for split, weights in row_weights.items()}  # [M, N]
        on_train, on_validation = own.get("train"), own.get("validation")

        def train_one(member, rows, step, own):
            index = rows[step % plan.steps_per_epoch]
            batch = weighted(draw(train, index, member.seed, step, plan), index, own)
            return one_step(member, batch, key(member.seed, "dropout", step))

        def end_epoch(member, own, epoch):
            sums = {} if validation is None else score(variables_of(member), validation, row_weights=own)
            return finish_epoch(member, sums, epoch, plan)

        def step(carry):
            state, rows = carry
            step = state.step[0]
            epoch, slot = step // plan.steps_per_epoch, step % plan.steps_per_epoch
            rows = jax.lax.cond(
                (slot == 0) | (step == entered), lambda: order_of(state.seed, state.fold, epoch), lambda: rows
            )
            state = train_all(state, rows, step, on_train)
            last = slot == plan.steps_per_epoch - 1
            state = jax.lax.cond(last, lambda state: end_all(state, on_validation, epoch), lambda same: same, state)
            return state, rows

        train_all = for_members(train_one, members, (0, 0, None, 0))
        end_all = for_members(end_epoch, members, (0, 0, None))
        order_of = for_members(plan.order, members, (0, 0, None))
        shape = jax.eval_shape(order_of, state.seed, state.fold, entered)
        going = lambda carry: (carry[0].step[0] < stop) & active(carry[0]).any()  # noqa: E731
        state, _ = jax.lax.while_loop(going, step, (state, jnp.zeros(shape.shape, shape.dtype)))
        return state, {"step": state.step[0], "active": active(state), "sums": state.sums}

    return jax.jit(advance, donate_argnums=0)


def finish_epoch(
    member: TrainState, validation: dict[str, jax.Array], epoch: jax.Array, plan: TrainingPlan
) -> TrainState:
    """Write the epoch's means into the history, and update early stopping. For one member."""
    going = active(member)
    found = {f"train/{name}": value for name, value in means(member.sums).items()}
    found |= {f"validation/{name}": value for name, value in means(validation).items()} if validation else {}
    history = {
        name: row.at[epoch].set(jnp.where(going, found[name], row[epoch])) if name in found else row
        for name, row in member.history.items()
    }
    sums = jax.tree.map(lambda total: jnp.where(going, 0.0, total), member.sums)
    member = member._replace(history=history, sums=sums)
    if plan.stopping is None:
        return member
    errors, train = (metric_of(plan.monitor).sign * history[f"{split}/{plan.monitor}"] for split in SPLITS)
    after = early_stopping.update(member.best, member.params, member.collections, errors[epoch], epoch + 1)
    best = jax.tree.map(lambda new, old: jnp.where(going, new, old), after, member.best)
    stops = early_stopping.stops(plan.stopping, best, errors, train, epoch)
    return member._replace(best=best, stopped=member.stopped | (going & stops))


def for_members(function: Callable, members: int, axes: tuple[int | None, ...]) -> Callable:
    """`function` for each member along the leading axis: vmapped, or on the bare leaves when there is only one.

    Without the batch axis of size one, XLA keeps the plain matrix products of a single training.
    """
    if members > 1:
        return jax.vmap(function, in_axes=axes)

    def single(*arguments):
        bare = [
            jax.tree.map(lambda leaf: leaf[0], argument) if axis == 0 else argument
            for argument, axis in zip(arguments, axes, strict=True)
        ]
        return jax.tree.map(lambda leaf: leaf[None], function(*bare))

    return single
