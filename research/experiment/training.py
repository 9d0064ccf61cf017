"""From a configuration to the trainings of its seeds: groups, plan, optimizer, checkpoints under the run directory."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import optax

from research import runtime
from research.config import Experiment, identity, to_json
from research.errors import UserError, warn
from research.experiment.histories import Row, history_rows
from research.models.initialization import variable_shapes
from research.report.progress import training_progress
from research.run_directory import checkpoint_folder, checkpointed_groups, refuse_edited
from research.training import checkpoints, fit
from research.training.fit import Trainable, Trained
from research.training.optimizer import build_optimizer
from research.training.program import TrainingPlan
from research.training.state import chosen_leaves
from research.trees import count

Tree = Any
COPIES = 5  # of the parameters, float32: themselves, their gradient and update, Adam's two moments


def seed_groups(config: Experiment, training: Trainable) -> list[list[int]]:
    """The seeds, in groups that train side by side in one program.

    On accelerators they all do, where memory holds the examples; streamed, each seed has an order of its own.
    """
    seeds = list(range(config.seed, config.seed + config.seeds))
    pays = training.vmap_seeds or jax.default_backend() != "cpu"
    size = 1 if training.stream else config.train.seeds_at_once or (len(seeds) if pays else 1)
    return [seeds[start : start + size] for start in range(0, len(seeds), size)]


def plan_of(config: Experiment, training: Trainable) -> TrainingPlan:
    """The training plan; UserError when early stopping has nothing to watch, or the net is too large for training."""
    train = config.train
    _refuse_too_large(config, training)
    if train.patience is not None and not training.sizes["validation"]:
        raise UserError("train.patience needs validation data: set --data.validation above 0, or drop the patience")
    if train.monitor not in training.metrics:
        raise UserError(f"train.monitor {train.monitor} is not measured here; there are {', '.join(training.metrics)}")
    return TrainingPlan(
        steps_per_epoch=_steps_per_epoch(training),
        epochs=train.epochs,
        l2=train.l2,
        patience=train.patience,
        monitor=train.monitor,
        metrics=training.metrics,
        evaluation_batch=training.evaluation_batch,
    )


def fit_group(
    config: Experiment,
    training: Trainable,
    seeds: list[int],
    run_dir: Path,
    preempted: Callable[[], bool],
    log: Callable[[list[Row]], None],
) -> Trained:
    """Train `seeds` to their end, or as far as preemption lets them; with each checkpoint, `log` gets the history."""
    plan = plan_of(config, training)
    title = f"seed {seeds[0]}" if len(seeds) == 1 else f"seeds {seeds[0]}-{seeds[-1]}"
    return fit.fit(
        training,
        plan,
        _optimizer(config, plan),
        seeds,
        checkpoint_folder(run_dir, seeds),
        facts={"config": to_json(identity(config))},
        progress=lambda first, total, per_epoch: training_progress(title, first, total, per_epoch),
        log=lambda each: log(history_rows(seeds, each)),
        preempted=preempted,
        checkpoint_seconds=config.train.checkpoint_seconds,
    )


def load_group(config: Experiment, training: Trainable, seeds: list[int], run_dir: Path) -> Trained:
    """What `fit_group` left in the checkpoints of `run_dir`; UserError when there is nothing sound."""
    plan = plan_of(config, training)
    found = fit.load(training, plan, _optimizer(config, plan), seeds, checkpoint_folder(run_dir, seeds))
    if found is None:
        raise _untrained(run_dir, seeds[0])
    return found


def refuse_edited_config(config: Experiment, run_dir: Path) -> None:
    """UserError where `config` is not what the checkpoints of `run_dir` were trained with; no array is read."""
    for seeds in checkpointed_groups(run_dir):
        refuse_edited(run_dir, checkpoints.newest_facts(checkpoint_folder(run_dir, seeds)).get("config"), config)


def load_variables(config: Experiment, like: Tree, seed: int, run_dir: Path) -> Tree:
    """The variables that `seed` ended on, in the structure of `like`: from the checkpoints alone, without the data."""
    seeds = next((group for group in checkpointed_groups(run_dir) if seed in group), None)
    if seeds is None:
        raise UserError(f"{run_dir} has no checkpoint of seed {seed}; its seeds count up from {config.seed}")
    folder = checkpoint_folder(run_dir, seeds)
    found = checkpoints.newest(folder, warn)
    if found is None or (config.train.epochs and not int(found[0]["step"])):
        raise _untrained(run_dir, seed)
    index = seeds.index(seed)
    member = {name.removeprefix("each/"): leaf[index] for name, leaf in found[0].items() if name.startswith("each/")}
    if member["diverged"] >= 0:
        warn(f"seed {seed} diverged in training: these are the parameters before step {member['diverged'] + 1}")
    return checkpoints.fitted(chosen_leaves(member), like, folder)


def _optimizer(config: Experiment, plan: TrainingPlan) -> optax.GradientTransformation:
    return build_optimizer(config.optimizer, total_steps=plan.total_steps, steps_per_epoch=plan.steps_per_epoch)


def _steps_per_epoch(training: Trainable) -> int:
    scalar = jax.ShapeDtypeStruct((), "int32")
    return jax.eval_shape(training.order, scalar, scalar).shape[0]


def _refuse_too_large(config: Experiment, training: Trainable) -> None:
    """Before anything is allocated or written: out of memory, the process ends in the middle of its work."""
    numbers = count(variable_shapes(training.initialize)["params"])
    needed, memory = 4 * COPIES * numbers * len(seed_groups(config, training)[0]), runtime.memory_bytes()
    if memory and needed > memory:
        raise UserError(
            f"the net has {numbers:,} parameters; to train it takes about {needed / 1e9:,.0f} GB of memory, "
            f"and there are {memory / 1e9:,.0f} GB: make it smaller, or train fewer --train.seeds-at-once"
        )


def _untrained(run_dir: Path, seed: int) -> UserError:
    return UserError(
        f"{run_dir} has no sound checkpoint of seed {seed} with a step trained; run scripts/train.py again"
    )
