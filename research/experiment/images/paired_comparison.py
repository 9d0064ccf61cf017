"""The comparison of picture classifiers: one figure, and differences in test accuracy paired by seed."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.table import Table

from research.config import ImageExperiment
from research.errors import warn
from research.evaluation.comparison import Difference, step_by_step
from research.evaluation.intervals import across_seeds
from research.experiment.histories import histories_of
from research.files import write_bytes
from research.report.image_comparison import ComparedRun, comparison_table
from research.report.image_comparison_figure import comparison_figure
from research.report.record import measured

Record = dict[str, Any]


def compare_runs(
    entries: Sequence[tuple[ImageExperiment, Path]], records: dict[str, Record], figure: Path
) -> tuple[dict[str, ComparedRun], list[Table]]:
    """A rung for each run, paired by seed with the run before; draws `figure`. Warns of seeds that learned nothing."""
    for name, record in records.items():
        for seed, why in record.get("learned_nothing", {}).items():
            warn(f"{name}, seed {seed}, learned nothing: {why}")
    differences = step_by_step({name: test_accuracy(record)["values"] for name, record in records.items()})
    rungs = {config.name: _rung(config, records[config.name], differences.get(config.name)) for config, _ in entries}
    write_bytes(figure, comparison_figure(rungs, {config.name: histories_of(run_dir) for config, run_dir in entries}))
    return rungs, [comparison_table(rungs)]


def test_accuracy(record: dict[str, Any]) -> dict[str, Any]:
    """Test accuracy with its interval: over seeds where there are several, else over the test pictures."""
    if "seeds" in record:
        return record["seeds"]["test/accuracy"]
    metrics = record["metrics"]["test"]
    ends = {"low95": metrics["accuracy_low95"], "high95": metrics["accuracy_high95"]}
    return dict(across_seeds([metrics["accuracy"]])) | ends


def _rung(config: ImageExperiment, record: dict[str, Any], difference: Difference | None) -> ComparedRun:
    return ComparedRun(
        parameters=record["parameters"]["trainable"],
        test=test_accuracy(record),
        train=measured(record, "train", "accuracy")["value"],
        published=config.published,
        seconds=record["seconds"]["total"],
        difference=difference,
        baselines=record.get("baselines", {}).get("test"),
    )
