"""The configuration of double descent: over the width of a model, and over the steps of a training."""

import dataclasses
from typing import Annotated, Literal

import tyro
from annotated_types import Ge, Gt, Interval, MinLen

from research.config.bounds import Epochs, Positive, RunConfig, Section, Share, Width, Widths

Rate = Annotated[float, Interval(gt=0.0, le=1e3)]
PerGroup = MinLen(1)  # one value for each group of features
Loss = Literal["cross_entropy", "squared_error"]


@dataclasses.dataclass(frozen=True)
class MlpWidths(Section):
    """Nets of one hidden layer and many widths, trained with Adam."""

    widths: Widths = (4, 6, 8, 10, 12, 16, 20, 24, 32, 48, 64, 96, 128, 256, 512)
    """Hidden units, increasing."""
    loss: Loss = "cross_entropy"
    epochs: Annotated[Epochs, Ge(1)] = 600
    batch_size: Positive = 100
    learning_rate: Rate = 3e-3


@dataclasses.dataclass(frozen=True)
class MlpEpochs(Section):
    """One net of one hidden layer, trained with Adam and measured over epochs."""

    width: Width = 512
    """Hidden units."""
    loss: Loss = "squared_error"
    epochs: Annotated[Epochs, Ge(2)] = 500
    batch_size: Positive = 10
    learning_rate: Rate = 3e-3
    factors: Annotated[tuple[tuple[Annotated[float, Ge(0.0)], Annotated[float, Ge(0.0)]], ...], MinLen(1)] = (
        (1.0, 1.0),
        (1.0, 0.001),
        (0.01, 1.0),
    )
    """Factors of the learning rate, of the hidden and of the output layer: a curve for each pair."""


@dataclasses.dataclass(frozen=True)
class TwoScales(Section):
    """Linear regression on groups of features of different scales, by gradient descent (Heckel & Yilmaz 2021)."""

    rows: Positive = 1000
    """Training rows."""
    features: Annotated[tuple[Width, ...], PerGroup] = (100, 30)
    """Number of features in each group."""
    scales: Annotated[tuple[Annotated[float, Gt(0.0)], ...], PerGroup] = (1.0, 0.1)
    """Standard deviation of the features in each group."""
    coefficients: Annotated[tuple[float, ...], PerGroup] = (0.07, 1.8)
    """True coefficient of each feature of a group; not zero."""
    noise_variance: Annotated[float, Gt(0.0)] = 10.0
    step_size: Rate = 0.01
    steps: Annotated[int, Interval(ge=2, le=10**7)] = 100_000


@dataclasses.dataclass(frozen=True)
class DoubleDescent(RunConfig):
    """A measurement of double descent; classification is of the embedded digits."""

    seeds: Annotated[int, Interval(ge=2, le=100)] = 5
    """Number of seeds, from `seed` upwards: of the rows, the noise, the weights and the batches."""
    rows: Positive = 500
    """Training rows of the digits; the others are the test rows."""


@dataclasses.dataclass(frozen=True)
class WidthDescent(DoubleDescent):
    """Double descent over the width: random features, and a trained net."""

    kind: Annotated[Literal["widths"], tyro.conf.Suppress] = "widths"
    noises: Annotated[tuple[Share, ...], MinLen(1)] = (0.0, 0.2)
    """Shares of the training labels that are replaced by a wrong one."""
    features: Widths = (100, 200, 300, 400, 500, 600, 800, 1000, 2000)
    """Numbers of random ReLU features, increasing."""
    mlp: MlpWidths = MlpWidths()


@dataclasses.dataclass(frozen=True)
class EpochDescent(DoubleDescent):
    """Double descent over steps: gradient descent on features of two scales, and a net on noisy labels."""

    kind: Annotated[Literal["epochs"], tyro.conf.Suppress] = "epochs"
    noise: Share = 0.2
    """Share of the training labels that are replaced by a wrong one."""
    two_scales: TwoScales = TwoScales()
    mlp: MlpEpochs = MlpEpochs()
