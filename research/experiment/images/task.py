"""Picture classifiers: the functions that `research.experiment.task.Task` lists."""

from typing import TYPE_CHECKING, Literal

from research.experiment.images.arrays import with_data
from research.experiment.images.build import build, training_metrics
from research.experiment.images.describe import closing_lines, describe_data, result_tables
from research.experiment.images.evaluate import evaluate
from research.experiment.images.exported import exported
from research.experiment.images.load_trained import load
from research.experiment.images.paired_comparison import compare_runs
from research.experiment.images.predict import predict
from research.experiment.images.publish import data_id, publish, record_fields
from research.experiment.images.transfer import check_weights as check_files

if TYPE_CHECKING:
    from research.config import ImageExperiment
    from research.evaluation.classification import Classification
    from research.experiment.images import task
    from research.experiment.images.build import ImagePlan
    from research.experiment.task import Task

    TYPED: Task[ImageExperiment, ImagePlan, Classification] = task

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
examples = "pictures"
