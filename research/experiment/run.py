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
from research.experiment.evaluations import Evaluations, best_epoch, epochs_run, flat_metrics, over_seeds
from research.experiment.histories import Row, history_rows
from research.experiment.stages import own_leaves, start_fields, started, starting_leaves, with_start_of
from research.experiment.task import Record, task_of
from research.experiment.training import (
    check_monitor,
    check_plan,
    fit_group,
    load_group,
    member_groups,
    refuse_edited_config,
    refuse_edited_net,
)
from research.files import write_json, write_text
from research.report.environment import environment
from research.report.record import build_record, read_record
from research.run_directory import (
    ANOTHER,
    GIVEN,
    METRICS,
    RECORD,
    checkpointed_groups,
    claimed,
    default_run_dir,
    has_file,
    read_config,
)
from research.training.fit import divergences
from research.training.loop import Seconds, termination
from research.training.plan import TrainingPlan
from research.training.state import TrainState, chosen_variables, members_of, status_of
from research.trees import count

OF_TRAINING = ("seconds", "throughput", "device", "versions", "commit", "start")
ENDED = ("finished", "stopped early")
Groups = list[tuple[TrainState, Seconds]]  # the result of each group of seeds, see `fit.fit`


def run(config: Experiment, run_dir: Path | str | None = None, data: Any = None) -> Record:
    """Train, evaluate and report `config` in the run directory `run_dir` (default runs/NAME); returns its record.json.

    `data` takes the place of `data.source`: of pictures (pictures, labels), of series and tables a pandas frame. It is
    stored in `given` beside the run directory, so that the run can be resumed and evaluated.

    A run that was cut off resumes from its newest sound checkpoint and ends with the same bits as an undisturbed
    one. A run that has ended is not trained again. On SIGTERM the run is saved, and its status is "preempted";
    it has no metrics before another such call ends it.

    Raises UserError for an unusable configuration, data set or run directory before anything is written.
    """
    if data is not None:
        run_dir = default_run_dir(config, config) if run_dir is None else Path(run_dir)
        config = task_of(config).with_data(validated(config), data, run_dir.parent / GIVEN)
    return conduct(config, run_dir)[0]


def conduct(
    config: Experiment, run_dir: Path | str | None = None, begin: Callable[[TrainingPlan], None] = lambda plan: None
) -> tuple[Record, dict[int, Evaluations]]:
    """As `run`, and also return the evaluations of every seed; {} for a run that had ended before.

    `begin(plan)` is called when the data is loaded and the net is built, before training starts.
    """
    begun = time.monotonic()
    runtime.prepare()
    config = validated(config)
    check_monitor(config)
    run_dir = default_run_dir(config, config) if run_dir is None else Path(run_dir)
    config = with_start_of(run_dir, config)
    if record := ended_record(config, run_dir):
        return record, {}
    starts = starting_leaves(config)
    plan = started(config, task_of(config).build(config, starts), starts)
    check_plan(config, plan)
    with claimed(run_dir, config), termination() as preempted:
        refuse_edited_config(config, run_dir)
        refuse_edited_net(config, run_dir)
        begin(plan)
        groups = _train(config, plan, run_dir, preempted)
        return _conclude(config, plan, run_dir, groups, begun)


def evaluate(run_dir: Path | str, root: str | None = None) -> tuple[Record, dict[int, Evaluations]]:
    """Evaluate the run in `run_dir` again, from its checkpoints and data, and write its report and record anew.

    `root` is the new place of the data if it has moved. Returns the record and the evaluations of every seed.
    """
    begun = time.monotonic()
    runtime.prepare()
    run_dir = Path(run_dir)
    config = relocated(read_config(run_dir), root)
    check_monitor(config)
    refuse_edited_config(config, run_dir)
    refuse_edited_net(config, run_dir)
    plan = task_of(config).build(config, own_leaves(config, run_dir))
    check_plan(config, plan)
    with claimed(run_dir, config):
        found = checkpointed_groups(run_dir).values()
        if sum(map(len, found)) < config.seeds * plan.folds:
            raise UserError(f"{run_dir} has no checkpoints of all its seeds; train it first: scripts/train.py")
        groups = [load_group(plan, group, run_dir) for group in found]
        if status_of([state for state, _ in groups], plan.total_steps) == "preempted":
            raise UserError(
                f"the newest sound checkpoint of {run_dir} is from before the end; run scripts/train.py again"
            )
        _log(run_dir, (), [row for state, _ in groups for row in history_rows(plan, state)])
        return _conclude(config, plan, run_dir, groups, begun, _former(run_dir))


