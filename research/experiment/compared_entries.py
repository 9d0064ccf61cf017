"""The runs of a comparison before anything is trained: their names, and all that would keep them from being paired."""

import dataclasses
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from research.config import Experiment, validated
from research.errors import UserError
from research.experiment.evaluations import Evaluation
from research.experiment.run import ENDED, ended_record
from research.experiment.stages import expected_leaves, run_path, started, starting_leaves, with_start_of
from research.experiment.task import Record, Task
from research.experiment.training import check_monitor, check_plan, refuse_edited_config
from research.report.record import read_record
from research.run_directory import COMPARISON, claimed, read_config
from research.training.plan import TrainingPlan

AnyTask = Task[Experiment, TrainingPlan, Evaluation]


class Entry(NamedTuple):
    """A run of a comparison. `record` is that of a run that has ended; it is empty where there is one to train."""

    config: Experiment
    run_dir: Path
    record: Record


Entries = Mapping[str, Entry]  # by the name that tells a run from the others


def entries_of(given: Sequence[tuple[Experiment, Path] | Path]) -> Entries:
    """The entry of each configuration with its run directory, and of each run directory alone, whose run has ended.

    Raises UserError for a directory without a run that has ended, and where two have the same directory.
    """
    places = [each if isinstance(each, Path) else each[1] for each in given]
    if len({run_path(place) for place in places}) < len(places):
        raise UserError("two of the runs have the same directory; give each once, and leave away --run-dir")
    found = [_ended_run(each) if isinstance(each, Path) else Entry(*each, {}) for each in given]
    return dict(zip(_names(found), _linked(found), strict=True))


def _ended_run(run_dir: Path) -> Entry:
    if (run_dir / COMPARISON).is_file():
        raise UserError(f"{run_dir} is itself a comparison; name the runs that it compares")
    config = read_config(run_dir)
    refuse_edited_config(config, run_dir)
    record = read_record(run_dir)
    if record["status"] not in ENDED:
        raise UserError(f"{run_dir} was {record['status']}; train it to its end first, or leave it out")
    return Entry(config, run_dir, record)


def _names(entries: Sequence[Entry]) -> list[str]:
    """The name of each: its experiment's; where several share that, its directory's, or at last the whole path."""
    choices = [(config.name, run_dir.absolute().name, str(run_dir)) for config, run_dir, _ in entries]
    while max((often := Counter(choice[0] for choice in choices)).values(), default=1) > 1:
        choices = [choice[1:] + choice[-1:] if often[choice[0]] > 1 else choice for choice in choices]
    return [choice[0] for choice in choices]


def _linked(entries: Sequence[Entry]) -> list[Entry]:
    """`entries`; one to train whose `start` is runs/NAME of an earlier entry starts from that entry's run directory."""
    run_dirs: dict[str, Path] = {}
    linked = []
    for config, run_dir, record in entries:
        parent, name = Path(config.start or "").parent, Path(config.start or "").name
        earlier = run_dirs.get(name) if parent == Path("runs") and not record else None
        if earlier and run_path(earlier) != run_path(f"runs/{name}"):
            config = dataclasses.replace(config, start=str(earlier))
        run_dirs[config.name] = run_dir
        linked.append(Entry(config if record else with_start_of(run_dir, config), run_dir, record))
    return linked


def check_comparable(entries: Entries) -> None:
    """Raise UserError unless there are two runs or more, of one kind, with the same seeds."""
    configs = {name: config for name, (config, _, _) in entries.items()}
    if len(configs) < 2:
        raise UserError("a comparison needs two runs or configurations, or more")
    seeds = {name: _seeds(config) for name, config in configs.items()}
    if len(set(seeds.values())) > 1:
        told = ", ".join(f"{name} has {each}" for name, each in seeds.items())
        raise UserError(f"the runs differ in their seeds, so they cannot be paired: {told}; give all the same")
    if len({config.kind for config in configs.values()}) > 1:
        kinds = " and some of ".join(sorted({config.kind for config in configs.values()}))
        raise UserError(f"some configurations are of {kinds}; compare those of one kind")


def _seeds(config: Experiment) -> str:
    last = config.seed + config.seeds - 1
    return f"seed {config.seed}" if last == config.seed else f"seeds {config.seed} to {last}"


def ready(task: AnyTask, entries: Entries) -> Entries:
    """`entries`, those that have ended with their records; what the others need to be trained is all there.

    Raises UserError before any training for what a run would refuse only after the runs before it, and where the runs
    are on different data. Metrics and weights are checked first: building a net may compute features for minutes (the
    run finds them cached).
    """
    entries = {name: entry._replace(record=_record(entry)) for name, entry in entries.items()}
    waiting = {name: entry for name, entry in entries.items() if not entry.record}
    for name, (config, _, _) in waiting.items():
        with _named(name):
            check_monitor(config)
            task.check_files(config)
    data = {_data_of(task, name, entry.record) for name, entry in entries.items() if entry.record}
    plans: dict[Path, TrainingPlan] = {}
    for name, (config, run_dir, _) in waiting.items():
        with _named(name):
            plans[run_path(run_dir)] = _buildable(task, config, plans.get(run_path(config.start or "")))
    if len(data | {task.data_id(plan) for plan in plans.values()}) > 1:
        remedy = "compare on one data set and split, or renew old records with scripts/evaluate.py"
        raise UserError(f"the runs are on different {task.examples}, so they cannot be paired; {remedy}")
    for config, run_dir, _ in waiting.values():
        with claimed(run_dir, config):
            pass
    return entries


def _record(entry: Entry) -> Record:
    return entry.record or ended_record(validated(entry.config), entry.run_dir)


def _data_of(task: AnyTask, name: str, record: Record) -> str:
    """What names the test examples of a run that has ended; older records have the fingerprint alone."""
    if "test" not in record["metrics"]:
        raise UserError(f"{name}: there are no test {task.examples} to be compared on; train it with some")
    return record["data"].get(task.examples, record["data"]["fingerprint"])


def _buildable(task: AnyTask, config: Experiment, before: TrainingPlan | None) -> TrainingPlan:
    """The plan of `config`, which starts from the run of the plan `before` where that is given, trained or not."""
    starts = expected_leaves(config, before) if before else starting_leaves(config)
    plan = started(config, task.build(validated(config), starts), starts)
    check_plan(config, plan)
    if not plan.examples["test"]:
        raise UserError(f"there are no test {task.examples} to be compared on; set --data.test above 0")
    return plan


@contextmanager
def _named(name: str) -> Iterator[None]:
    """In this context the message of a UserError starts with `name`."""
    try:
        yield
    except UserError as error:
        raise UserError(f"{name}: {error}") from error
