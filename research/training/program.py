"""The whole training as one compiled program that can be entered at any step and left at any other.

`advance(state, train, validation, stop)` runs the steps from `state.step` up to `stop`: batches are gathered and
augmented on the device, epochs end with a validation and the early-stopping arithmetic, all inside one `while_loop`.
Where the host cuts the training into calls has no influence on the numbers: the body is the same, compiled once, and
what depends on time is a function of the step. So the host may cut by the clock, and a resumed run equals an unbroken
one. A set that is streamed gives the batches of one that lies on the device whole.
"""

import functools
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from research.batches import ArrayData, Batch, DataSet, Order
from research.evaluation.metrics import metric_of
from research.keys import key
from research.training import early_stopping
from research.training.state import MemberState, TrainState, active, variables_of
from research.training.step import Apply, LossFn, evaluate, means, never, train_step, weighted, zero_sums
from research.trees import split

Tree = Any
RowWeights = Mapping[str, jax.Array]  # {"train": [M, N], "validation": [M, N]}: what each member makes of the rows
Augment = Callable[[jax.Array, jax.Array, jax.Array, jax.Array], jax.Array]  # (seed, epoch, index, inputs) -> inputs


class TrainingPlan(NamedTuple):
    """The numbers that shape a training."""

    steps_per_epoch: int
    epochs: int
    l2: float
    patience: int | None
    monitor: str
    metrics: tuple[str, ...]
    evaluation_batch: int = 256  # examples per batch of the validation

    @property
    def total_steps(self) -> int:
        """Steps of the whole training if it is not stopped early."""
        return self.steps_per_epoch * self.epochs


class StepWindow(NamedTuple):
    """The batches of some steps in their order, [steps * B, ...], where a set is streamed from disk.

    `begin` is the step that the first B examples belong to; `size` is that of the whole set.
    """

    examples: ArrayData
    begin: jax.Array | np.integer
    size: jax.Array | np.integer


Readout = dict[str, Any]  # see `build_advance`
Advance = Callable[..., tuple[TrainState, Readout]]


def start(
    seeds: np.ndarray,
    initialize: Callable[[jax.Array], Tree],
    optimizer: optax.GradientTransformation,
    plan: TrainingPlan,
    trained: Callable[[Tree], Tree] = lambda params: jax.tree.map(lambda _: True, params),
) -> TrainState:
    """The state before the first step; variables come from `initialize(key(seed, "init"))`.

    `trained(params)` is the mask: True for each leaf that is trained. The others are kept as they are.
    """

    def one(seed: jax.Array) -> MemberState:
        variables = initialize(key(seed, "init"))
        params, frozen = split(variables["params"], trained(variables["params"]))
        collections = {name: tree for name, tree in variables.items() if name != "params"}
        splits, length = ("train", "validation"), max(plan.epochs, 1)  # Orbax saves no array of size zero
        return MemberState(
            params=params,
            frozen=frozen,
            collections=collections,
            optimizer=optimizer.init(params),
            best=early_stopping.start(params, collections, enabled=plan.patience is not None),
            sums=zero_sums(plan.metrics),
            history={f"{s}/{name}": jnp.full(length, jnp.nan) for s in splits for name in plan.metrics},
            stopped=jnp.zeros((), bool),
            diverged=never(),
        )

    # One by one: vmapped initializers may draw other numbers. Stacked on the host, for which nothing is compiled.
    states = [jax.device_get(jax.jit(one)(seed)) for seed in seeds]
    return TrainState(*jax.device_put((np.int32(0), seeds, jax.tree.map(lambda *leaves: np.stack(leaves), *states))))


