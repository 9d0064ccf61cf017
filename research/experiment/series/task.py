"""Forecasters of series: the functions that `research.experiment.task.Task` lists."""

from typing import TYPE_CHECKING, Literal

from research.experiment.series.build import build, check_files, training_metrics, with_data
from research.experiment.series.describe import closing_lines, describe_data, result_tables
from research.experiment.series.evaluate import evaluate
from research.experiment.series.exported import exported
from research.experiment.series.predict import load, predict
from research.experiment.series.publish import data_id, publish, record_fields
from research.experiment.series.ranked_comparison import compare_runs

if TYPE_CHECKING:
    from research.config import SeriesExperiment
    from research.experiment.series import task
    from research.experiment.series.build import SeriesPlan
    from research.experiment.series.evaluate import ForecastEvaluation
    from research.experiment.task import Task

    TYPED: Task[SeriesExperiment, SeriesPlan, ForecastEvaluation] = task

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

answers: Literal["json", "csv"] = "json"
examples = "windows"
