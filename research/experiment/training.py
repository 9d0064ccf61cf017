"""The trainings of an experiment's seeds: groups, optimizer, checkpoints under the run directory."""

import difflib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np
import optax

from research import runtime
from research.batches import Order
from research.config import Experiment, ImageExperiment, Training, identity, own_net, to_json
from research.errors import UserError, warn
from research.evaluation.metrics import metric_of
from research.experiment.histories import Row, history_rows
from research.experiment.task import task_of
from research.models.custom_source import source_digest, source_file
from research.models.initialization import parameter_names, variable_shapes
from research.report.progress import training_progress
from research.run_directory import ANOTHER, checkpoint_folder, checkpointed_groups, refuse_edited
from research.seals import array_digest
from research.training import checkpoints, fit
from research.training.early_stopping import Rule, Stopping
from research.training.feature_cache import key_of
from research.training.loop import Seconds
from research.training.optimizer import build_optimizer, group_of
from research.training.plan import Starts, TrainingPlan, steps_of
from research.training.state import TrainState, chosen_leaves, of_earlier_versions
from research.trees import count

Tree = Any
COPIES = 5  # float32 arrays per parameter: itself, its gradient and update, Adam's two moments


def member_groups(config: Experiment, plan: TrainingPlan) -> list[list[int]]:
    """The members, every fold of every seed, in groups that train side by side in one program.

    On accelerators all seeds are one group if memory holds the examples; streamed seeds are groups of one, since each
    has its own order.
    """
    members = list(range(config.seed * plan.folds, (config.seed + config.seeds) * plan.folds))
    pays = plan.vmap_seeds or jax.default_backend() != "cpu"
    size = 1 if plan.stream else config.train.seeds_at_once * plan.folds or (len(members) if pays else 1)
    return [members[start : start + size] for start in range(0, len(members), size)]


def optimizer_of(config: Experiment, order: Order) -> optax.GradientTransformation:
    """The optimizer of a training whose batches come in `order`."""
    steps = steps_of(order)
    return build_optimizer(config.optimizer, total_steps=steps * config.train.epochs, steps_per_epoch=steps)


def check_plan(config: Experiment, plan: TrainingPlan) -> None:
    """UserError when early stopping has no metric, a rate has no parameter, or the net is too large to train."""
    _refuse_too_large(config, plan)
    _refuse_idle_rates(config, plan)
    train = config.train
    if (train.order != "uniform" or train.balance != "none") and not isinstance(config, ImageExperiment):
        name = "order" if train.order != "uniform" else "balance"
        raise UserError(f"train.{name} {getattr(train, name)} is for classifiers of pictures; leave it out")
    if plan.stopping is not None and not plan.examples["validation"]:
        name = plan.stopping.rule
        raise UserError(f"train.{name} needs validation data: set --data.validation above 0, or drop the {name}")


def stopping_of(train: Training) -> Stopping | None:
    """The rule of early stopping; UserError where there are several."""
    rules: dict[Rule, float | None] = {"patience": train.patience, "gl": train.gl, "pq": train.pq, "up": train.up}
    given = [Stopping(rule, limit) for rule, limit in rules.items() if limit is not None]
    if len(given) > 1:
        named = " and ".join(f"train.{stopping.rule}" for stopping in given)
        raise UserError(f"{named} are rules of early stopping, of which one can be used; leave out the others")
    return given[0] if given else None


def check_monitor(config: Experiment) -> None:
    """UserError, before data is read or a net built, unless early stopping can watch `train.monitor`."""
    stopping = stopping_of(config.train)
    monitor, measured = config.train.monitor, task_of(config).training_metrics(config)
    names = [name for name in measured if metric_of(name).better != "neither"]
    if monitor not in names:
        near = sorted(names, key=lambda name: -difflib.SequenceMatcher(None, monitor, name).ratio())
        raise UserError(f"train.monitor {monitor} is not measured here; there are {', '.join(near)}")
    if stopping and stopping.rule in ("gl", "pq") and metric_of(monitor).better != "lower":
        raise UserError(f"train.{stopping.rule} compares errors; {monitor} is none: watch loss instead")


def fit_group(
    config: Experiment,
    plan: TrainingPlan,
    members: list[int],
    run_dir: Path,
    preempted: Callable[[], bool],
    log: Callable[[list[Row]], None],
) -> tuple[TrainState, Seconds]:
    """Train `members` to their end or until preemption; with each checkpoint, `log` gets the history.

    Returns the result of `fit.fit`.
    """
    folder, facts = checkpoint_folder(run_dir, members, plan.folds), _facts(config, plan)
    if checkpoints.newest_facts(folder).get("start", facts["start"]) != facts["start"]:
        raise UserError(f"{config.start} is not what {run_dir} started from; train anew in {ANOTHER}")
    return fit.fit(
        plan,
        members,
        folder,
        facts=facts,
        progress=lambda first, total, per_epoch: training_progress(_title(plan, members), first, total, per_epoch),
        log=lambda state: log(history_rows(plan, state)),
        preempted=preempted,
        checkpoint_seconds=config.train.checkpoint_seconds,
    )


def _title(plan: TrainingPlan, members: list[int]) -> str:
    first, last = plan.member_name(members[0]), plan.member_name(members[-1])
    if first == last:
        return first
    return f"{first} to {last}" if plan.folds > 1 else f"seeds {members[0]}-{members[-1]}"