def draw(
    train: DataSet | StepWindow,
    index: jax.Array,
    seed: jax.Array,
    step: jax.Array,
    plan: TrainingPlan,
    augment: Augment | None,
) -> Batch:
    """The batch of `step`, whose examples are those at `index` [B], from the whole set or from a window of it."""
    if isinstance(train, StepWindow):
        rows = (step - train.begin) * len(index) + jnp.arange(len(index))
        examples = train.examples.take(rows)
        batch = examples._replace(weights=(index < train.size).astype(jnp.float32))
    else:
        batch = train.take(index)
    if augment is None:
        return batch
    return batch._replace(inputs=augment(seed, step // plan.steps_per_epoch, index, batch.inputs))


def build_advance(
    plan: TrainingPlan,
    *,
    apply: Apply,
    loss_fn: LossFn,
    optimizer: optax.GradientTransformation,
    order: Order,
    augment: Augment | None = None,
) -> Advance:
    """Compile-ready `advance(state, train, validation, stop, row_weights={}) -> (state, readout)`; `state` is donated.

    The readout is what the host looks at between calls, copied so that the state itself can be donated onward: `step`,
    `active` (which members still train, bool [M]) and `sums`, the metric sums of the running epoch.

    `train` is a DataSet, or a StepWindow that holds the steps from `state.step` up to `stop`; `validation` is a DataSet
    or None; `row_weights` see `RowWeights`.
    """
    one_step = functools.partial(train_step, apply=apply, loss_fn=loss_fn, optimizer=optimizer, l2=plan.l2)
    score = functools.partial(
        evaluate, batch_size=plan.evaluation_batch, apply=apply, loss_fn=loss_fn, metrics=plan.metrics
    )

    def advance(state, train, validation, stop, row_weights: RowWeights = {}):  # noqa: B006  # never changed
        members, entered = len(state.seeds), state.step
        on_train, on_validation = row_weights.get("train"), row_weights.get("validation")

        def train_one(each, seed, rows, step, own):
            index = rows[step % plan.steps_per_epoch]
            batch = weighted(draw(train, index, seed, step, plan, augment), index, own)
            return one_step(each, batch, key(seed, "dropout", step), step)

        def end_epoch(each, own, epoch):
            sums = {} if validation is None else score(variables_of(each), validation, row_weights=own)
            return finish_epoch(each, sums, epoch, plan)

        def step(carry):
            state, rows = carry
            epoch, slot = state.step // plan.steps_per_epoch, state.step % plan.steps_per_epoch
            anew = (slot == 0) | (state.step == entered)
            rows = jax.lax.cond(anew, lambda: order_of(state.seeds, epoch), lambda: rows)
            each = train_all(state.each, state.seeds, rows, state.step, on_train)
            last = slot == plan.steps_per_epoch - 1
            each = jax.lax.cond(last, lambda each: end_all(each, on_validation, epoch), lambda same: same, each)
            return TrainState(state.step + 1, state.seeds, each), rows

        train_all = for_members(train_one, members, (0, 0, 0, None, 0))
        end_all = for_members(end_epoch, members, (0, 0, None))
        order_of = for_members(order, members, (0, None))
        shape = jax.eval_shape(order_of, state.seeds, entered)
        going = lambda carry: (carry[0].step < stop) & active(carry[0].each).any()  # noqa: E731
        state, _ = jax.lax.while_loop(going, step, (state, jnp.zeros(shape.shape, shape.dtype)))
        return state, {"step": state.step, "active": active(state.each), "sums": state.each.sums}

    return jax.jit(advance, donate_argnums=0)


def finish_epoch(
    each: MemberState, validation: dict[str, jax.Array], epoch: jax.Array, plan: TrainingPlan
) -> MemberState:
    """Write the epoch's means into the history, and let early stopping look at them. One member."""
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
    monitored = metric_of(plan.monitor).sign * found[f"validation/{plan.monitor}"]
    after = early_stopping.update(each.best, each.params, each.collections, monitored, epoch + 1)
    best = jax.tree.map(lambda new, old: jnp.where(going, new, old), after, each.best)
    return each._replace(best=best, stopped=each.stopped | (best.stale >= plan.patience))


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
