"""Training in stages: a training starts from the final leaves of a finished run, or from a file of weights."""

import dataclasses
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from research.config import Experiment, fingerprint
from research.data.paths import expanded
from research.errors import UserError
from research.experiment.training import ended_leaves, refuse_edited_config, starts_digest
from research.keys import key
from research.models.initialization import variable_shapes
from research.report.record import read_record
from research.run_directory import CONFIG, checkpointed_groups, has_file, read_config
from research.training.plan import Starts, TrainingPlan
from research.trees import named_leaves

T = TypeVar("T", bound=Experiment)


def with_start_of(run_dir: Path, config: T) -> T:
    """`config`, its start written as in the config.json of `run_dir` where both are one directory."""
    there = read_config(run_dir).start if has_file(run_dir, CONFIG) else None
    same = there and config.start and run_path(there) == run_path(config.start)
    return dataclasses.replace(config, start=there) if same else config


def run_path(start: str | Path) -> Path:
    """The directory that `start` is, by which it is compared with others."""
    return expanded(str(start)).resolve()


def starting_leaves(config: Experiment) -> Starts:
    """{seed: its final leaves} of the run `config.start`, for each seed of `config`; {} without `start`.

    Where `start` is a weight file, all seeds start from its arrays. Raises UserError where there is no such run or
    sound file, or where the run was not trained to its end or lacks a seed.
    """
    if config.start is None:
        return {}
    run_dir = expanded(config.start)
    seeds = range(config.seed, config.seed + config.seeds)
    if run_dir.is_file():
        from research.weights.load import load_arrays  # slow to import

        return dict.fromkeys(seeds, load_arrays(run_dir))
    try:
        before, status = read_config(run_dir), read_record(run_dir)["status"]
        refuse_edited_config(before, run_dir)
    except UserError as error:
        raise UserError(f"start: {error}; or name another finished run by --start") from error
    if status not in ("finished", "stopped early"):
        raise UserError(f"start: {run_dir} was {status}; train it to its end first, or name another by --start")
    return {seed: ended_leaves(before, seed, run_dir) for seed in seeds}


def expected_leaves(config: Experiment, before: TrainingPlan) -> Starts:
    """The names and shapes of `starting_leaves` after the training of `before`. Leaves that it trains are NaN here.

    Its frozen leaves have their initial values: a net is split by whether these differ from the loaded weights.
    """
    leaves = {
        name: np.broadcast_to(np.float32(np.nan), leaf.shape)
        for name, leaf in named_leaves(variable_shapes(before.initialize)).items()
    }
    frozen = [f"params/{name}" for name in before.frozen]
    seeds = range(config.seed, config.seed + config.seeds)
    initial = named_leaves(before.initialize(key(config.seed, "init"))) if frozen else {}
    return {
        seed: leaves | {name: np.asarray(before.starts.get(seed, {}).get(name, initial[name])) for name in frozen}
        for seed in seeds
    }


def own_leaves(config: Experiment, run_dir: Path) -> Starts:
    """{member: its final leaves} of a run that itself started from another run, without reading that one.

    They determine which layers lie above the split. {} for a run that started from none.
    """
    members = [member for group in checkpointed_groups(run_dir).values() for member in group] if config.start else []
    return {member: ended_leaves(config, member, run_dir) for member in members}


def started(config: Experiment, plan: TrainingPlan, found: Starts) -> TrainingPlan:
    """`plan` with those of `starting_leaves` that its net has by name as well; unchanged without any.

    Raises UserError where the net has none of them, or one in another shape.
    """
    if not found:
        return plan
    shapes = {name: leaf.shape for name, leaf in named_leaves(variable_shapes(plan.initialize)).items()}
    starts = {seed: {name: leaf for name, leaf in leaves.items() if name in shapes} for seed, leaves in found.items()}
    leaves = starts[config.seed]
    if not leaves:
        raise UserError(f"start: {config.start} has no leaf that this net has; it has {', '.join(found[config.seed])}")
    wrong = [
        f"{name} is {list(leaf.shape)} there, {list(shapes[name])} here"
        for name, leaf in leaves.items()
        if leaf.shape != shapes[name]
    ]
    if wrong:
        raise UserError(f"start: {config.start} is of another net: {'; '.join(wrong)}")
    own = {member: dict(plan.starts.get(member, {})) | leaves for member, leaves in starts.items()}
    return dataclasses.replace(plan, starts=own)


def start_fields(config: Experiment, plan: TrainingPlan) -> dict[str, Any]:
    """record["start"]: the run that a training started from, and the leaves taken over; {} without any."""
    if config.start is None or not plan.starts:
        return {}
    run_dir = expanded(config.start)
    taken = {"leaves": sorted(plan.starts[config.seed]), "digest": starts_digest(plan.starts)}
    if run_dir.is_file():
        return {"file": config.start} | taken
    before, record = read_config(run_dir), read_record(run_dir)
    commit = record["commit"]
    return {"run": config.start, "experiment": before.name, "config": fingerprint(before), "commit": commit} | taken
