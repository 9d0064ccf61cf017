"""The comparison of predictors of one table: errors beside each other, and differences over the same splits."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np

from research.config import ImageExperiment, TableExperiment
from research.evaluation.comparison import compare_splits, correct_for_several, paired
from research.experiment.histories import histories_of
from research.experiment.images.paired_comparison import compare_runs as compare_classifiers
from research.experiment.tables.saved_predictions import Predictions, read_predictions
from research.experiment.task import ComparedRuns
from research.report.comparison_text import difference_text
from research.report.curves import losses_by_kind
from research.report.record import measured, score_on_test
from research.report.regression_tables import compared

Record = Mapping[str, Any]
Entries = Mapping[str, tuple[TableExperiment, Path]]


def compare_runs(entries: Entries, records: Mapping[str, Record]) -> ComparedRuns:
    """The errors of all runs, each compared with the first: by folds, or by seeds with one split."""
    if next(iter(records.values()))["data"]["classes"]:
        return compare_classifiers(cast(Mapping[str, tuple[ImageExperiment, Path]], entries), records)
    differences = _differences(entries)
    by_name = {difference["a"]: difference for difference in differences}
    rows = {name: _row(name, config, records[name], by_name.get(name)) for name, (config, _) in entries.items()}
    unit = next(iter(entries.values()))[0].data.unit
    histories = {name: histories_of(run_dir) for name, (_, run_dir) in entries.items()}
    return ComparedRuns(
        metric="mae",
        unit=unit,
        rows=rows,
        differences=differences,
        sentences=[difference_text(difference, "mae", unit) for difference in differences],
        tables=[compared(list(rows.values()), unit)],
        figures=losses_by_kind(histories, {name: _loss(config) for name, (config, _) in entries.items()}, "rows"),
    )


def _row(name: str, config: TableExperiment, record: Record, difference: Mapping[str, Any] | None) -> dict[str, Any]:
    return {
        "name": name,
        **score_on_test(record, "mae"),
        "rmsle": measured(record, "test", "rmsle"),
        "parameters": record["parameters"]["trainable"],
        "published": config.published,
        "seconds": record["seconds"]["total"],
        "difference": difference,
    }


def _differences(entries: Entries) -> list[dict[str, Any]]:
    """The difference in mean absolute error of each run but the first to the first, p corrected for their number."""
    saved = {name: read_predictions(run_dir) for name, (_, run_dir) in entries.items()}
    first, *others = saved
    found = [{"a": name, "b": first} | _difference(saved[name], saved[first]) for name in others]
    correct_for_several(found)
    return found


def _difference(ours: Predictions, theirs: Predictions) -> dict[str, Any]:
    """The difference of mean absolute errors: of the mean of all seeds over folds, or seed by seed with one split."""
    if len(np.unique(ours.folds)) > 1:
        return dict(compare_splits(_by_fold(ours), _by_fold(theirs), ours.test_share))
    values = [[float(np.abs(each - run.truth).mean()) for each in run.models.values()] for run in (ours, theirs)]
    return dict(paired(*values))


def _by_fold(run: Predictions) -> list[float]:
    errors = np.abs(np.mean(list(run.models.values()), axis=0) - run.truth)
    return [float(errors[run.folds == fold].mean()) for fold in np.unique(run.folds)]


def _loss(config: TableExperiment) -> str:
    """The loss in words: curves of different losses, or of differently scaled targets, are not comparable."""
    return f"{config.prediction.loss}{' of the logarithm' if config.data.log_target else ''}"
