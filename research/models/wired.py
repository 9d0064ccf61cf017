"""The network that a `Net` of the configuration describes."""

from collections import Counter
from collections.abc import Callable, Sequence

from research.config import Net, layers
from research.errors import UserError
from research.models.layer import Layer
from research.models.layers import (
    Add,
    AvgPool,
    Conv,
    Dense,
    DepthwiseConv,
    Dropout,
    Flatten,
    GlobalPool,
    MaxPool,
    Rescale,
    Shortcut,
    UnbiasedConv,
)
from research.models.network import INPUT, Handle, Network, network, wire
from research.models.normalization import BatchNorm, GroupNorm

MAPS = layers.Conv | layers.DepthwiseConv | layers.Pool | layers.GlobalPool | layers.Subsample


def wired_net(model: Net, outputs: int) -> Network:
    """`model` from pixels 0..255 [B, H, W, C] to `outputs` logits; layers are named by kind and number, `conv1`.

    Raises UserError where a layer of maps reads a vector, or a dense one maps.
    """
    names, scale = Counter(), (1 / 255, 0.0) if model.pixels == "unit" else (1 / 127.5, -1.0)
    handle, flat = _wired(model.layers, wire(Rescale(*scale, name="rescale"), INPUT), names, "model.layers", flat=False)
    if not flat:
        raise UserError("model.layers end in maps; the logits need a vector: end them with Flatten() or GlobalPool()")
    return network(wire(Dense(outputs, activation="linear", name="logits"), handle))


def _wired(
    parts: Sequence[layers.Part], handle: Handle, names: Counter[str], field: str, *, flat: bool
) -> tuple[Handle, bool]:
    """The output of `parts` on `handle`, and whether it is a vector, as `flat` says of what they read.

    `field` names `parts` in messages.
    """
    for index, part in enumerate(parts):
        own = f"{field}.{index}"
        if flat and isinstance(part, MAPS):
            raise UserError(f"{own}: {type(part).__name__} after a Flatten or GlobalPool; it reads maps")
        if not flat and isinstance(part, layers.Dense):
            raise UserError(f"{own}: Dense on maps; put Flatten() or GlobalPool() before it")
        if isinstance(part, layers.Residual):
            handle, flat = _residual(part, handle, names, own, flat=flat)
            continue
        names[part.kind] += 1
        handle = wire(_layer(part, f"{part.kind}{names[part.kind]}"), handle)
        flat = flat or isinstance(part, layers.Flatten | layers.GlobalPool)
    return handle, flat


def _residual(
    part: layers.Residual, handle: Handle, names: Counter[str], field: str, *, flat: bool
) -> tuple[Handle, bool]:
    inner, inner_flat = _wired(part.layers, handle, names, f"{field}.layers", flat=flat)
    shortcut, outer_flat = _wired(part.shortcut, handle, names, f"{field}.shortcut", flat=flat)
    if inner_flat != outer_flat:
        kinds = "a vector and maps" if inner_flat else "maps and a vector"
        raise UserError(f"{field}: the layers and the shortcut of a Residual give {kinds}; end both alike")
    names["sum"] += 1
    return wire(Add(part.activation, name=f"sum{names['sum']}"), inner, shortcut), inner_flat


def _layer(part: layers.Part, name: str) -> Layer:
    return MAKE[type(part)](part, name)


def _conv(part: layers.Conv, name: str) -> Layer:
    kind = Conv if part.bias else UnbiasedConv
    size, stride = (part.size, part.size), (part.stride, part.stride)
    return kind(part.features, size, stride, part.padding, part.activation, name=name)


def _depthwise(part: layers.DepthwiseConv, name: str) -> Layer:
    sides = (part.size, part.size), (part.stride, part.stride)
    return DepthwiseConv(*sides, padding=part.padding, activation=part.activation, name=name)


def _pool(part: layers.Pool, name: str) -> Layer:
    stride = part.stride or part.size
    return (MaxPool if part.mode == "max" else AvgPool)((part.size, part.size), (stride, stride), name=name)


MAKE: dict[type, Callable[..., Layer]] = {
    layers.Conv: _conv,
    layers.DepthwiseConv: _depthwise,
    layers.Pool: _pool,
    layers.GlobalPool: lambda part, name: GlobalPool(part.mode, name=name),
    layers.BatchNorm: lambda part, name: BatchNorm(part.momentum, activation=part.activation, name=name),
    layers.GroupNorm: lambda part, name: GroupNorm(part.groups, activation=part.activation, name=name),
    layers.Dropout: lambda part, name: Dropout(part.rate, name=name),
    layers.Flatten: lambda _, name: Flatten(name=name),
    layers.Dense: lambda part, name: Dense(part.features, activation=part.activation, name=name),
    layers.Subsample: lambda part, name: Shortcut(part.features, (part.stride, part.stride), name=name),
}
