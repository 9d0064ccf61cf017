"""Prints an experiment to the terminal, as lines and tables of at most 80 columns."""

from collections.abc import Mapping
from pathlib import Path

from rich.console import Console

from research.config import Experiment
from research.experiment.evaluations import Evaluations
from research.experiment.task import Record, task_of
from research.report import tables
from research.run_directory import REPORT
from research.training.plan import TrainingPlan


def show_plan(config: Experiment, plan: TrainingPlan) -> None:
    """Print the data and the network, before training starts."""
    console = _console()
    for line in task_of(config).describe_data(plan):
        console.print(line, highlight=False, markup=False)
    if config.start:
        taken = len(plan.starts[config.seed])
        console.print(f"starts from {config.start}: {taken} of its leaves", highlight=False, markup=False)
    console.print(tables.layers(plan.summary))


def show_result(config: Experiment, record: Record, evaluations: Mapping[int, Evaluations], run_dir: Path) -> None:
    """Print the evaluations of the first seed, the metrics of one and of all seeds, and the path of the report."""
    console = _console()
    if config.seed in evaluations:
        for table in task_of(config).result_tables(evaluations[config.seed], record):
            console.print(table)
    if record["metrics"]:
        console.print(tables.of_seed(tables.metrics(record), record))
    if "seeds" in record:
        number = max(len(over["values"]) for over in record["seeds"].values())
        console.print(tables.seeds(record, note=f"Over {number} seeds"))
    for line in task_of(config).closing_lines(record):
        console.print(line, highlight=False, markup=False)
    where = run_dir / REPORT if (run_dir / REPORT).exists() else run_dir
    console.print(f"{record['status']}: {where}", highlight=False, markup=False, soft_wrap=True)


def _console() -> Console:
    console = Console()
    return console if console.is_terminal else Console(width=80)
