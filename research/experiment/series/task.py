"""Forecasting series, as a task."""

from research.experiment.series import build, compare, judge, predict, publish, words
from research.experiment.task import Task

SERIES = Task(
    examples="windows",
    build=build.build,
    introduced=words.introduced,
    judge=judge.judge,
    described=publish.described,
    publish=publish.publish,
    tabled=words.tabled,
    check_files=build.check_files,
    told_apart=publish.told_apart,
    predict=predict.predict,
    contrasted=compare.contrasted,
)
