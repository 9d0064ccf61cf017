"""Classifying pictures, as a task."""

from research.experiment.images import build, compare, judge, predict, publish, transfer, words
from research.experiment.task import Task

IMAGES = Task(
    examples="pictures",
    build=build.build,
    introduced=words.introduced,
    judge=judge.judge,
    described=publish.described,
    publish=publish.publish,
    tabled=words.tabled,
    check_files=transfer.check_weights,
    told_apart=lambda parts: parts.data.pictures,
    predict=predict.predict,
    contrasted=compare.contrasted,
    verdict=judge.verdict,
    concluded=words.concluded,
)
