"""The comparison of predictors of one table: errors beside each other, and differences over the same splits."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table

from research.config import TableExperiment
from research.evaluation.comparison import compare_splits, paired
from research.experiment.histories import histories_of
from research.experiment.images.paired_comparison import compare_runs as compare_classifiers
from research.experiment.tables.saved_predictions import Predictions, read_predictions
from research.files import write_bytes
from research.report.curves import losses
from research.report.record import measured
from research.report.regression_tables import compared

Record = dict[str, Any]


def compare_runs(
    entries: Sequence[tuple[TableExperiment, Path]], records: dict[str, Record], figure: Path
) -> tuple[dict[str, Any], Sequence[Table]]:
    """A row for each run, with its difference to the first: by folds or by seeds. Draws the training curves."""
    if next(iter(records.values()))["data"]["classes"]:
        return compare_classifiers(entries, records, figure)  # pyright: ignore[reportArgumentType]
    saved = {config.name: read_predictions(run_dir) for config, run_dir in entries}
    first = next(iter(saved))
    rows = {
        config.name: {
            "name": config.name,
            "mae": measured(records[config.name], "test", "mae"),
            "rmsle": measured(records[config.name], "test", "rmsle"),
            "parameters": records[config.name]["parameters"]["trainable"],
            "published": config.published,
            "seconds": records[config.name]["seconds"]["total"],
            "difference": None if config.name == first else _difference(saved[config.name], saved[first]),
        }
        for config, _ in entries
    }
    write_bytes(figure, losses({config.name: histories_of(run_dir) for config, run_dir in entries}))
    return rows, [compared(list(rows.values()), entries[0][0].data.unit)]


def _difference(ours: Predictions, theirs: Predictions) -> dict[str, Any]:
    """The difference of mean absolute errors: of the mean of all seeds over folds, or seed by seed with one split."""
    if len(np.unique(ours.folds)) > 1:
        return dict(compare_splits(_by_fold(ours), _by_fold(theirs), ours.test_share))
    values = [[float(np.abs(each - run.truth).mean()) for each in run.models.values()] for run in (ours, theirs)]
    return dict(paired(*values))


def _by_fold(run: Predictions) -> list[float]:
    errors = np.abs(np.mean(list(run.models.values()), axis=0) - run.truth)
    return [float(errors[run.folds == fold].mean()) for fold in np.unique(run.folds)]