def _facts(config: Experiment, plan: TrainingPlan) -> dict[str, Any]:
    """The facts in each checkpoint: the configuration, and digests of a custom net's file and the starting leaves."""
    return {
        "config": to_json(identity(config)),
        "net": source_digest(own) if (own := own_net(getattr(config, "model", None))) else None,
        "start": starts_digest(plan.starts) if plan.starts else None,
    }


def starts_digest(starts: Starts) -> str:
    """One digest of the leaves that each member starts from."""
    return key_of(
        *(f"{member} {name} {array_digest(leaf)}" for member in starts for name, leaf in starts[member].items())
    )


def load_group(plan: TrainingPlan, members: list[int], run_dir: Path) -> tuple[TrainState, Seconds]:
    """The result of `fit_group`, from the checkpoints of `run_dir`; UserError when none is sound."""
    found = fit.load(plan, members, checkpoint_folder(run_dir, members, plan.folds))
    if found is None:
        raise _untrained(run_dir, plan.member_name(members[0]))
    return found


def refuse_edited_config(config: Experiment, run_dir: Path) -> None:
    """UserError where `config` is not what the checkpoints of `run_dir` were trained with; no array is read."""
    for folder in checkpointed_groups(run_dir):
        refuse_edited(run_dir, checkpoints.newest_facts(folder).get("config"), config)


def refuse_edited_net(config: Experiment, run_dir: Path) -> None:
    """UserError where the file of a custom net is gone, or is not the one that `run_dir` was trained with."""
    own = own_net(getattr(config, "model", None))
    if own is None:
        return
    try:
        file, now = source_file(own), source_digest(own)
    except UserError as error:
        raise UserError(f"{run_dir} needs the file of its net: {error}") from error
    trained = [checkpoints.newest_facts(folder).get("net", now) for folder in checkpointed_groups(run_dir)]
    for then in set(trained) - {now}:
        raise UserError(
            f"{file} was edited since {run_dir} was trained (its sha256 begins with {now[:8]}, then with {then[:8]}): "
            f"put that back, or train anew in {ANOTHER}"
        )


def load_variables(config: Experiment, like: Tree, seed: int, run_dir: Path) -> Tree:
    """The final variables of `seed` in the structure of `like`, from the checkpoints, without the data."""
    return checkpoints.fitted(ended_leaves(config, seed, run_dir), like, run_dir)


def ended_leaves(config: Experiment, member: int, run_dir: Path) -> dict[str, np.ndarray]:
    """The final leaves of `member` (see `TrainingPlan`), by name; UserError when it was not trained in `run_dir`."""
    groups = checkpointed_groups(run_dir).items()
    folder, members = next((group for group in groups if member in group[1]), (None, []))
    if folder is None:
        raise UserError(f"{run_dir} has no checkpoint of seed {member}; its seeds count up from {config.seed}")
    return _ended(config, folder, [members.index(member)], f"seed {member}", run_dir)[0]


def all_ended_leaves(config: Experiment, run_dir: Path) -> dict[int, dict[str, np.ndarray]]:
    """`ended_leaves` of every member that was trained in `run_dir`, each checkpoint read once."""
    found = {}
    for folder, members in checkpointed_groups(run_dir).items():
        leaves = _ended(config, folder, range(len(members)), f"members {members[0]} to {members[-1]}", run_dir)
        found |= dict(zip(members, leaves, strict=True))
    if not found:
        raise _untrained(run_dir, "any seed")
    return found


def _ended(
    config: Experiment, folder: Path, indices: Sequence[int], who: str, run_dir: Path
) -> list[dict[str, np.ndarray]]:
    """The final leaves of the members at `indices` of the newest sound checkpoint in `folder`."""
    found = checkpoints.newest(folder, warn)
    leaves = of_earlier_versions(found[0]) if found else {}
    if not leaves or (config.train.epochs and not np.all(leaves["step"])):
        raise _untrained(run_dir, who)
    members = [{name: leaf[index] for name, leaf in leaves.items()} for index in indices]
    for own in members:
        if own["diverged"] >= 0:
            warn(f"{who} diverged in training: these are the parameters before step {own['diverged'] + 1}")
    return list(map(chosen_leaves, members))


def _refuse_too_large(config: Experiment, plan: TrainingPlan) -> None:
    """UserError, before any allocation, where the memory cannot hold the training; it would kill the process."""
    numbers = count(variable_shapes(plan.initialize)["params"])
    needed, memory = 4 * COPIES * numbers * len(member_groups(config, plan)[0]), runtime.memory_bytes()
    if memory and needed > memory:
        raise UserError(
            f"the net has {numbers:,} parameters; to train it takes about {needed / 1e9:,.0f} GB of memory, "
            f"and there are {memory / 1e9:,.0f} GB: make it smaller, or train fewer --train.seeds-at-once"
        )


def _refuse_idle_rates(config: Experiment, plan: TrainingPlan) -> None:
    trained = [name for name in parameter_names(plan.initialize) if name not in plan.frozen]
    groups = {group_of(name, config.optimizer.rates) for name in trained}
    for index, (pattern, _) in enumerate(config.optimizer.rates):
        if index not in groups:
            raise UserError(
                f"optimizer.rates {pattern} matches no trained parameter that no earlier one matches; "
                f"there are {', '.join(trained)}"
            )


def _untrained(run_dir: Path, member: str) -> UserError:
    return UserError(f"{run_dir} has no sound checkpoint of {member} with a step trained; run scripts/train.py again")