def ended_record(config: Experiment, run_dir: Path) -> Record:
    """The record of a run that has ended, with a warning; empty where there is something to train.

    Neither the data nor the run that it started from is needed any more.
    """
    if not has_file(run_dir, RECORD):
        return {}
    with claimed(run_dir, config):
        refuse_edited_config(config, run_dir)
        refuse_edited_net(config, run_dir)
        record = _former(run_dir)
    if record.get("status") not in ENDED:
        return {}
    warn(f"{run_dir} has {record['status']} before; to train again, delete it or choose {ANOTHER}")
    return record


def _train(config: Experiment, plan: TrainingPlan, run_dir: Path, preempted: Callable[[], bool]) -> Groups:
    """Train all members, group by group, until one is preempted."""
    groups: Groups = []
    rows: list[Row] = []
    for members in member_groups(config, plan):
        log = functools.partial(_log, run_dir, tuple(rows))
        groups.append(fit_group(config, plan, members, run_dir, preempted, log))
        state, _ = groups[-1]
        rows += history_rows(plan, state)
        if status_of([state], plan.total_steps) == "preempted":
            break
    return groups


def _former(run_dir: Path) -> Record:
    """The record of an earlier call; empty without one, and if it is damaged, since the checkpoints suffice."""
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
    plan: TrainingPlan,
    run_dir: Path,
    groups: Groups,
    begun: float,
    former: Mapping[str, Any] = MappingProxyType({}),
) -> tuple[Record, dict[int, Evaluations]]:
    """Evaluate the trained members, write the report, and last the record, which completes the run.

    Fields that describe the training (time, device, versions, commit) are taken from the `former` record, if any.
    """
    status, task = status_of([state for state, _ in groups], plan.total_steps), task_of(config)
    members = [member for state, _ in groups for member in members_of(state)]
    evaluations: dict[int, Evaluations] = {}
    if status in ENDED:
        try:
            evaluations = {seed: task.evaluate(plan, folds) for seed, folds in _folds_by_seed(members).items()}
        except NotFiniteError as error:
            warn(str(error))
            status = "diverged"
    record = _record(config, plan, groups, evaluations, status, time.monotonic() - begun)
    record |= {name: former[name] for name in OF_TRAINING if name in former}
    if evaluations:
        task.publish(config, plan, run_dir, members, evaluations, record)
    write_json(run_dir / RECORD, record)
    return record, evaluations


def _folds_by_seed(members: Sequence[TrainState]) -> dict[int, list[Any]]:
    """The final variables of each fold of each seed."""
    found: dict[int, list[Any]] = {}
    for member in members:
        found.setdefault(int(member.seed), []).append(chosen_variables(member))
    return found


def _record(
    config: Experiment,
    plan: TrainingPlan,
    groups: Groups,
    evaluations: dict[int, Evaluations],
    status: str,
    seconds: float,
) -> Record:
    members = [member for state, _ in groups for member in members_of(state)]
    compiling, training = (sum(spent[part] for _, spent in groups) for part in ("compile", "train"))
    epochs = {
        str(plan.member_number(member)): {"run": epochs_run(member), "best": best_epoch(member)} for member in members
    }
    examples = plan.examples["train"] * sum(map(epochs_run, members))
    diverged = {member: where for state, _ in groups for member, where in divergences(plan, state).items()}
    per_seed = [flat_metrics(splits) for splits in evaluations.values()]
    return build_record(
        task_of(config).record_fields(plan, evaluations),
        experiment=config.name,
        seed=config.seed,
        metrics={split: found.metrics() for split, found in evaluations.get(config.seed, {}).items()},
        parameters={
            "total": sum(layer["parameters"] for layer in plan.summary),
            "trainable": count(members[0].params),
        },
        seconds={"compile": compiling, "train": training, "total": max(seconds, compiling + training)},
        throughput={"examples_per_second": examples / training if training else 0.0},
        epochs=epochs,
        device=runtime.device_name(),
        status=status,
        diverged={str(member): where._asdict() for member, where in diverged.items()},
        seeds=over_seeds(per_seed) if per_seed and config.seeds > 1 else {},
        start=start_fields(config, plan),
        **environment(),
    )
