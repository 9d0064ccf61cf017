"""Training some members of an experiment side by side, each resumed from its newest sound checkpoint."""

import functools
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from research.batches import Batch
from research.errors import UserError, warn
from research.run_directory import ANOTHER
from research.seals import array_digest
from research.training import checkpoints, loop, program
from research.training.divergence import Divergence, locate_divergence
from research.training.feature_cache import key_of
from research.training.plan import BatchSource, RowWeights, TrainingPlan
from research.training.state import NEVER, TrainState, members_of, of_earlier_versions
from research.training.step import weighted

# (first step, total steps, steps per epoch) -> a progress bar, to be called with the step and the running metrics
Progress = Callable[[int, int, int], AbstractContextManager[Callable[[int, dict[str, float]], None]]]


def fit(
    plan: TrainingPlan,
    members: Sequence[int],
    folder: Path,
    *,
    facts: Mapping[str, Any],
    progress: Progress,
    log: Callable[[TrainState], None],
    preempted: Callable[[], bool],
    checkpoint_seconds: float,
) -> tuple[TrainState, loop.Seconds]:
    """Train `members` to their end, or as far as preemption lets them, saving checkpoints in `folder`.

    Returns their state, on the host, and the seconds spent over all resumes. `facts` (plain JSON) are stored with each
    checkpoint, and `log` gets the state so far. Raises UserError when the checkpoints in `folder` are of other data or
    row weights, and when one cannot be written.
    """
    state, spent = _resumed(plan, members, folder) or (program.start(members, plan), loop.NOTHING_SPENT)
    first = int(state.step[0])
    facts = {"data": plan.identity, "row_weights": _digest(plan.row_weights), **facts}

    def save(state: TrainState, spent: loop.Seconds) -> None:
        step = int(state.step[0])
        if step > first or not first:  # the checkpoint that was resumed from is not written again
            checkpoints.save(folder, step, state, facts | {"clock": spent})
        log(jax.device_get(state))

    with (
        progress(first, plan.total_steps, plan.steps_per_epoch) as show,
        _batches(plan, members, first) as source,
    ):
        state, spent = loop.run_steps(
            state, source, _advance(plan), plan.total_steps,
            progress=lambda readout: show(int(readout["step"]), _running(readout, plan.metrics)),
            save=save, preempted=preempted, spent=spent, checkpoint_seconds=checkpoint_seconds,
        )  # fmt: skip
    return jax.device_get(state), spent


def load(plan: TrainingPlan, members: Sequence[int], folder: Path) -> tuple[TrainState, loop.Seconds] | None:
    """What `fit` left in the checkpoints of `folder`; None when there is no sound one with a step trained.

    A plan without steps needs no checkpoint.
    """
    found = _resumed(plan, members, folder)
    if found is None or (plan.total_steps and not int(found[0].step[0])):
        return None
    return jax.device_get(found[0]), found[1]


def divergences(plan: TrainingPlan, state: TrainState) -> dict[int, Divergence]:
    """Where members diverged, by member; a warning says it of each."""
    found = {
        plan.member_number(member): locate_divergence(member, functools.partial(_draw, plan, member), plan)
        for member in members_of(state)
        if member.diverged != NEVER
    }
    for member, (step, epoch, leaf) in found.items():
        where = f"step {step} (epoch {epoch})"
        warn(f"{plan.member_name(member)} diverged at {where}: {leaf} ceased to be finite; lower the learning rate")
    return found


def _resumed(plan: TrainingPlan, members: Sequence[int], folder: Path) -> tuple[TrainState, loop.Seconds] | None:
    """The newest sound state in `folder`; None without one."""
    found = checkpoints.newest(folder, warn)
    if found is None:
        return None
    leaves, facts = found
    if facts["data"] != plan.identity:
        raise UserError(
            f"the data or weights differ from what {folder.parent.parent} was trained on; name those again, or "
            f"train anew in {ANOTHER}"
        )
    if facts.get("row_weights") != _digest(plan.row_weights):
        raise UserError(
            f"the rows are weighed otherwise than {folder.parent.parent} was trained on (other folds or samples); "
            f"train anew in {ANOTHER}"
        )
    state = checkpoints.fitted(of_earlier_versions(leaves), program.start(members, plan), folder)
    return jax.device_put(state), facts["clock"]


def _digest(row_weights: RowWeights | None) -> str | None:
    """One digest of how all folds weigh the rows; None without row weights, and in checkpoints of earlier versions."""
    if not row_weights:
        return None
    return key_of(*(f"{split} {array_digest(np.asarray(row_weights[split]))}" for split in sorted(row_weights)))


def _advance(plan: TrainingPlan) -> Callable:
    """`advance(state, train, stop)`, with all other arguments bound."""
    compiled = program.build_advance(plan)
    validation = plan.data_set("validation") if plan.examples["validation"] else None
    return lambda state, train, stop: compiled(state, train, validation, stop, plan.row_weights or {})


def _batches(plan: TrainingPlan, members: Sequence[int], first: int) -> AbstractContextManager[BatchSource]:
    if plan.stream is not None:
        (member,) = members  # streamed, each has an order of its own
        return plan.stream(plan.order, *divmod(member, plan.folds), first, plan.total_steps)
    return loop.resident(plan.data_set("train"), plan.total_steps)


def _running(readout: program.Readout, metrics: tuple[str, ...]) -> dict[str, float]:
    """Means of the running epoch over examples and members; empty at the end of an epoch."""
    count = float(np.sum(readout["sums"]["count"]))
    return {name: float(np.sum(readout["sums"][name])) / count for name in metrics} if count else {}


def _draw(plan: TrainingPlan, member: TrainState, step: jax.Array) -> Batch:
    """The batch of `step` again, as the program drew it for `member`."""
    epoch, slot = step // plan.steps_per_epoch, step % plan.steps_per_epoch
    seed = jnp.asarray(member.seed)
    index = plan.order(seed, jnp.asarray(member.fold), jnp.asarray(epoch))[slot]
    batch = program.draw(plan.data_set("train"), index, seed, step, plan)
    row_weights = (plan.row_weights or {}).get("train")
    return weighted(batch, index, None if row_weights is None else row_weights[int(member.fold)])
