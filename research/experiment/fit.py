"""Training the seeds of an experiment, group by group, each resumed from its newest sound checkpoint."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import jax
import numpy as np
import optax

from research import runtime
from research.config import Experiment, identity, to_json
from research.errors import UserError, warn
from research.experiment.divergence import Divergence, diverged_at
from research.experiment.histories import Row, history_rows
from research.experiment.supply import supplied
from research.experiment.trainable import Trainable, shapes
from research.report.progress import training_progress
from research.run_directory import checkpoint_folder, checkpointed_groups, refuse_edited
from research.training import checkpoints, loop, program
from research.training.freezing import trained_mask
from research.training.optimizer import build_optimizer
from research.training.state import NEVER, SeedState, TrainState, take_seed
from research.trees import count

Tree = Any
COPIES = 5  # of the parameters, float32: themselves, their gradient and update, Adam's two moments


class Trained(NamedTuple):
    """The trainings of a group of seeds: states with a leading seed axis, on the host."""

    seeds: list[int]
    each: SeedState
    status: str
    clock: loop.Clock
    steps: int
    diverged: dict[int, Divergence]  # of the seeds that did


def groups(config: Experiment, training: Trainable) -> list[list[int]]:
    """The seeds, in groups that train side by side in one program.

    On accelerators they all do, where memory holds the examples; streamed, each seed has an order of its own.
    """
    seeds = list(range(config.seed, config.seed + config.seeds))
    pays = training.side_by_side or jax.default_backend() != "cpu"
    size = 1 if training.streamed else config.train.seeds_at_once or (len(seeds) if pays else 1)
    return [seeds[start : start + size] for start in range(0, len(seeds), size)]


def plan_of(config: Experiment, training: Trainable) -> program.Plan:
    """The training plan; UserError when early stopping has nothing to watch, or the net is too large for training."""
    train = config.train
    _refuse_too_large(config, training)
    if train.patience is not None and not training.sizes["validation"]:
        raise UserError("train.patience needs validation data: set --data.validation above 0, or drop the patience")
    if train.monitor not in training.metrics:
        raise UserError(f"train.monitor {train.monitor} is not measured here; there are {', '.join(training.metrics)}")
    return program.Plan(
        examples=training.sizes["train"],
        batch_size=min(train.batch_size, training.sizes["train"]),
        epochs=train.epochs,
        l2=train.l2,
        patience=train.patience,
        monitor=train.monitor,
        metrics=training.metrics,
        evaluated_at_once=training.evaluated_at_once,
        views=training.views,
    )


def _refuse_too_large(config: Experiment, training: Trainable) -> None:
    """Before anything is allocated or written: out of memory, the process ends in the middle of its work."""
    numbers = count(shapes(training.initialize))
    needed, memory = 4 * COPIES * numbers * len(groups(config, training)[0]), runtime.memory_bytes()
    if memory and needed > memory:
        raise UserError(
            f"the net has {numbers:,} parameters; to train it takes about {needed / 1e9:,.0f} GB of memory, "
            f"and there are {memory / 1e9:,.0f} GB: make it smaller, or train fewer --train.seeds-at-once"
        )


def fit_group(
    config: Experiment,
    training: Trainable,
    seeds: list[int],
    place: Path,
    preempted: Callable[[], bool],
    log: Callable[[list[Row]], None],
) -> Trained:
    """Train `seeds` to their end, or as far as preemption lets them, saving checkpoints under `place`.

    With each checkpoint, `log` gets the history so far.
    """
    state, optimizer, plan = _start(config, training, seeds)
    advance = program.build_advance(
        plan, apply=training.apply, objective=training.objective, optimizer=optimizer, augment=training.augment
    )
    folder = checkpoint_folder(place, seeds)
    state, clock = _resume(folder, state, training.identity) or (state, loop.Clock())
    first = int(state.step)
    facts = {"data": training.identity, "config": to_json(identity(config))}

    def save(state: TrainState, clock: loop.Clock) -> None:
        if int(state.step) > first or not first:  # what was resumed from is never written again
            checkpoints.save(folder, int(state.step), state, facts | {"clock": clock._asdict()})
        log(history_rows(seeds, jax.device_get(state.each)))

    title = f"seed {seeds[0]}" if len(seeds) == 1 else f"seeds {seeds[0]}-{seeds[-1]}"
    with (
        training_progress(title, first, plan.total_steps, plan.steps_per_epoch) as show,
        supplied(training, plan, seeds, first) as supply,
    ):
        watchers = loop.Watchers(
            lambda readout: show(int(readout.step), _running(readout, training.metrics)), save, preempted
        )
        validation = training.examples("validation") if training.sizes["validation"] else None
        outcome = loop.train(
            state, supply, validation, advance, plan, watchers,
            clock=clock, checkpoint_seconds=config.train.checkpoint_seconds,
        )  # fmt: skip
    return _trained(training, plan, seeds, outcome)


def load_group(config: Experiment, training: Trainable, seeds: list[int], place: Path) -> Trained:
    """What `fit_group` left in the checkpoints of `place`; UserError when there is nothing sound."""
    state, _, plan = _start(config, training, seeds)
    found = _resume(checkpoint_folder(place, seeds), state, training.identity)
    if found is None or (plan.total_steps and not int(found[0].step)):
        raise _untrained(place, seeds[0])
    state, clock = found
    return _trained(training, plan, seeds, loop.Outcome(state, loop.status(state, plan), clock))


def refuse_edited_config(config: Experiment, place: Path) -> None:
    """UserError where `config` is not what the checkpoints of `place` were trained with; no array is read."""
    for seeds in checkpointed_groups(place):
        refuse_edited(place, checkpoints.newest_facts(checkpoint_folder(place, seeds)).get("config"), config)


def load_parameters(config: Experiment, like: Tree, seed: int, place: Path) -> Tree:
    """The chosen parameters of `seed` in the structure of `like`, from the checkpoints alone, without the data."""
    seeds = next((group for group in checkpointed_groups(place) if seed in group), None)
    if seeds is None:
        raise UserError(f"{place} has no checkpoint of seed {seed}; its seeds count up from {config.seed}")
    folder = checkpoint_folder(place, seeds)
    found = checkpoints.newest(folder, warn)
    if found is None or (config.train.epochs and not int(found[0]["step"])):
        raise _untrained(place, seed)
    each = {name: leaf for name, leaf in found[0].items() if name.startswith("each/")}
    leaves = {name.removeprefix("each/"): leaf[seeds.index(seed)] for name, leaf in each.items()}
    if leaves["diverged"] >= 0:
        warn(f"seed {seed} diverged in training: these are the parameters before step {leaves['diverged'] + 1}")
    trained = "best/params/" if leaves["best/epoch"] > 0 and config.train.patience is not None else "params/"
    chosen = {
        name.removeprefix(prefix): leaf
        for prefix in (trained, "frozen/")
        for name, leaf in leaves.items()
        if name.startswith(prefix)
    }
    return checkpoints.fitted(chosen, like, folder)


def _untrained(place: Path, seed: int) -> UserError:
    return UserError(f"{place} has no sound checkpoint of seed {seed} with a step trained; run scripts/train.py again")


def _start(
    config: Experiment, training: Trainable, seeds: list[int]
) -> tuple[TrainState, optax.GradientTransformation, program.Plan]:
    plan = plan_of(config, training)
    optimizer = build_optimizer(config.optimizer, total_steps=plan.total_steps, steps_per_epoch=plan.steps_per_epoch)
    mask = functools.partial(trained_mask, frozen=training.frozen)
    return program.start(np.array(seeds, np.int32), training.initialize, optimizer, plan, mask), optimizer, plan


def _resume(folder: Path, state: TrainState, fingerprint: str) -> tuple[TrainState, loop.Clock] | None:
    found = checkpoints.newest(folder, warn)
    if found is None:
        return None
    leaves, facts = found
    if facts["data"] != fingerprint:
        raise UserError(
            f"the data or weights differ from what {folder.parent.parent} was trained on; name those again, or train "
            "anew with another --run-dir"
        )
    return jax.device_put(checkpoints.fitted(leaves, state, folder)), loop.Clock(**facts["clock"])


def _running(readout: program.Readout, metrics: tuple[str, ...]) -> dict[str, float]:
    """Means of the running epoch over examples and seeds; nothing at an epoch's very end."""
    count = float(np.sum(readout.sums["count"]))
    return {name: float(np.sum(readout.sums[name])) / count for name in metrics} if count else {}


def _trained(training: Trainable, plan: program.Plan, seeds: list[int], outcome: loop.Outcome) -> Trained:
    """What a training came to; of seeds that diverged, a warning tells where."""
    each = jax.device_get(outcome.state.each)
    diverged = {
        seed: diverged_at(take_seed(each, place), seed, training, plan)
        for place, seed in enumerate(seeds)
        if each.diverged[place] != NEVER
    }
    for seed, (step, epoch, leaf) in diverged.items():
        where = f"step {step} (epoch {epoch})"
        warn(f"seed {seed} diverged at {where}: {leaf} ceased to be finite; lower the learning rate")
    return Trained(seeds, each, outcome.status, outcome.clock, int(outcome.state.step), diverged)
