"""The shapes inside a net for an input size, and checks of sizes that are too small. From shapes alone."""

from collections.abc import Mapping
from typing import Any

from research.errors import UserError
from research.models.layer import LayerInfo, Shape
from research.models.layers import Conv
from research.models.network import Network
from research.trees import count


def layer_infos(net: Network, input_shape: Shape) -> list[LayerInfo]:
    """Each layer's report for inputs of `input_shape` [H, W, C] or [L, F]; sizes below 1 where nothing is left.

    Raises ValueError, with the names of the layers, where they do not fit.
    """
    infos: list[LayerInfo] = []
    for layer, wires in zip(net.layers, net.wires, strict=True):
        shapes = tuple(input_shape if source < 0 else infos[source].output for source in wires)
        try:
            infos.append(layer.info(shapes))
        except ValueError as error:
            read = " and ".join("the input" if source < 0 else net.names[source] for source in wires)
            raise ValueError(f"{error} ({layer.name} reads {read})") from error
    return infos


def check_size(net: Network, input_shape: Shape) -> list[LayerInfo]:
    """`layer_infos`; raises UserError where layers do not fit, and for inputs that are too small."""
    try:
        infos = layer_infos(net, input_shape)
    except ValueError as error:
        raise UserError(f"the net's layers do not fit: {error}") from error
    for layer, info in zip(net.layers, infos, strict=True):
        if min(info.output) < 1:
            raise UserError(_too_small(net, input_shape, str(layer.name)))
    return infos


def check_weights(net: Network, infos: list[LayerInfo], params: Mapping[str, Any]) -> None:
    """Raise UserError for a layer of `net` whose weights in `params` do not have the sizes of `infos`."""
    for name, info in zip(net.names, infos, strict=True):
        found = count(params.get(name, {}))
        if found and found != info.parameters:
            raise UserError(
                f"{name} would have {info.formula} parameters for inputs of this size, and its weights have {found:,}"
            )


def smallest_side(net: Network, channels: int) -> int:
    """The smallest H = W that every layer of `net` can take."""
    sides = range(1, 4096)
    return next(
        side for side in sides if all(min(info.output) > 0 for info in layer_infos(net, (side, side, channels)))
    )


def _too_small(net: Network, input_shape: Shape, layer: str) -> str:
    if len(input_shape) == 2:
        return f"{input_shape[0]} steps of {input_shape[1]} values leave nothing at {layer}; give one of each at least"
    height, width, channels = input_shape
    side = smallest_side(net, channels)
    narrows = any(isinstance(own, Conv) and own.padding == "valid" for own in net.layers)
    hint = " (or train it with --model.padding same)" if narrows else ""
    return (
        f"pictures of {height}x{width} are smaller than the net needs: nothing is left at {layer}; "
        f"it takes {side}x{side} or more{hint}"
    )
