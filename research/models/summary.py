"""What a network is made of, layer by layer, from shapes alone: nothing is computed or allocated."""

import math
from typing import Any, NamedTuple

from research.errors import UserError
from research.models.layers import Conv, Facts, Shape
from research.models.network import Network


class Sight(NamedTuple):
    """What one position of an output sees of the input: its extent, and the step to the next position's view."""

    size: Shape
    jump: Shape


def summarize(net: Network, input_shape: Shape) -> list[dict[str, Any]]:
    """One dict per layer: name, kind, inputs, output_shape, parameters, formula, multiply_adds, receptive_field.

    `input_shape` is [H, W, C]. Multiply-adds are per example and leave biases out. The receptive field follows
    Araujo et al. 2019, "Computing receptive fields of convolutional neural networks", eq. 2: r + (k - 1) * jump.
    Raises UserError when the input is smaller than the net needs.
    """
    facts = _walk(net, input_shape)
    for layer, fact in zip(net.layers, facts, strict=True):
        if min(fact.output) < 1:
            raise UserError(_too_small(net, input_shape, str(layer.name)))
    sights = _sights(net, facts, input_shape[:-1])
    return [
        {
            "name": layer.name,
            "kind": fact.kind,
            "inputs": ["input" if source < 0 else net.layers[source].name for source in wires],
            "output_shape": list(fact.output),
            "parameters": fact.parameters,
            "formula": fact.formula,
            "multiply_adds": fact.multiply_adds,
            "receptive_field": list(sight.size),
        }
        for layer, wires, fact, sight in zip(net.layers, net.wires, facts, sights, strict=True)
    ]


def smallest_side(net: Network, channels: int) -> int:
    """The smallest H = W that every layer of `net` can take."""
    return next(s for s in range(1, 4096) if all(min(fact.output) > 0 for fact in _walk(net, (s, s, channels))))


def _walk(net: Network, input_shape: Shape) -> list[Facts]:
    facts: list[Facts] = []
    for layer, wires in zip(net.layers, net.wires, strict=True):
        facts.append(layer.facts(tuple(input_shape if source < 0 else facts[source].output for source in wires)))
    return facts


def _sights(net: Network, facts: list[Facts], whole: Shape) -> list[Sight]:
    one = (1,) * len(whole)
    sights: list[Sight] = []
    for fact, wires in zip(facts, net.wires, strict=True):
        if fact.window is None:
            sights.append(Sight(whole, whole))
            continue
        reads = [Sight(one, one) if source < 0 else sights[source] for source in wires]
        widest = max(reads, key=lambda sight: math.prod(sight.size))
        size = tuple(r + (k - 1) * jump for r, k, jump in zip(widest.size, fact.window, widest.jump, strict=True))
        sights.append(Sight(size, tuple(jump * step for jump, step in zip(widest.jump, fact.stride, strict=True))))
    return sights


def _too_small(net: Network, input_shape: Shape, layer: str) -> str:
    height, width, channels = input_shape
    side = smallest_side(net, channels)
    narrows = any(isinstance(each, Conv) and each.padding == "valid" for each in net.layers)
    hint = " (or set --model.padding same)" if narrows else ""
    return (
        f"pictures of {height}x{width} are smaller than the net needs: nothing is left at {layer}; "
        f"it takes {side}x{side} or more{hint}"
    )
