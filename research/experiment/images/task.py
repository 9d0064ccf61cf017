"""Classifying pictures, as a task."""

from research.experiment.images import build, compare, predict, publish, transfer
from research.experiment.images import describe as words
from research.experiment.images import evaluate as judge
from research.experiment.task import Task

IMAGES = Task(
    examples="pictures",
    build=build.build,
    describe_data=words.describe_data,
    judge=judge.judge,
    described=publish.described,
    publish=publish.publish,
    result_tables=words.result_tables,
    check_files=transfer.check_weights,
    data_id=lambda parts: parts.data.pictures,
    predict=predict.predict,
    compare_runs=compare.compare_runs,
    verdict=judge.verdict,
    concluded=words.concluded,
)
