"""The classifiers of small pictures: convolutions with pools between them and dense layers, or dense layers alone."""

from typing import Literal

from research.models.layer import Layer
from research.models.layers import BinaryLogits, Conv, Dense, Dropout, Flatten, MaxPool, Padding, Rescale
from research.models.network import INPUT, Network, network, sequence, wire


def cnn(
    channels: tuple[int, ...],
    hidden: tuple[int, ...],
    outputs: int,
    *,
    kernel: int = 3,
    padding: Padding = "valid",
    pool_last: bool = False,
    output: Literal["softmax", "sigmoid"] = "softmax",
    dropout: float = 0.0,
) -> Network:
    """Pixels [B, H, W, C] -> logits [B, outputs].

    `channels=(32, 64, 64), hidden=(64,), outputs=10` on 28x28x1 is the course's digit net: 320 + 18,496 + 36,928 +
    36,928 + 650 = 93,322 parameters. With a `dropout` rate, dropout precedes each dense layer. A pool follows each
    convolution except the last one, unless `pool_last`. A "sigmoid" output has one unit for two classes; other numbers
    of `outputs` raise ValueError then.
    """
    layers: list[Layer] = [Rescale(name="rescale")]
    for position, features in enumerate(channels, start=1):
        layers.append(Conv(features, size=(kernel, kernel), padding=padding, name=f"conv{position}"))
        if position < len(channels) or pool_last:
            layers.append(MaxPool(name=f"pool{position}"))
    layers.append(Flatten(name="flatten"))
    for position, features in enumerate(hidden, start=1):
        layers += [*_dropout(dropout, position), Dense(features, name=f"dense{position}")]
    layers += _dropout(dropout, len(hidden) + 1)
    if output == "softmax":
        return sequence(*layers, Dense(outputs, activation="linear", name="logits"))
    if outputs != 2:
        raise ValueError(f"one unit tells two classes apart, not {outputs}")
    return sequence(*layers, Dense(1, activation="linear", name="odds"), BinaryLogits(name="logits"))


def dense_sequence(hidden: tuple[int, ...], outputs: int, dropout: float = 0.0) -> Network:
    """A sequence of dense layers. Pixels [B, H, W, C] -> logits [B, outputs]; 407,050 parameters for 784-512-10."""
    layers: list[Layer] = [Rescale(name="rescale"), Flatten(name="flatten")]
    for position, features in enumerate(hidden, start=1):
        layers.append(Dense(features, name=f"dense{position}"))
        if dropout:
            layers.append(Dropout(dropout, name=f"dropout{position}"))
    return sequence(*layers, Dense(outputs, activation="linear", name="logits"))


def dense_wired(hidden: tuple[int, ...], outputs: int, dropout: float = 0.0) -> Network:
    """The same net with the same leaves, wired output to input."""
    handle = wire(Flatten(name="flatten"), wire(Rescale(name="rescale"), INPUT))
    for position, features in enumerate(hidden, start=1):
        handle = wire(Dense(features, name=f"dense{position}"), handle)
        if dropout:
            handle = wire(Dropout(dropout, name=f"dropout{position}"), handle)
    return network(wire(Dense(outputs, activation="linear", name="logits"), handle))


def _dropout(rate: float, position: int) -> list[Layer]:
    return [Dropout(rate, name=f"dropout{position}")] if rate else []
