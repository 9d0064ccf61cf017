"""The comparison of classifiers: accuracies in one figure, and differences in test accuracy paired by seed."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from research.config import ImageExperiment
from research.errors import warn
from research.evaluation.comparison import step_by_step
from research.experiment.histories import histories_of
from research.experiment.task import ComparedRuns
from research.report.comparison_text import difference_text
from research.report.image_comparison import ComparedRun, comparison_table
from research.report.image_comparison_figure import comparison_figure
from research.report.record import measured, score_on_test

Record = Mapping[str, Any]


def compare_runs(entries: Mapping[str, tuple[ImageExperiment, Path]], records: Mapping[str, Record]) -> ComparedRuns:
    """The accuracies of all runs, each paired by seed with the run before. Warns of seeds that learned nothing."""
    for name, record in records.items():
        for seed, why in record.get("learned_nothing", {}).items():
            warn(f"{name}, seed {seed}, learned nothing: {why}")
    steps = step_by_step({name: score_on_test(records[name], "accuracy")["values"] for name in entries})
    compared = {name: _compared(config, records[name], steps.get(name)) for name, (config, _) in entries.items()}
    before = dict(zip(list(entries)[1:], entries, strict=False))
    differences = [{"a": name, "b": before[name]} | step for name, step in steps.items()]
    histories = {name: histories_of(run_dir) for name, (_, run_dir) in entries.items()}
    return ComparedRuns(
        metric="accuracy",
        unit="",
        rows={name: _row(name, run) for name, run in compared.items()},
        differences=differences,
        sentences=[difference_text(difference, "accuracy") for difference in differences],
        tables=[comparison_table(compared)],
        figures={"accuracies": comparison_figure(compared, histories)},
    )


def _compared(config: ImageExperiment, record: Record, difference: Mapping[str, Any] | None) -> ComparedRun:
    return ComparedRun(
        parameters=record["parameters"]["trainable"],
        test=score_on_test(record, "accuracy"),
        train=measured(record, "train", "accuracy")["value"],
        published=config.published,
        seconds=record["seconds"]["total"],
        difference=difference,
        baselines=record.get("baselines", {}).get("test"),
    )


def _row(name: str, run: ComparedRun) -> dict[str, Any]:
    return {
        "name": name,
        **run.test,
        "train": run.train,
        "parameters": run.parameters,
        "published": run.published,
        "seconds": run.seconds,
        "difference": run.difference,
    }
