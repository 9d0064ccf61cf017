"""Forecasting series, as a task."""

from research.experiment.series import build, compare, predict, publish
from research.experiment.series import describe as words
from research.experiment.series import evaluate as judge
from research.experiment.task import Task

SERIES = Task(
    examples="windows",
    build=build.build,
    describe_data=words.describe_data,
    judge=judge.judge,
    described=publish.described,
    publish=publish.publish,
    result_tables=words.result_tables,
    check_files=build.check_files,
    data_id=publish.data_id,
    predict=predict.predict,
    compare_runs=compare.compare_runs,
)
