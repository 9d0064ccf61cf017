"""The comparison of several experiments: each is trained if necessary, then all are compared on the same data."""

import dataclasses
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from rich.table import Table

from research.config import Experiment, validated
from research.errors import UserError
from research.experiment.evaluations import Evaluation
from research.experiment.run import ENDED, run
from research.experiment.stages import expected_leaves, run_path, started, starting_leaves, with_start_of
from research.experiment.task import Task, task_of
from research.experiment.training import check_monitor, check_plan
from research.files import png_path
from research.run_directory import claimed
from research.training.plan import TrainingPlan

Entries = Sequence[tuple[Experiment, Path]]
_Task = Task[Experiment, TrainingPlan, Evaluation]


class Comparison(NamedTuple):
    """Records and rungs by name, in the given order; a rung is the task's row of the comparison for a run.

    If a run was preempted or diverged, `status` says so, its record is the last one, and there are no rungs.
    """

    status: str
    records: dict[str, dict[str, Any]]
    rungs: dict[str, Any]
    tables: Sequence[Table] = ()


def compare(entries: Entries, figure: Path) -> Comparison:
    """Run every (configuration, run directory), draw `figure`, and compare the runs.

    Raises UserError before any training when the runs differ in seeds or data (then nothing can be paired), or one
    lacks its data, its pretrained weights, test examples, or its own run directory; and after training when a run that
    had ended before used other data.
    """
    task = _comparable([config for config, _ in entries])
    if len({run_dir.absolute() for _, run_dir in entries}) < len(entries):
        raise UserError("two of the configurations have the same --run-dir; leave it away, each has a place of its own")
    png_path(figure)
    entries = _linked(entries)
    _ready(task, entries)
    records: dict[str, dict[str, Any]] = {}
    for config, run_dir in entries:
        records[config.name] = record = run(config, run_dir)
        if record["status"] not in ENDED:
            return Comparison(record["status"], records, {})
    # The record of a run that ended before names its data; older records have the fingerprint alone.
    data = [record["data"] for record in records.values()]
    _same(
        {each.get(task.examples, each["fingerprint"]) for each in data},
        task,
        "renew the records with scripts/evaluate.py",
    )
    rungs, tables = task.compare_runs(entries, records, figure)
    return Comparison("finished", records, rungs, tables)


def _linked(entries: Entries) -> Entries:
    """`entries`; one whose `start` is runs/NAME of an earlier entry starts from that entry's run directory."""
    linked: dict[str, tuple[Experiment, Path]] = {}
    for config, run_dir in entries:
        parent, name = Path(config.start or "").parent, Path(config.start or "").name
        earlier = linked.get(name) if parent == Path("runs") else None
        if earlier and run_path(earlier[1]) != run_path(f"runs/{name}"):
            config = dataclasses.replace(config, start=str(earlier[1]))
        linked[config.name] = with_start_of(run_dir, config), run_dir
    return list(linked.values())


def _comparable(configs: Sequence[Experiment]) -> _Task:
    if len(configs) < 2:
        raise UserError("a comparison needs two configurations or more")
    if len({config.name for config in configs}) < len(configs):
        raise UserError("two of the configurations have the same name; each needs its own")
    if len({(config.seed, config.seeds) for config in configs}) > 1:
        raise UserError("the configurations differ in seed or seeds, so they cannot be paired; give --seed and --seeds")
    if len({config.kind for config in configs}) > 1:
        kinds = " and some of ".join(sorted({config.kind for config in configs}))
        raise UserError(f"some configurations are of {kinds}; compare those of one kind")
    return task_of(configs[0])


def _ready(task: _Task, entries: Entries) -> None:
    """Raise before any training the errors that a run would raise only after the runs before it.

    Metrics and weights are checked first: building a net may compute features for minutes (the run finds them cached).
    """
    for config, _ in entries:
        with _named(config):
            check_monitor(config)
            task.check_files(config)
    plans: dict[Path, TrainingPlan] = {}
    for config, run_dir in entries:
        plans[run_path(run_dir)] = _buildable(task, config, plans.get(run_path(config.start or "")))
    _same({task.data_id(plan) for plan in plans.values()}, task, "compare on one data set and split")
    for config, run_dir in entries:
        with claimed(run_dir, config):
            pass


def _buildable(task: _Task, config: Experiment, before: TrainingPlan | None) -> TrainingPlan:
    """The plan of `config`, which starts from the run of the plan `before` where that is given, trained or not."""
    with _named(config):
        starts = expected_leaves(config, before) if before else starting_leaves(config)
        plan = started(config, task.build(validated(config), starts), starts)
        check_plan(config, plan)
        if not plan.examples["test"]:
            raise UserError(f"there are no test {task.examples} to be compared on; set --data.test above 0")
        return plan


@contextmanager
def _named(config: Experiment) -> Iterator[None]:
    """In this context the message of a UserError starts with the name of `config`."""
    try:
        yield
    except UserError as error:
        raise UserError(f"{config.name}: {error}") from error


def _same(found: set[str], task: _Task, remedy: str) -> None:
    if len(found) > 1:
        raise UserError(f"the runs are on different {task.examples}, so they cannot be paired; {remedy}")
