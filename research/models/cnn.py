"""The convolutional classifier: convolutions with a pool after each but the last, then dense layers."""

from research.models.layers import Conv, Dense, Dropout, Flatten, Layer, MaxPool, Padding, Rescale
from research.models.network import Network, sequence


def cnn(
    channels: tuple[int, ...],
    hidden: tuple[int, ...],
    outputs: int,
    *,
    kernel: int = 3,
    padding: Padding = "valid",
    dropout: float = 0.0,
) -> Network:
    """Pixels [B, H, W, C] -> logits [B, outputs].

    `channels=(32, 64, 64), hidden=(64,), outputs=10` on 28x28x1 is the course's digit net: 320 + 18,496 + 36,928 +
    36,928 + 650 = 93,322 parameters. Dropout, where asked for, stands before each dense layer.
    """
    layers: list[Layer] = [Rescale(name="rescale")]
    for place, features in enumerate(channels, start=1):
        layers.append(Conv(features, size=(kernel, kernel), padding=padding, name=f"conv{place}"))
        if place < len(channels):
            layers.append(MaxPool(name=f"pool{place}"))
    layers.append(Flatten(name="flatten"))
    for place, features in enumerate((*hidden, outputs), start=1):
        last = place > len(hidden)
        if dropout:
            layers.append(Dropout(dropout, name=f"dropout{place}"))
        layers.append(
            Dense(features, activation="linear" if last else "relu", name="logits" if last else f"dense{place}")
        )
    return sequence(*layers)
