"""Predictors of tables: the functions that `research.experiment.task.Task` lists."""

from typing import TYPE_CHECKING, Literal

from research.experiment.tables.build import build, check_files, data_id, training_metrics
from research.experiment.tables.comparison import compare_runs
from research.experiment.tables.describe import closing_lines, describe_data, result_tables
from research.experiment.tables.evaluate import evaluate
from research.experiment.tables.exported import exported
from research.experiment.tables.frames import with_data
from research.experiment.tables.predict import load, predict
from research.experiment.tables.publish import publish, record_fields

if TYPE_CHECKING:
    from research.config import TableExperiment
    from research.experiment.tables import task
    from research.experiment.tables.build import TablePlan
    from research.experiment.tables.evaluate import TableEvaluation
    from research.experiment.task import Task

    TYPED: Task[TableExperiment, TablePlan, TableEvaluation] = task

__all__ = [
    "answers",
    "build",
    "check_files",
    "closing_lines",
    "compare_runs",
    "data_id",
    "describe_data",
    "evaluate",
    "examples",
    "exported",
    "load",
    "predict",
    "publish",
    "record_fields",
    "result_tables",
    "training_metrics",
    "with_data",
]

answers: Literal["json", "csv"] = "csv"
examples = "rows"
