"""An experiment: its data, its net and its training."""

import dataclasses
from typing import Annotated, Literal

import pydantic
import tyro
from annotated_types import Gt

from research.config.bounds import Accuracy, RunConfig, Source
from research.config.images import Augmentation, ConvNet, Custom, DenseNet, ImageData, Net, PretrainedNet
from research.config.series import ConvForecaster, DenseForecaster, Forecast, RecurrentForecaster, SeriesData
from research.config.tables import Prediction, TableData, TableNet
from research.config.training import Optimizer, Training


@dataclasses.dataclass(frozen=True)
class Experiment(RunConfig):
    """The fields of all kinds of experiment. On the same machine and versions, the same fields give the same bits.

    A new kind is a frozen subclass of this class and a package of the library. The subclass
    - gives `kind` a `Literal["NAME"]` of its own, suppressed as a flag, which is the tag in JSON;
    - gives `data` its own subclass of `Source`, and adds `model` and `published` (None, or what others report);
    - is imported in `research/config/__init__.py`, so that JSON finds it.
    The package is `research/experiment/NAME/`; its module `task` defines all of `research.experiment.task.Task`. It is
    imported when an experiment of its kind runs. Nothing else names the kinds.
    """

    optimizer: Optimizer = Optimizer()
    train: Training = Training()
    start: str | None = None
    """A finished run, or a file of arrays, whose parameters each seed starts from, matched by name."""
    data: Source = dataclasses.field(default_factory=Source)


@dataclasses.dataclass(frozen=True)
class ImageExperiment(Experiment):
    """A classifier of pictures."""

    kind: Annotated[Literal["images"], tyro.conf.Suppress] = "images"
    data: ImageData = ImageData()
    model: Annotated[DenseNet | ConvNet | PretrainedNet | Net | Custom, pydantic.Field(discriminator="kind")] = (
        ConvNet()
    )
    augment: Augmentation = Augmentation()
    published: tuple[Accuracy, Accuracy] | None = None
    """Test accuracy that others report for this experiment, from low to high: drawn beside ours in comparisons."""


@dataclasses.dataclass(frozen=True)
class SeriesExperiment(Experiment):
    """A forecaster of series."""

    kind: Annotated[Literal["series"], tyro.conf.Suppress] = "series"
    data: SeriesData = dataclasses.field(default_factory=SeriesData)
    model: Annotated[DenseForecaster | ConvForecaster | RecurrentForecaster, pydantic.Field(discriminator="kind")] = (
        dataclasses.field(default_factory=RecurrentForecaster)
    )
    forecast: Forecast = dataclasses.field(default_factory=Forecast)
    published: Annotated[float, Gt(0.0)] | None = None
    """Mean absolute error on test that others report for this experiment, shown beside ours in comparisons."""


@dataclasses.dataclass(frozen=True)
class TableExperiment(Experiment):
    """A predictor of one column of a table from the others."""

    kind: Annotated[Literal["tables"], tyro.conf.Suppress] = "tables"
    data: TableData = dataclasses.field(default_factory=TableData)
    model: TableNet = dataclasses.field(default_factory=TableNet)
    prediction: Prediction = dataclasses.field(default_factory=Prediction)
    published: Annotated[float, Gt(0.0)] | None = None
    """Test error that others report for this experiment: mean absolute error, or accuracy of classes."""
