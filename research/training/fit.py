"""Training some members of an experiment side by side, each resumed from its newest sound checkpoint."""

import functools
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from research.batches import DataSet, Order
from research.errors import UserError, warn
from research.training import checkpoints, loop, program
from research.training.divergence import Divergence, locate_divergence
from research.training.freezing import trained_mask
from research.training.program import Augment, RowWeights, TrainingPlan
from research.training.state import NEVER, MemberState, TrainState, take_member
from research.training.step import Apply, LossFn, weighted

Tree = Any
# (order, seed, first step, last step) -> the batches of those steps, read from disk
Stream = Callable[[Order, int, int, int], AbstractContextManager[loop.BatchSource]]
# (first step, total steps, steps per epoch) -> a progress bar, to be called with the step and the running metrics
Progress = Callable[[int, int, int], AbstractContextManager[Callable[[int, dict[str, float]], None]]]


class Trainable(NamedTuple):
    """A net, the data that it is trained on, and how its output is scored."""

    sizes: Mapping[str, int]  # examples of each split
    data: Callable[[str], DataSet]  # a split on the device
    order: Order  # the examples of each step of an epoch
    initialize: Callable[[jax.Array], Tree]  # key -> variables
    apply: Apply
    loss_fn: LossFn
    metrics: tuple[str, ...]  # those that `loss_fn` gives
    identity: str  # of all that training reads
    evaluation_batch: int  # examples per batch of the validation
    frozen: frozenset[str] = frozenset()  # names of the leaves that are not trained
    augment: Augment | None = None
    stream: Stream | None = None  # where the training examples are read from disk batch by batch
    vmap_seeds: bool = False  # whether several seeds in one program are faster on CPU, too
    row_weights: RowWeights | None = None  # of the seeds, in their order


class Trained(NamedTuple):
    """What a training of some seeds came to: states with a leading member axis, on the host."""

    seeds: list[int]
    each: MemberState
    status: str
    spent: loop.Seconds  # over all resumes
    steps: int
    diverged: dict[int, Divergence]  # by seed


def fit(
    training: Trainable,
    plan: TrainingPlan,
    optimizer: optax.GradientTransformation,
    seeds: Sequence[int],
    folder: Path,
    *,
    facts: Mapping[str, Any],
    progress: Progress,
    log: Callable[[MemberState], None],
    preempted: Callable[[], bool],
    checkpoint_seconds: float,
) -> Trained:
    """Train `seeds` to their end, or as far as preemption lets them, saving checkpoints in `folder`.

    `facts` (plain JSON) are stored with each checkpoint, and `log` gets the state so far. Raises UserError when the
    checkpoints in `folder` are of other data, and when one cannot be written.
    """
    state, spent = _resumed(training, plan, optimizer, seeds, folder) or (
        _before_the_first_step(training, plan, optimizer, seeds),
        loop.NOTHING_SPENT,
    )
    first = int(state.step)
    advance = _advance(training, plan, optimizer)
    facts = {"data": training.identity, **facts}

    def save(state: TrainState, spent: loop.Seconds) -> None:
        if int(state.step) > first or not first:  # what was resumed from is never written again
            checkpoints.save(folder, int(state.step), state, facts | {"clock": spent})
        log(jax.device_get(state.each))

    with (
        progress(first, plan.total_steps, plan.steps_per_epoch) as show,
        _batches(training, plan, seeds, first) as source,
    ):
        state, spent = loop.run_steps(
            state, source, advance, plan,
            progress=lambda readout: show(int(readout["step"]), _running(readout, training.metrics)),
            save=save, preempted=preempted, spent=spent, checkpoint_seconds=checkpoint_seconds,
        )  # fmt: skip
    return _trained(training, plan, seeds, state, spent)


