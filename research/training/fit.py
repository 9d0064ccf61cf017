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
from research.training import checkpoints, loop, program
from research.training.divergence import Divergence, locate_divergence
from research.training.plan import BatchSource, TrainingPlan
from research.training.state import NEVER, TrainState, members_of, of_earlier_versions
from research.training.step import weighted

# (first step, total steps, steps per epoch) -> a progress bar, to be called with the step and the running metrics
Progress = Callable[[int, int, int], AbstractContextManager[Callable[[int, dict[str, float]], None]]]


def fit(
    plan: TrainingPlan,
    seeds: Sequence[int],
    folder: Path,
    *,
    facts: Mapping[str, Any],
    progress: Progress,
    log: Callable[[TrainState], None],
    preempted: Callable[[], bool],
    checkpoint_seconds: float,
) -> tuple[TrainState, loop.Seconds]:
    """Train `seeds` to their end or until preemption, and save checkpoints in `folder`.

    Returns their state, on the host, and the seconds spent over all resumes. `facts` (plain JSON) are stored with each
    checkpoint, and `log` gets the state so far. Raises UserError when the checkpoints in `folder` are of other data,
    and when one cannot be written.
    """
    state, spent = _resumed(plan, seeds, folder) or (program.start(seeds, plan), loop.NOTHING_SPENT)
    first = int(state.step[0])
    facts = {"data": plan.identity, **facts}

    def save(state: TrainState, spent: loop.Seconds) -> None:
        step = int(state.step[0])
        if step > first or not first:  # the checkpoint that was resumed from is not written again
            checkpoints.save(folder, step, state, facts | {"clock": spent})
        log(jax.device_get(state))

    with (
        progress(first, plan.total_steps, plan.steps_per_epoch) as show,
        _batches(plan, seeds, first) as source,
    ):
        state, spent = loop.run_steps(
            state, source, _advance(plan), plan.total_steps,
            progress=lambda readout: show(int(readout["step"]), _running(readout, plan.metrics)),
            save=save, preempted=preempted, spent=spent, checkpoint_seconds=checkpoint_seconds,
        )  # fmt: skip
    return jax.device_get(state), spent


def load(plan: TrainingPlan, seeds: Sequence[int], folder: Path) -> tuple[TrainState, loop.Seconds] | None:
    """The result of `fit`, read from the checkpoints in `folder`; None without a sound one of a trained step.

    A plan without steps needs no checkpoint.
    """
    found = _resumed(plan, seeds, folder)
    if found is None or (plan.total_steps and not int(found[0].step[0])):
        return None
    return jax.device_get(found[0]), found[1]


def divergences(plan: TrainingPlan, state: TrainState) -> dict[int, Divergence]:
    """Where seeds diverged, by seed; warns of each."""
    found = {
        int(member.seed): locate_divergence(member, functools.partial(_draw, plan, int(member.seed), index), plan)
        for index, member in enumerate(members_of(state))
        if member.diverged != NEVER
    }
    for seed, (step, epoch, leaf) in found.items():
        where = f"step {step} (epoch {epoch})"
        warn(f"seed {seed} diverged at {where}: {leaf} ceased to be finite; lower the learning rate")
    return found


def _resumed(plan: TrainingPlan, seeds: Sequence[int], folder: Path) -> tuple[TrainState, loop.Seconds] | None:
    """The newest sound state in `folder`; None without one."""
    found = checkpoints.newest(folder, warn)
    if found is None:
        return None
    leaves, facts = found
    if facts["data"] != plan.identity:
        raise UserError(
            f"the data or weights differ from what {folder.parent.parent} was trained on; name those again, or train "
            "anew with another --run-dir"
        )
    state = checkpoints.fitted(of_earlier_versions(leaves), program.start(seeds, plan), folder)
    return jax.device_put(state), facts["clock"]


def _advance(plan: TrainingPlan) -> Callable:
    """`advance(state, train, stop)`, with all other arguments bound."""
    compiled = program.build_advance(plan)
    validation = plan.data_set("validation") if plan.examples["validation"] else None
    return lambda state, train, stop: compiled(state, train, validation, stop, plan.row_weights or {})


def _batches(plan: TrainingPlan, seeds: Sequence[int], first: int) -> AbstractContextManager[BatchSource]:
    if plan.stream is not None:
        (seed,) = seeds  # each streamed seed has its own order
        return plan.stream(plan.order, seed, first, plan.total_steps)
    return loop.resident(plan.data_set("train"), plan.total_steps)


def _running(readout: program.Readout, metrics: tuple[str, ...]) -> dict[str, float]:
    """Means of the running epoch over examples and members; empty at the end of an epoch."""
    count = float(np.sum(readout["sums"]["count"]))
    return {name: float(np.sum(readout["sums"][name])) / count for name in metrics} if count else {}


def _draw(plan: TrainingPlan, seed: int, member: int, step: jax.Array) -> Batch:
    """The batch of `step` again, as the program drew it for the member at index `member`."""
    epoch, slot = step // plan.steps_per_epoch, step % plan.steps_per_epoch
    index = plan.order(jnp.int32(seed), jnp.asarray(epoch))[slot]
    batch = program.draw(plan.data_set("train"), index, jnp.int32(seed), step, plan)
    own = (plan.row_weights or {}).get("train")
    return weighted(batch, index, None if own is None else own[member])
