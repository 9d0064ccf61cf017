"""The convolutional classifier: convolutions with pools between them, then dense layers."""

from typing import Literal

from research.models.layer import Layer
from research.models.layers import BinaryLogits, Conv, Dense, Dropout, Flatten, MaxPool, Padding, Rescale
from research.models.network import Network, sequence


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
    36,928 + 650 = 93,322 parameters. Dropout, where asked for, stands before each dense layer. A pool follows each
    convolution but the last, and that too with `pool_last`. A "sigmoid" output tells two classes apart by one unit.
    """
    layers: list[Layer] = [Rescale(name="rescale")]
    for place, features in enumerate(channels, start=1):
        layers.append(Conv(features, size=(kernel, kernel), padding=padding, name=f"conv{place}"))
        if place < len(channels) or pool_last:
            layers.append(MaxPool(name=f"pool{place}"))
    layers.append(Flatten(name="flatten"))
    for place, features in enumerate(hidden, start=1):
        layers += [*_dropout(dropout, place), Dense(features, name=f"dense{place}")]
    layers += _dropout(dropout, len(hidden) + 1)
    if output == "softmax":
        return sequence(*layers, Dense(outputs, activation="linear", name="logits"))
    if outputs != 2:
        raise ValueError(f"one unit tells two classes apart, not {outputs}")
    return sequence(*layers, Dense(1, activation="linear", name="odds"), BinaryLogits(name="logits"))


def _dropout(rate: float, place: int) -> list[Layer]:
    return [Dropout(rate, name=f"dropout{place}")] if rate else []
