"""The shapes that a net gives to an input's size, and sizes that it cannot take. From shapes alone."""

import math
from collections.abc import Mapping
from typing import Any

from research.errors import UserError
from research.models.layer import Facts, Shape
from research.models.layers import Conv
from research.models.network import Network


def facts_of(net: Network, input_shape: Shape) -> list[Facts]:
    """What each layer is for inputs of `input_shape` [H, W, C] or [L, F]; not positive where nothing is left."""
    facts: list[Facts] = []
    for layer, wires in zip(net.layers, net.wires, strict=True):
        facts.append(layer.facts(tuple(input_shape if source < 0 else facts[source].output for source in wires)))
    return facts


def check_size(net: Network, input_shape: Shape) -> list[Facts]:
    """`facts_of` inputs that every layer can take. Raises UserError for smaller ones, with the size that would do."""
    facts = facts_of(net, input_shape)
    for layer, fact in zip(net.layers, facts, strict=True):
        if min(fact.output) < 1:
            raise UserError(_too_small(net, input_shape, str(layer.name)))
    return facts


def check_weights(net: Network, facts: list[Facts], params: Mapping[str, Any]) -> None:
    """Raise UserError for a layer of `net` whose weights in `params` are for inputs of another size than `facts`."""
    for name, fact in zip(net.names, facts, strict=True):
        there = sum(math.prod(leaf.shape) for leaf in params.get(name, {}).values())
        if there and there != fact.parameters:
            raise UserError(
                f"{name} would have {fact.formula} parameters for inputs of this size, and its weights have {there:,}"
            )


def smallest_side(net: Network, channels: int) -> int:
    """The smallest H = W that every layer of `net` can take."""
    sides = range(1, 4096)
    return next(side for side in sides if all(min(fact.output) > 0 for fact in facts_of(net, (side, side, channels))))


def _too_small(net: Network, input_shape: Shape, layer: str) -> str:
    if len(input_shape) == 2:
        return f"{input_shape[0]} steps of {input_shape[1]} values leave nothing at {layer}; give one of each at least"
    height, width, channels = input_shape
    side = smallest_side(net, channels)
    narrows = any(isinstance(each, Conv) and each.padding == "valid" for each in net.layers)
    hint = " (or train it with --model.padding same)" if narrows else ""
    return (
        f"pictures of {height}x{width} are smaller than the net needs: nothing is left at {layer}; "
        f"it takes {side}x{side} or more{hint}"
    )
