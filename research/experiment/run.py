"""One experiment from its configuration to the record: data, training, evaluation, report."""

import functools
import json
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from research import runtime
from research.config import Experiment, relocated, validated
from research.errors import NotFiniteError, UserError, warn
from research.experiment.evaluations import Evaluations, best_epoch, chosen, epochs_run, flat_metrics, over_seeds
from research.experiment.histories import Row, history_rows
from research.experiment.tasks import task_of
from research.experiment.training import Trained, fit_group, load_group, plan_of, refuse_edited_config, seed_groups
from research.files import write_json, write_text
from research.report.environment import environment
from research.report.record import build_record, read_record
from research.run_directory import METRICS, RECORD, checkpointed_groups, claimed, default_place, read_config
from research.training.loop import termination
from research.training.state import take_member
from research.trees import count

OF_TRAINING = ("seconds", "throughput", "device", "versions", "commit")
ENDED = ("finished", "stopped early")


class Result(NamedTuple):
    """What a run came to: its record, and what was found on every split for every seed (none when it was over)."""

    record: dict[str, Any]
    judged: dict[int, Evaluations]


def run(config: Experiment, place: Path | str | None = None) -> dict[str, Any]:
    """Train, evaluate and report `config` in the run directory `place` (runs/NAME); returns the record it leaves there.

    A run that was cut off resumes from its newest sound checkpoint and ends with the same bits as an undisturbed
    one; a run that has ended is returned as it is. On SIGTERM it saves, and the record says "preempted".
    Raises UserError for a configuration, data or place that does not do; nothing is written before all have been
    looked at.
    """
    return conduct(config, place).record


def conduct(
    config: Experiment, place: Path | str | None = None, begin: Callable[[Any], None] = lambda parts: None
) -> Result:
    """As `run`, with all that was found; `begin(parts)` is called when the parts are built and training starts."""
    begun = time.monotonic()
    runtime.prepare()
    config = validated(config)
    place = default_place(config, config) if place is None else Path(place)
    parts = task_of(config).build(config)
    plan_of(config, parts.training)
    with claimed(place, config), termination() as preempted:
        refuse_edited_config(config, place)
        if (record := _former(place)).get("status") in ENDED:
            warn(f"{place} has {record['status']} before; delete it or choose another --run-dir to train again")
            return Result(record, {})
        begin(parts)
        trained: list[Trained] = []
        rows: list[Row] = []
        for seeds in seed_groups(config, parts.training):
            trained.append(
                fit_group(config, parts.training, seeds, place, preempted, functools.partial(_log, place, tuple(rows)))
            )
            rows += history_rows(trained[-1].seeds, trained[-1].each)
            if trained[-1].status == "preempted":
                break
        return _conclude(config, parts, place, trained, begun)


def evaluate(place: Path | str, root: str | None = None) -> Result:
    """Evaluate the run in `place` again, from its checkpoints and data, and write its report and record anew.

    `root` is where the data lies now, if not where it lay.
    """
    begun = time.monotonic()
    runtime.prepare()
    place = Path(place)
    config = relocated(read_config(place), root)
    refuse_edited_config(config, place)
    parts = task_of(config).build(config)
    with claimed(place, config):
        stored = checkpointed_groups(place)
        if sum(map(len, stored)) < config.seeds:
            raise UserError(f"{place} has no checkpoints of all its seeds; train it first: scripts/train.py")
        trained = [load_group(config, parts.training, seeds, place) for seeds in stored]
        if _status(trained) == "preempted":
            raise UserError(
                f"the newest sound checkpoint of {place} is from before the end; run scripts/train.py again"
            )
        _log(place, (), [row for group in trained for row in history_rows(group.seeds, group.each)])
        return _conclude(config, parts, place, trained, begun, _former(place))


def _former(place: Path) -> dict[str, Any]:
    """The record that is there; empty without one, or where it is damaged: the checkpoints tell all that matters."""
    if not (place / RECORD).exists():
        return {}
    try:
        return read_record(place)
    except UserError as error:
        warn(f"{str(error).partition(';')[0]}; it is written anew from the checkpoints")
        return {}


def _log(place: Path, earlier: Sequence[Row], rows: Sequence[Row]) -> None:
    write_text(place / METRICS, "".join(json.dumps(row) + "\n" for row in (*earlier, *rows)))


def _conclude(
    config: Experiment,
    parts: Any,
    place: Path,
    trained: list[Trained],
    begun: float,
    former: Mapping[str, Any] = MappingProxyType({}),
) -> Result:
    """Judge what was trained; the report first, the record last: with it, the run is complete.

    Of a `former` record stays what tells of the training: time, device, versions, commit.
    """
    status, task = _status(trained), task_of(config)
    judged: dict[int, Evaluations] = {}
    if status in ENDED:
        try:
            for group in trained:
                judged |= {seed: task.judge(parts, chosen(group, seed)) for seed in group.seeds}
        except NotFiniteError as error:
            warn(str(error))
            judged, status = {}, "diverged"
    record = _record(config, parts, trained, judged, status, time.monotonic() - begun)
    record |= {name: former[name] for name in OF_TRAINING if name in former}
    if judged:
        task.publish(config, parts, place, trained, judged, record)
    write_json(place / RECORD, record)
    return Result(record, judged)


def _status(trained: list[Trained]) -> str:
    """The first of these that any seed came to."""
    found = {group.status for group in trained}
    return next(status for status in ("preempted", "diverged", "stopped early", "finished") if status in found)


def _record(
    config: Experiment, parts: Any, trained: list[Trained], judged: dict[int, Evaluations], status: str, seconds: float
) -> dict[str, Any]:
    total = sum(row["parameters"] for row in parts.summary)
    trainable = count(take_member(trained[0].each.params, 0))
    compiling, training = (sum(group.spent[part] for group in trained) for part in ("compile", "train"))
    epochs = sum(epochs_run(group, seed) for group in trained for seed in group.seeds)
    several = over_seeds([flat_metrics(found) for found in judged.values()]) if judged and config.seeds > 1 else None
    return build_record(
        experiment=config.name,
        seed=config.seed,
        metrics={split: found.metrics() for split, found in judged.get(config.seed, {}).items()},
        parameters={"total": total, "trainable": trainable},
        seconds={"compile": compiling, "train": training, "total": max(seconds, compiling + training)},
        throughput={"examples_per_second": epochs * parts.training.sizes["train"] / training if training else 0.0},
        data=task_of(config).described(parts),
        epochs={
            str(seed): {"run": epochs_run(group, seed), "best": best_epoch(group, seed)}
            for group in trained
            for seed in group.seeds
        },
        device=runtime.device_name(),
        status=status,
        diverged={str(seed): where._asdict() for group in trained for seed, where in group.diverged.items()},
        seeds=several,  # pyright: ignore[reportArgumentType]  # a TypedDict is a mapping of its fields
        **task_of(config).verdict(judged),
        **environment(),
    )
