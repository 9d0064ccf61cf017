"""What the doors print about an experiment, as tables of at most 80 columns."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rich.console import Console

from research.experiment.histories import headline_split
from research.experiment.images.build import Parts
from research.report.tables import confusions_table, metrics_table, per_class_table, seeds_table, summary_table
from research.run_directory import REPORT


def show_parts(parts: Parts) -> None:
    """The data and the network, before training starts."""
    data, console = parts.data, _console()
    sizes = ", ".join(f"{len(getattr(data, split).labels):,} {split}" for split in ("train", "validation", "test"))
    shape = "x".join(map(str, data.train.images.shape[1:]))
    console.print(
        f"{data.name}: {sizes} pictures of {shape} in {len(data.classes)} classes", highlight=False, markup=False
    )
    if data.findings is not None and (found := data.findings.summary()):
        console.print(f"found in its files: {found}", highlight=False, markup=False)
    console.print(summary_table(parts.summary))


def show_result(record: Mapping[str, Any], evaluations: Mapping[str, Any], place: Path) -> None:
    """The metrics, per class and over seeds, what was taken for what, and where the report lies."""
    console = _console()
    if evaluations:
        evaluation = evaluations[headline_split(evaluations)]
        console.print(per_class_table(evaluation))
        console.print(confusions_table(evaluation, limit=5))
    if record["metrics"]:
        console.print(metrics_table(record))
    if "seeds" in record:
        console.print(seeds_table(record))
    where = place / REPORT if (place / REPORT).exists() else place
    console.print(f"{record['status']}: {where}", highlight=False, markup=False, soft_wrap=True)


def _console() -> Console:
    console = Console()
    return console if console.is_terminal else Console(width=80)
