"""A pretrained backbone under a head of its own, and where the two are cut: below, nothing is trained."""

from collections.abc import Collection
from typing import Literal, NamedTuple

from research.errors import UserError
from research.models import squeezenet, vgg16
from research.models.layers import Conv, Convention, Dense, Dropout, Flatten, GlobalPool
from research.models.network import INPUT, Handle, Network, beyond, network, upto, wire

Backbone = Literal["squeezenet", "vgg16"]


class Cut(NamedTuple):
    """`below` is run once and for all; `above`, which is trained, reads its output."""

    below: Network
    above: Network


def transfer_net(
    backbone: Backbone,
    convention: Convention,
    outputs: int,
    *,
    pooling: Literal["avg", "max", "flatten"] = "avg",
    hidden: tuple[int, ...] = (),
    dropout: float = 0.0,
) -> Network:
    """RGB pixels 0..255 [B, H, W, 3] -> logits [B, outputs]; the head's layers are called head/..."""
    handle = _base(backbone, convention)
    join = Flatten(name="head/flatten") if pooling == "flatten" else GlobalPool(pooling, name="head/pool")
    handle = wire(join, handle)
    for place, features in enumerate((*hidden, outputs), start=1):
        if dropout:
            handle = wire(Dropout(dropout, name=f"head/dropout{place}"), handle)
        last = place > len(hidden)
        name, activation = ("head/logits", "linear") if last else (f"head/dense{place}", "relu")
        handle = wire(Dense(features, activation=activation, name=name), handle)
    return network(handle)


def frozen_layers(net: Network, fine_tune: int) -> list[str]:
    """The backbone's layers with weights but the last `fine_tune`. Raises UserError when there are not so many."""
    layers = [name for name in _weighty(net) if not name.startswith("head/")]
    if fine_tune > len(layers):
        raise UserError(f"model.fine_tune is {fine_tune}, but the backbone has {len(layers)} layers with weights")
    return layers[: len(layers) - fine_tune]


def cut(net: Network, frozen: Collection[str]) -> Cut | None:
    """`net` cut as high as can be with only `frozen` layers below; None when those below would have no weights.

    What varies from step to step (dropout) stays above, and what joins several ways through the net in one piece.
    """
    for place in range(len(net.names) - 2, -1, -1):
        below = upto(net, net.names[place])
        steady = not any(isinstance(layer, Dropout) for layer in below.layers)
        if steady and _weighty(below) and set(_weighty(below)) <= set(frozen):
            try:
                return Cut(below, beyond(net, net.names[place]))
            except ValueError:  # not the only way through
                continue
    return None


def _weighty(net: Network) -> list[str]:
    return [name for name, layer in zip(net.names, net.layers, strict=True) if isinstance(layer, Conv | Dense)]


def _base(backbone: Backbone, convention: Convention) -> Handle:
    if backbone == "squeezenet":
        return squeezenet.base(convention)
    handle = INPUT
    for layer in vgg16.base(convention):
        handle = wire(layer, handle)
    return handle
