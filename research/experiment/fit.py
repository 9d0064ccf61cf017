"""Training the seeds of an experiment, group by group, each resumed from its newest sound checkpoint."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from research.config import DenseNet, Experiment
from research.errors import UserError, warn
from research.experiment.build import Parts, at_once, initializer, on_device
from research.experiment.supply import streams, supplied
from research.report.progress import training_progress
from research.run_directory import checkpoint_folder, checkpointed_groups
from research.training import checkpoints, loop, program
from research.training.diagnosis import first_not_finite
from research.training.freezing import trained_mask
from research.training.objectives import classification
from research.training.optimizer import build_optimizer
from research.training.state import Batch, Examples, SeedState, TrainState, take_seed

Tree = Any
Row = dict[str, Any]  # a line of metrics.jsonl
METRICS = ("loss", "accuracy")


class Trained(NamedTuple):
    """The trainings of a group of seeds: states with a leading seed axis, on the host."""

    seeds: list[int]
    each: SeedState
    status: str
    clock: loop.Clock
    steps: int


def groups(config: Experiment, parts: Parts) -> list[list[int]]:
    """The seeds, in groups that train side by side in one program.

    Measured on 2 CPU cores: dense nets gain 2x and more by it, convolutions nothing; accelerators gain with both.
    Where pictures are streamed each seed goes alone, for each has an order of its own.
    """
    seeds = list(range(config.seed, config.seed + config.seeds))
    pays = isinstance(config.model, DenseNet) or jax.default_backend() != "cpu"
    size = 1 if streams(config, parts) else config.train.seeds_at_once or (len(seeds) if pays else 1)
    return [seeds[start : start + size] for start in range(0, len(seeds), size)]


def plan_of(config: Experiment, parts: Parts) -> program.Plan:
    """The training plan; UserError when early stopping has nothing to watch."""
    train = config.train
    if train.patience is not None and not len(parts.data.validation.labels):
        raise UserError("train.patience needs validation pictures: set --data.validation above 0, or drop the patience")
    return program.Plan(
        examples=len(parts.data.train.labels),
        batch_size=min(train.batch_size, len(parts.data.train.labels)),
        epochs=train.epochs,
        l2=train.l2,
        patience=train.patience,
        monitor=train.monitor,
        metrics=METRICS,
        evaluated_at_once=at_once(parts.inputs["validation"]),
        views=config.augment.views if parts.views is not None else 1,
    )


def fit_group(
    config: Experiment,
    parts: Parts,
    seeds: list[int],
    place: Path,
    preempted: Callable[[], bool],
    log: Callable[[list[Row]], None],
) -> Trained:
    """Train `seeds` to their end, or as far as preemption lets them, saving checkpoints under `place`.

    With each checkpoint, `log` gets the history so far.
    """
    state, optimizer, plan = _start(config, parts, seeds)
    advance = program.build_advance(
        plan, apply=parts.apply, objective=classification, optimizer=optimizer, augment=parts.augment
    )
    folder = checkpoint_folder(place, seeds)
    state, clock = _resume(folder, state, parts.identity)
    first = int(state.step)

    def save(state: TrainState, clock: loop.Clock) -> None:
        if int(state.step) > first or not first:  # what was resumed from is never written again
            checkpoints.save(folder, int(state.step), state, {"data": parts.identity, "clock": clock._asdict()})
        log(history_rows(seeds, jax.device_get(state.each)))

    title = f"seed {seeds[0]}" if len(seeds) == 1 else f"seeds {seeds[0]}-{seeds[-1]}"
    with (
        training_progress(title, first, plan.total_steps, plan.steps_per_epoch) as show,
        supplied(config, parts, plan, seeds, first) as supply,
    ):
        watchers = loop.Watchers(lambda readout: show(int(readout.step), _running(readout)), save, preempted)
        validation = on_device(parts, "validation") if len(parts.data.validation.labels) else None
        outcome = loop.train(
            state, supply, validation, advance, plan, watchers,
            clock=clock, checkpoint_seconds=config.train.checkpoint_seconds,
        )  # fmt: skip
    trained = Trained(seeds, jax.device_get(outcome.state.each), outcome.status, outcome.clock, int(outcome.state.step))
    if trained.status == "diverged":
        _explain(trained, config, parts, plan)
    return trained


def load_group(config: Experiment, parts: Parts, seeds: list[int], place: Path) -> Trained:
    """What `fit_group` left in the checkpoints of `place`; UserError when there is nothing sound."""
    state, _, _ = _start(config, parts, seeds)
    state, clock = _resume(checkpoint_folder(place, seeds), state, parts.identity)
    if not int(state.step):
        raise UserError(f"{place} has no sound checkpoint of seed {seeds[0]}; train it with scripts/train.py")
    return Trained(
        seeds, jax.device_get(state.each), loop.status(state, plan_of(config, parts)), clock, int(state.step)
    )


def load_parameters(config: Experiment, like: Tree, seed: int, place: Path) -> Tree:
    """The chosen parameters of `seed` in the structure of `like`, from the checkpoints alone, without the data."""
    seeds = next((group for group in checkpointed_groups(place) if seed in group), None)
    if seeds is None:
        raise UserError(f"{place} has no checkpoint of seed {seed}; its seeds count up from {config.seed}")
    folder = checkpoint_folder(place, seeds)
    found = checkpoints.newest(folder, warn)
    if found is None:
        raise UserError(f"{place} has no sound checkpoint of seed {seed}; train it with scripts/train.py")
    each = {name: leaf for name, leaf in found[0].items() if name.startswith("each/")}
    leaves = {name.removeprefix("each/"): leaf[seeds.index(seed)] for name, leaf in each.items()}
    trained = "best/params/" if leaves["best/epoch"] > 0 and config.train.patience is not None else "params/"
    chosen = {
        name.removeprefix(prefix): leaf
        for prefix in (trained, "frozen/")
        for name, leaf in leaves.items()
        if name.startswith(prefix)
    }
    return checkpoints.fitted(chosen, like, folder)


def history_rows(seeds: list[int], each: SeedState) -> list[Row]:
    """The lines of metrics.jsonl: one per seed and epoch, {"seed", "epoch", "train": {...}, "validation": {...}}."""
    rows = []
    for place, seed in enumerate(seeds):
        history = take_seed(each.history, place)
        for epoch in range(len(history["train/loss"])):
            values = {name: float(column[epoch]) for name, column in history.items() if np.isfinite(column[epoch])}
            if values:
                splits = {split: _under(values, split) for split in ("train", "validation")}
                rows.append({"seed": seed, "epoch": epoch + 1} | {split: v for split, v in splits.items() if v})
    return rows


def _start(
    config: Experiment, parts: Parts, seeds: list[int]
) -> tuple[TrainState, optax.GradientTransformation, program.Plan]:
    plan = plan_of(config, parts)
    optimizer = build_optimizer(config.optimizer, total_steps=plan.total_steps, steps_per_epoch=plan.steps_per_epoch)
    mask = functools.partial(trained_mask, frozen=parts.frozen)
    return program.start(jnp.array(seeds, jnp.int32), initializer(parts), optimizer, plan, mask), optimizer, plan


def _resume(folder: Path, state: TrainState, fingerprint: str) -> tuple[TrainState, loop.Clock]:
    found = checkpoints.newest(folder, warn)
    if found is None:
        return state, loop.Clock()
    leaves, facts = found
    if facts["data"] != fingerprint:
        raise UserError(
            f"the data or weights differ from what {folder.parent.parent} was trained on; choose another --run-dir"
        )
    return jax.tree.map(jnp.asarray, checkpoints.fitted(leaves, state, folder)), loop.Clock(**facts["clock"])


def _draw(train: Examples, seed: int, plan: program.Plan, augment: program.Augment | None, step: jax.Array) -> Batch:
    """The batch of `step`, once more."""
    epoch, slot = step // plan.steps_per_epoch, step % plan.steps_per_epoch
    rows = program.batch_index(jnp.int32(seed), epoch, plan)[slot]
    return program.draw(train, rows, jnp.int32(seed), step, plan, augment)


def _running(readout: program.Readout) -> dict[str, float]:
    """Means of the running epoch over examples and seeds; nothing at an epoch's very end."""
    count = float(np.sum(readout.sums["count"]))
    return {name: float(np.sum(readout.sums[name])) / count for name in METRICS} if count else {}


def _under(values: dict[str, float], split: str) -> dict[str, float]:
    return {name.removeprefix(f"{split}/"): value for name, value in values.items() if name.startswith(f"{split}/")}


def _explain(trained: Trained, config: Experiment, parts: Parts, plan: program.Plan) -> None:
    for place, seed in enumerate(trained.seeds):
        each = take_seed(trained.each, place)
        step = int(each.diverged)
        if step >= 0:
            draw = functools.partial(_draw, on_device(parts, "train"), seed, plan, parts.augment)
            leaf = first_not_finite(each, seed, draw, plan, parts.apply, classification)
            epoch = step // plan.steps_per_epoch + 1
            where = f"step {step + 1} (epoch {epoch})"
            warn(f"seed {seed} diverged at {where}: {leaf} is not finite; lower the learning rate")
