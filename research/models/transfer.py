"""A pretrained backbone under a head of its own, and where the two are cut: below, nothing is trained."""

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


def cut(net: Network, fine_tune: int) -> Cut:
    """`net` of `transfer_net`, cut so that of the backbone only the last `fine_tune` layers with weights lie above.

    With none, the cut lies behind the head's pooling, so that what is kept is small. Raises UserError where layers
    that stand side by side would come to lie on both sides; it names the numbers that do.
    """
    convolutions = [name for name in net.names if not name.startswith("head/") and _weighs(net, name)]
    if fine_tune > len(convolutions):
        raise UserError(f"model.fine_tune is {fine_tune}, but the backbone has {len(convolutions)} layers with weights")
    if fine_tune == 0:
        return _cut_at(net, next(name for name in net.names if name.startswith("head/")))
    found = _above_last(net, convolutions, fine_tune)
    if found is None:
        fits = [n for n in range(1, len(convolutions) + 1) if _above_last(net, convolutions, n) is not None]
        numbers = ", ".join(map(str, [0, *fits]))
        raise UserError(f"model.fine_tune {fine_tune} would cut between layers side by side; take one of {numbers}")
    return found


def _above_last(net: Network, convolutions: list[str], count: int) -> Cut | None:
    first = net.names.index(convolutions[-count])
    (source,) = net.wires[first]
    try:
        found = _cut_at(net, net.names[source])
    except ValueError:
        return None
    trained = [name for name in found.above.names if name in convolutions]
    return found if len(trained) == count else None


def _cut_at(net: Network, name: str) -> Cut:
    return Cut(upto(net, name), beyond(net, name))


def _weighs(net: Network, name: str) -> bool:
    return isinstance(net.layers[net.names.index(name)], Conv)


def _base(backbone: Backbone, convention: Convention) -> Handle:
    if backbone == "squeezenet":
        return squeezenet.base(convention)
    handle = INPUT
    for layer in vgg16.base(convention):
        handle = wire(layer, handle)
    return handle