def load(
    training: Trainable,
    plan: TrainingPlan,
    optimizer: optax.GradientTransformation,
    seeds: Sequence[int],
    folder: Path,
) -> Trained | None:
    """What `fit` left in the checkpoints of `folder`; None when there is no sound one with a step trained.

    A plan of no steps needs none.
    """
    found = _resumed(training, plan, optimizer, seeds, folder)
    if found is None or (plan.total_steps and not int(found[0].step)):
        return None
    return _trained(training, plan, seeds, *found)


def _resumed(
    training: Trainable,
    plan: TrainingPlan,
    optimizer: optax.GradientTransformation,
    seeds: Sequence[int],
    folder: Path,
) -> tuple[TrainState, loop.Seconds] | None:
    """The newest sound state in `folder`; None without one."""
    found = checkpoints.newest(folder, warn)
    if found is None:
        return None
    leaves, facts = found
    if facts["data"] != training.identity:
        raise UserError(
            f"the data or weights differ from what {folder.parent.parent} was trained on; name those again, or train "
            "anew with another --run-dir"
        )
    state = _before_the_first_step(training, plan, optimizer, seeds)
    return jax.device_put(checkpoints.fitted(leaves, state, folder)), facts["clock"]


def _before_the_first_step(
    training: Trainable, plan: TrainingPlan, optimizer: optax.GradientTransformation, seeds: Sequence[int]
) -> TrainState:
    mask = functools.partial(trained_mask, frozen=training.frozen)
    return program.start(np.array(seeds, np.int32), training.initialize, optimizer, plan, mask)


def _advance(training: Trainable, plan: TrainingPlan, optimizer: optax.GradientTransformation) -> Callable:
    """`advance(state, train, stop)` with all else filled in."""
    compiled = program.build_advance(
        plan,
        apply=training.apply,
        loss_fn=training.loss_fn,
        optimizer=optimizer,
        order=training.order,
        augment=training.augment,
    )
    validation = training.data("validation") if training.sizes["validation"] else None
    return lambda state, train, stop: compiled(state, train, validation, stop, training.row_weights or {})


def _batches(
    training: Trainable, plan: TrainingPlan, seeds: Sequence[int], first: int
) -> AbstractContextManager[loop.BatchSource]:
    if training.stream is not None:
        (seed,) = seeds  # streamed, each seed has an order of its own
        return training.stream(training.order, seed, first, plan.total_steps)
    return loop.resident(training.data("train"), plan)


def _running(readout: program.Readout, metrics: tuple[str, ...]) -> dict[str, float]:
    """Means of the running epoch over examples and members; nothing at an epoch's very end."""
    count = float(np.sum(readout["sums"]["count"]))
    return {name: float(np.sum(readout["sums"][name])) / count for name in metrics} if count else {}


def _trained(
    training: Trainable, plan: TrainingPlan, seeds: Sequence[int], state: TrainState, spent: loop.Seconds
) -> Trained:
    """What a training came to; a warning says where seeds diverged."""
    each = jax.device_get(state.each)
    diverged = {
        seed: locate_divergence(
            take_member(each, index),
            seed,
            functools.partial(_draw, training, plan, seed, index),
            plan,
            apply=training.apply,
            loss_fn=training.loss_fn,
        )
        for index, seed in enumerate(seeds)
        if each.diverged[index] != NEVER
    }
    for seed, (step, epoch, leaf) in diverged.items():
        where = f"step {step} (epoch {epoch})"
        warn(f"seed {seed} diverged at {where}: {leaf} ceased to be finite; lower the learning rate")
    return Trained(list(seeds), each, loop.status_of(state, plan), spent, int(state.step), diverged)


def _draw(training: Trainable, plan: TrainingPlan, seed: int, member: int, step: jax.Array) -> Any:
    """The batch of `step` again, as the program drew it for the member at `member`."""
    epoch, slot = step // plan.steps_per_epoch, step % plan.steps_per_epoch
    index = training.order(jnp.int32(seed), jnp.asarray(epoch))[slot]
    batch = program.draw(training.data("train"), index, jnp.int32(seed), step, plan, training.augment)
    own = (training.row_weights or {}).get("train")
    return weighted(batch, index, None if own is None else own[member])
