"""The summary of a network, layer by layer, from shapes alone: nothing is computed or allocated."""

from typing import Any

from research.models.layer import Shape
from research.models.network import Network
from research.models.receptive_fields import field_sizes
from research.models.sizes import check_size


def summarize(net: Network, input_shape: Shape) -> list[dict[str, Any]]:
    """One dict per layer: name, kind, inputs, output_shape, parameters, formula, multiply_adds, receptive_field.

    `input_shape` is [H, W, C]; of a forecaster it is [L, F], that of the values that it reads. Multiply-adds are per
    example and leave biases out. Receptive fields are those of `field_sizes`, but no larger than the input is.
    Raises UserError when the input is smaller than the net needs.
    """
    infos = check_size(net, input_shape)
    sizes = field_sizes(net, input_shape)
    return [
        {
            "name": layer.name,
            "kind": info.kind,
            "inputs": ["input" if source < 0 else net.layers[source].name for source in wires],
            "output_shape": list(info.output),
            "parameters": info.parameters,
            "formula": info.formula,
            "multiply_adds": info.multiply_adds,
            "receptive_field": list(map(min, sizes[str(layer.name)], input_shape[:-1])),
        }
        for layer, wires, info in zip(net.layers, net.wires, infos, strict=True)
    ]
