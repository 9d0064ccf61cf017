"""One experiment from its configuration to its record: data, training, evaluation, report."""

import functools
import json
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from research import runtime
from research.config import Experiment, relocated, validated
from research.errors import NotFiniteError, UserError, warn
from research.experiment.evaluations import Evaluations, best_epoch, chosen, epochs_run, flat_metrics, over_seeds
from research.experiment.histories import Row, history_rows
from research.experiment.task import Parts, Record, task_of
from research.experiment.training import Trained, fit_group, load_group, plan_of, refuse_edited_config, seed_groups
from research.files import write_json, write_text
from research.report.environment import environment
from research.report.record import build_record, read_record
from research.run_directory import METRICS, RECORD, checkpointed_groups, claimed, default_run_dir, read_config
from research.training.loop import termination
from research.training.state import take_member
from research.trees import count

OF_TRAINING = ("seconds", "throughput", "device", "versions", "commit")
ENDED = ("finished", "stopped early")


def run(config: Experiment, run_dir: Path | str | None = None) -> Record:
    """Train, evaluate and report `config` in the run directory `run_dir` (default runs/NAME); returns its record.json.

    A run that was cut off resumes from its newest sound checkpoint and ends with the same bits as an undisturbed
    one. A run that has ended is not trained again. On SIGTERM the run is saved, and its status is "preempted".
    Raises UserError for an unusable configuration, data set or run directory before anything is written.
    """
    return conduct(config, run_dir)[0]


def conduct(
    config: Experiment, run_dir: Path | str | None = None, begin: Callable[[Parts], None] = lambda parts: None
) -> tuple[Record, dict[int, Evaluations]]:
    """`run`, which also returns the evaluations of every seed; none of a run that had ended before.

    `begin(parts)` is called when the parts are built, before training starts.
    """
    begun = time.monotonic()
    runtime.prepare()
    config = validated(config)
    run_dir = default_run_dir(config, config) if run_dir is None else Path(run_dir)
    parts = task_of(config).build(config)
    plan_of(config, parts.training)
    with claimed(run_dir, config), termination() as preempted:
        refuse_edited_config(config, run_dir)
        if (record := _former(run_dir)).get("status") in ENDED:
            warn(f"{run_dir} has {record['status']} before; delete it or choose another --run-dir to train again")
            return record, {}
        begin(parts)
        trained = _train(config, parts, run_dir, preempted)
        return _conclude(config, parts, run_dir, trained, begun)


def evaluate(run_dir: Path | str, root: str | None = None) -> tuple[Record, dict[int, Evaluations]]:
    """Evaluate the run in `run_dir` again, from its checkpoints and data, and write its report and record anew.

    `root` is where the data lies now, where that has changed. Returns the record and the evaluations of every seed.
    """
    begun = time.monotonic()
    runtime.prepare()
    run_dir = Path(run_dir)
    config = relocated(read_config(run_dir), root)
    refuse_edited_config(config, run_dir)
    parts = task_of(config).build(config)
    with claimed(run_dir, config):
        groups = checkpointed_groups(run_dir)
        if sum(map(len, groups)) < config.seeds:
            raise UserError(f"{run_dir} has no checkpoints of all its seeds; train it first: scripts/train.py")
        trained = [load_group(config, parts.training, seeds, run_dir) for seeds in groups]
        if _status(trained) == "preempted":
            raise UserError(
                f"the newest sound checkpoint of {run_dir} is from before the end; run scripts/train.py again"
            )
        _log(run_dir, (), [row for group in trained for row in history_rows(group.seeds, group.each)])
        return _conclude(config, parts, run_dir, trained, begun, _former(run_dir))


def _train(config: Experiment, parts: Parts, run_dir: Path, preempted: Callable[[], bool]) -> list[Trained]:
    """Train all seeds, group by group, up to the one that is preempted."""
    trained: list[Trained] = []
    rows: list[Row] = []
    for seeds in seed_groups(config, parts.training):
        log = functools.partial(_log, run_dir, tuple(rows))
        trained.append(fit_group(config, parts.training, seeds, run_dir, preempted, log))
        rows += history_rows(trained[-1].seeds, trained[-1].each)
        if trained[-1].status == "preempted":
            break
    return trained


def _former(run_dir: Path) -> Record:
    """The record of an earlier call; empty without one, and where it is damaged, since the checkpoints suffice."""
    if not (run_dir / RECORD).exists():
        return {}
    try:
        return read_record(run_dir)
    except UserError as error:
        warn(f"{str(error).partition(';')[0]}; it is written anew from the checkpoints")
        return {}


def _log(run_dir: Path, earlier: Sequence[Row], rows: Sequence[Row]) -> None:
    write_text(run_dir / METRICS, "".join(json.dumps(row) + "\n" for row in (*earlier, *rows)))


def _conclude(
    config: Experiment,
    parts: Parts,
    run_dir: Path,
    trained: list[Trained],
    begun: float,
    former: Mapping[str, Any] = MappingProxyType({}),
) -> tuple[Record, dict[int, Evaluations]]:
    """Evaluate what was trained, write the report, and then the record, which makes the run complete.

    The fields that describe the training (time, device, versions, commit) are those of a `former` record.
    """
    status, task = _status(trained), task_of(config)
    evaluations: dict[int, Evaluations] = {}
    if status in ENDED:
        try:
            for group in trained:
                evaluations |= {seed: task.evaluate(parts, chosen(group, seed)) for seed in group.seeds}
        except NotFiniteError as error:
            warn(str(error))
            evaluations, status = {}, "diverged"
    record = _record(config, parts, trained, evaluations, status, time.monotonic() - begun)
    record |= {name: former[name] for name in OF_TRAINING if name in former}
    if evaluations:
        task.publish(config, parts, run_dir, trained, evaluations, record)
    write_json(run_dir / RECORD, record)
    return record, evaluations


def _status(trained: list[Trained]) -> str:
    """The first of these statuses that any group ended with."""
    ended = {group.status for group in trained}
    return next(status for status in ("preempted", "diverged", "stopped early", "finished") if status in ended)


def _record(
    config: Experiment,
    parts: Parts,
    trained: list[Trained],
    evaluations: dict[int, Evaluations],
    status: str,
    seconds: float,
) -> Record:
    total = sum(row["parameters"] for row in parts.summary)
    trainable = count(take_member(trained[0].each.params, 0))
    compiling, training = (sum(group.spent[part] for group in trained) for part in ("compile", "train"))
    epochs = {
        str(seed): {"run": epochs_run(group, seed), "best": best_epoch(group, seed)}
        for group in trained
        for seed in group.seeds
    }
    examples = parts.training.sizes["train"] * sum(epochs_run(group, seed) for group in trained for seed in group.seeds)
    per_seed = [flat_metrics(splits) for splits in evaluations.values()]
    return build_record(
        experiment=config.name,
        seed=config.seed,
        metrics={split: found.metrics() for split, found in evaluations.get(config.seed, {}).items()},
        parameters={"total": total, "trainable": trainable},
        seconds={"compile": compiling, "train": training, "total": max(seconds, compiling + training)},
        throughput={"examples_per_second": examples / training if training else 0.0},
        epochs=epochs,
        device=runtime.device_name(),
        status=status,
        diverged={str(seed): where._asdict() for group in trained for seed, where in group.diverged.items()},
        seeds=dict(over_seeds(per_seed)) if per_seed and config.seeds > 1 else None,
        **task_of(config).record_fields(parts, evaluations),
        **environment(),
    )
