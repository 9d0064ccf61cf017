"""Which kind of experiment a configuration describes."""

from research.config import Experiment, ImageExperiment
from research.experiment.task import Task


def task_of(config: Experiment) -> Task:
    """The kind of experiment that `config` describes; the other is not imported, which a start would wait for."""
    if isinstance(config, ImageExperiment):
        from research.experiment.images.task import IMAGES as TASK
    else:
        from research.experiment.series.task import SERIES as TASK
    return TASK
