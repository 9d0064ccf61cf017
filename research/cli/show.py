"""What the commands print about an experiment, as lines and tables of at most 80 columns."""

from pathlib import Path
from typing import Any

from rich.console import Console

from research.config import Experiment
from research.experiment.run import Result
from research.experiment.tasks import task_of
from research.report.tables import metrics_table, seeds_table, summary_table
from research.run_directory import REPORT


def show_parts(config: Experiment, parts: Any) -> None:
    """The data and the network, before training starts."""
    console = _console()
    for line in task_of(config).describe_data(parts):
        console.print(line, highlight=False, markup=False)
    console.print(summary_table(parts.summary))


def show_result(config: Experiment, result: Result, place: Path) -> None:
    """What was found of the first seed, the metrics, what the seeds say together, and where the report lies."""
    console, record = _console(), result.record
    if config.seed in result.judged:
        for table in task_of(config).result_tables(result.judged[config.seed], record):
            console.print(table)
    if record["metrics"]:
        console.print(metrics_table(record))
    if "seeds" in record:
        console.print(seeds_table(record))
    for line in task_of(config).concluded(record):
        console.print(line, highlight=False, markup=False)
    where = place / REPORT if (place / REPORT).exists() else place
    console.print(f"{record['status']}: {where}", highlight=False, markup=False, soft_wrap=True)


def _console() -> Console:
    console = Console()
    return console if console.is_terminal else Console(width=80)
