"""The dense classifier (784-512-10 on MNIST), built in the course's two ways."""

from research.models.layer import Layer
from research.models.layers import Dense, Dropout, Flatten, Rescale
from research.models.network import INPUT, Network, network, sequence, wire


def dense_sequence(hidden: tuple[int, ...], outputs: int, dropout: float = 0.0) -> Network:
    """As a sequence of layers. Pixels [B, H, W, C] -> logits [B, outputs]; 407,050 parameters for 784-512-10."""
    layers: list[Layer] = [Rescale(name="rescale"), Flatten(name="flatten")]
    for place, features in enumerate(hidden, start=1):
        layers.append(Dense(features, name=f"dense{place}"))
        if dropout:
            layers.append(Dropout(dropout, name=f"dropout{place}"))
    return sequence(*layers, Dense(outputs, activation="linear", name="logits"))


def dense_wired(hidden: tuple[int, ...], outputs: int, dropout: float = 0.0) -> Network:
    """The same net, leaf for leaf, by wiring outputs to inputs."""
    handle = wire(Flatten(name="flatten"), wire(Rescale(name="rescale"), INPUT))
    for place, features in enumerate(hidden, start=1):
        handle = wire(Dense(features, name=f"dense{place}"), handle)
        if dropout:
            handle = wire(Dropout(dropout, name=f"dropout{place}"), handle)
    return network(wire(Dense(outputs, activation="linear", name="logits"), handle))
