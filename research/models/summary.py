"""What a network is made of, layer by layer, from shapes alone: nothing is computed or allocated."""

import math
from typing import Any

from research.errors import UserError
from research.models.fields import receptive_fields
from research.models.layers import Conv, Facts, Shape
from research.models.network import Network


def summarize(net: Network, input_shape: Shape) -> list[dict[str, Any]]:
    """One dict per layer: name, kind, inputs, output_shape, parameters, formula, multiply_adds, receptive_field.

    `input_shape` is [H, W, C]; of a forecaster it is [L, F], that of the values that it reads. Multiply-adds are per
    example and leave biases out. Receptive fields are those of `fields`; of a sequence they are no longer than it is.
    Raises UserError when the input is smaller than the net needs.
    """
    facts = _walk(net, input_shape)
    for layer, fact in zip(net.layers, facts, strict=True):
        if min(fact.output) < 1:
            raise UserError(_too_small(net, input_shape, str(layer.name)))
    fields = receptive_fields(net, input_shape)
    longest = input_shape[:1] if len(input_shape) == 2 else (math.inf, math.inf)
    return [
        {
            "name": layer.name,
            "kind": fact.kind,
            "inputs": ["input" if source < 0 else net.layers[source].name for source in wires],
            "output_shape": list(fact.output),
            "parameters": fact.parameters,
            "formula": fact.formula,
            "multiply_adds": fact.multiply_adds,
            "receptive_field": list(map(min, fields[str(layer.name)].size, longest)),
        }
        for layer, wires, fact in zip(net.layers, net.wires, facts, strict=True)
    ]


def smallest_side(net: Network, channels: int) -> int:
    """The smallest H = W that every layer of `net` can take."""
    return next(s for s in range(1, 4096) if all(min(fact.output) > 0 for fact in _walk(net, (s, s, channels))))


def _walk(net: Network, input_shape: Shape) -> list[Facts]:
    facts: list[Facts] = []
    for layer, wires in zip(net.layers, net.wires, strict=True):
        facts.append(layer.facts(tuple(input_shape if source < 0 else facts[source].output for source in wires)))
    return facts


def _too_small(net: Network, input_shape: Shape, layer: str) -> str:
    if len(input_shape) == 2:
        return f"{input_shape[0]} steps of {input_shape[1]} values leave nothing at {layer}; give one of each at least"
    height, width, channels = input_shape
    side = smallest_side(net, channels)
    narrows = any(isinstance(each, Conv) and each.padding == "valid" for each in net.layers)
    hint = " (or set --model.padding same)" if narrows else ""
    return (
        f"pictures of {height}x{width} are smaller than the net needs: nothing is left at {layer}; "
        f"it takes {side}x{side} or more{hint}"
    )
