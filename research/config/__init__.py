"""The configuration of an experiment: frozen dataclasses; each field is a typed flag and goes to JSON and back.

Bounds are annotations (`Gt`, `Interval`), checked by `validated` for values from files and from the command line
alike. Where there are several kinds (of experiment, of model), the `kind` tag tells them apart in JSON.
"""

from research.config.attack import OnePixel
from research.config.bounds import RunConfig
from research.config.documents import (
    fields_of,
    fingerprint,
    from_json,
    identity,
    kinds_of,
    load,
    relocated,
    to_json,
    validated,
    within_bounds,
)
from research.config.double_descent import DoubleDescent, EpochDescent, MlpEpochs, MlpWidths, TwoScales, WidthDescent
from research.config.experiment import Experiment, ImageExperiment, SeriesExperiment, TableExperiment
from research.config.images import Augmentation, ConvNet, Custom, DenseNet, ImageData, Net, PretrainedNet, own_net
from research.config.microscope import Microscope
from research.config.series import ConvForecaster, DenseForecaster, Forecast, RecurrentForecaster, SeriesData
from research.config.tables import Prediction, TableData, TableNet
from research.config.training import Optimizer, Training

__all__ = [
    "Augmentation",
    "ConvForecaster",
    "ConvNet",
    "Custom",
    "DenseForecaster",
    "DenseNet",
    "DoubleDescent",
    "EpochDescent",
    "Experiment",
    "Forecast",
    "ImageData",
    "ImageExperiment",
    "Microscope",
    "MlpEpochs",
    "MlpWidths",
    "Net",
    "OnePixel",
    "Optimizer",
    "Prediction",
    "PretrainedNet",
    "RecurrentForecaster",
    "RunConfig",
    "SeriesData",
    "SeriesExperiment",
    "TableData",
    "TableExperiment",
    "TableNet",
    "Training",
    "TwoScales",
    "WidthDescent",
    "fields_of",
    "fingerprint",
    "from_json",
    "identity",
    "kinds_of",
    "load",
    "own_net",
    "relocated",
    "to_json",
    "validated",
    "within_bounds",
]
