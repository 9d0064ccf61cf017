"""Which kind of experiment a configuration describes."""

from research.config import Experiment, ImageExperiment
from research.experiment.images.task import IMAGES
from research.experiment.series.task import SERIES
from research.experiment.task import Task


def task_of(config: Experiment) -> Task:
    """The kind of experiment that `config` describes."""
    return IMAGES if isinstance(config, ImageExperiment) else SERIES
