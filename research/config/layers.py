"""The layers that a `Net` is made of, as data. Numbers of inputs follow from the layers before."""

import dataclasses
from typing import Annotated, Literal

import pydantic
import tyro

from research.config.bounds import Positive, Section, Share, Width

Activation = Literal["linear", "relu", "tanh", "sigmoid"]
Padding = Literal["same", "valid"]
Side = Annotated[int, pydantic.Field(gt=0, le=255)]


@dataclasses.dataclass(frozen=True)
class Conv(Section):
    """A convolution with square kernels."""

    features: Width
    size: Side = 3
    stride: Side = 1
    padding: Padding = "same"
    activation: Activation = "relu"
    bias: bool = True
    kind: Annotated[Literal["conv"], tyro.conf.Suppress] = "conv"


@dataclasses.dataclass(frozen=True)
class DepthwiseConv(Section):
    """A convolution of each channel with a kernel of its own."""

    size: Side = 3
    stride: Side = 1
    padding: Padding = "same"
    activation: Activation = "relu"
    kind: Annotated[Literal["depthwise_conv"], tyro.conf.Suppress] = "depthwise_conv"


@dataclasses.dataclass(frozen=True)
class Pool(Section):
    """The largest value or the mean of windows, which are `stride` apart, by default adjacent."""

    size: Side = 2
    stride: Side | None = None
    mode: Literal["max", "avg"] = "max"
    kind: Annotated[Literal["pool"], tyro.conf.Suppress] = "pool"


@dataclasses.dataclass(frozen=True)
class GlobalPool(Section):
    """The mean or the largest value of each channel over all positions."""

    mode: Literal["avg", "max"] = "avg"
    kind: Annotated[Literal["global_pool"], tyro.conf.Suppress] = "global_pool"


@dataclasses.dataclass(frozen=True)
class BatchNorm(Section):
    """Normalization of each channel over the batch, with running statistics for evaluation."""

    activation: Activation = "linear"
    momentum: Share = 0.9
    kind: Annotated[Literal["batch_norm"], tyro.conf.Suppress] = "batch_norm"


@dataclasses.dataclass(frozen=True)
class GroupNorm(Section):
    """Normalization of groups of channels within each picture."""

    groups: Positive = 8
    activation: Activation = "linear"
    kind: Annotated[Literal["group_norm"], tyro.conf.Suppress] = "group_norm"


@dataclasses.dataclass(frozen=True)
class Dropout(Section):
    """A share of values dropped in training."""

    rate: Share
    kind: Annotated[Literal["dropout"], tyro.conf.Suppress] = "dropout"


@dataclasses.dataclass(frozen=True)
class Flatten(Section):
    """All positions and channels as one vector."""

    kind: Annotated[Literal["flatten"], tyro.conf.Suppress] = "flatten"


@dataclasses.dataclass(frozen=True)
class Dense(Section):
    """A fully connected layer on a vector."""

    features: Width
    activation: Activation = "relu"
    kind: Annotated[Literal["dense"], tyro.conf.Suppress] = "dense"


@dataclasses.dataclass(frozen=True)
class Subsample(Section):
    """Every `stride`-th position, with channels of zeros up to `features`: a shortcut without parameters."""

    features: Width
    stride: Side = 2
    kind: Annotated[Literal["subsample"], tyro.conf.Suppress] = "subsample"


@dataclasses.dataclass(frozen=True)
class Residual(Section):
    """The output of `layers` plus that of `shortcut`, which by default is what `layers` reads."""

    layers: tuple["Part", ...]
    shortcut: tuple["Part", ...] = ()
    activation: Activation = "relu"
    kind: Annotated[Literal["residual"], tyro.conf.Suppress] = "residual"


Part = Annotated[
    Conv | DepthwiseConv | Pool | GlobalPool | BatchNorm | GroupNorm | Dropout | Flatten | Dense | Subsample | Residual,
    pydantic.Field(discriminator="kind"),
]
