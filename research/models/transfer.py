"""A pretrained backbone under a new head, and the split of the net into a frozen and a trained part."""

from collections.abc import Collection
from typing import Literal, NamedTuple

from research.errors import UserError
from research.models import squeezenet, vgg16
from research.models.custom import CustomNet
from research.models.layers import Conv, Convention, Dense, Dropout, Flatten, GlobalPool
from research.models.network import INPUT, Handle, Network, beyond, network, upto, wire
from research.models.own_base import BASE, OwnBase

Backbone = Literal["squeezenet", "vgg16"]


class SplitNet(NamedTuple):
    """A net in two parts: `below`, which is frozen, and `above`, which is trained and reads the output of `below`."""

    below: Network
    above: Network


def transfer_net(
    backbone: Backbone | CustomNet,
    convention: Convention,
    outputs: int,
    *,
    pooling: Literal["avg", "max", "flatten"] = "avg",
    hidden: tuple[int, ...] = (),
    dropout: float = 0.0,
) -> Network:
    """RGB pixels 0..255 [B, H, W, 3] -> logits [B, outputs]; the head's layers are called head/...

    The `convention` is that of a named backbone; a net of one's own has its preprocessing in itself.
    """
    handle = _base(backbone, convention)
    join = Flatten(name="head/flatten") if pooling == "flatten" else GlobalPool(pooling, name="head/pool")
    handle = wire(join, handle)
    for position, features in enumerate((*hidden, outputs), start=1):
        if dropout:
            handle = wire(Dropout(dropout, name=f"head/dropout{position}"), handle)
        last = position > len(hidden)
        name, activation = ("head/logits", "linear") if last else (f"head/dense{position}", "relu")
        handle = wire(Dense(features, activation=activation, name=name), handle)
    return network(handle)


def frozen_layers(net: Network, fine_tune: int) -> list[str]:
    """The backbone's layers with weights except the last `fine_tune`. Raises UserError when there are fewer."""
    layers = [name for name in _weighted(net) if not name.startswith("head/")]
    if fine_tune > len(layers):
        raise UserError(f"model.fine_tune is {fine_tune}, but the backbone has {len(layers)} layers with weights")
    if fine_tune and BASE in layers:
        raise UserError(f"model.fine_tune is {fine_tune}, but a base of your own stays as it is: leave it at 0")
    return layers[: len(layers) - fine_tune]


def split_net(net: Network, frozen: Collection[str]) -> SplitNet | None:
    """`net` in two parts, of which `below` is as large as possible and has only `frozen` layers.

    Dropout stays above, because it varies from step to step, and so do branches that join above. None when `below`
    would have no weights.
    """
    for index in range(len(net.names) - 2, -1, -1):
        below = upto(net, net.names[index])
        steady = not any(isinstance(layer, Dropout) for layer in below.layers)
        if steady and _weighted(below) and set(_weighted(below)) <= set(frozen):
            try:
                return SplitNet(below, beyond(net, net.names[index]))
            except ValueError:  # another branch passes by this layer
                continue
    return None


def _weighted(net: Network) -> list[str]:
    kinds = Conv | Dense | OwnBase
    return [name for name, layer in zip(net.names, net.layers, strict=True) if isinstance(layer, kinds)]


def _base(backbone: Backbone | CustomNet, convention: Convention) -> Handle:
    if isinstance(backbone, CustomNet):
        return wire(OwnBase(backbone, name=BASE), INPUT)
    if backbone == "squeezenet":
        return squeezenet.base(convention)
    handle = INPUT
    for layer in vgg16.base(convention):
        handle = wire(layer, handle)
    return handle
