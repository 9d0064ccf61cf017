"""Networks as layers wired outputs to inputs; a sequence is the wiring in which each layer feeds the next.

wired = network(wire(Dense(10, name="logits"), wire(Flatten(name="flatten"), INPUT)))
same = sequence(Flatten(name="flatten"), Dense(10, name="logits"))
"""

from typing import Any, NamedTuple

import flax.linen as nn
import jax

from research.models.layer import ACTIVATIONS, MONOTONE, Layer
from research.models.layers import MaxPool


class Handle(NamedTuple):
    """The output of a layer, to be wired into others. `INPUT` is the handle of the network's input."""

    layer: Layer | None
    inputs: tuple["Handle", ...] = ()


INPUT = Handle(None)


def wire(layer: Layer, *inputs: Handle) -> Handle:
    """The output of `layer` when it reads `inputs`."""
    return Handle(layer, inputs)


class Network(nn.Module):
    """Layers in an order in which each follows those it reads; `wires[i]` are their positions, -1 the input.

    Their leaves are called `NAME/kernel` and so on. (Flax renames modules that it finds in a field; hence `names`.)
    """

    layers: tuple[Layer, ...]
    names: tuple[str, ...]
    wires: tuple[tuple[int, ...], ...]

    @nn.compact
    def __call__(self, x: Any, train: bool = False) -> tuple[jax.Array, dict[str, jax.Array]]:
        """Run on `x` [B, ...] or a dict of such; returns the last layer's output and the taps {layer name: activation}.

        A layer with a nonlinearity has a second tap, `NAME/pre`, before it, and some layers have others (`extra_taps`).
        Under `jit`, unused taps cost nothing. With `train`, dropout draws from the `dropout` rng, each layer
        by its own name.
        """
        taps: dict[str, jax.Array] = {}
        outputs: list[jax.Array] = []
        for layer, name, sources in zip(self.layers, self.names, self.wires, strict=True):
            layer = layer.clone(parent=self, name=name)
            read = [x if source < 0 else outputs[source] for source in sources]
            read += [taps[f"{self.names[sources[0]]}/{tap}"] for tap in layer.extra_inputs()]
            if isinstance(layer, MaxPool) and sources[0] >= 0:
                outputs.append(self._pooled(layer, sources[0], taps, outputs[sources[0]]))
            else:
                value = layer(*read, train=train)  # pyright: ignore[reportCallIssue]  # as many inputs as the layer is wired to
                if layer.extra_taps():
                    value, extras = value
                    taps |= {f"{name}/{tap}": extra for tap, extra in extras.items()}
                if layer.activation != "linear":
                    taps[f"{name}/pre"] = value
                outputs.append(ACTIVATIONS[layer.activation](value))
            taps[name] = outputs[-1]
        return outputs[-1], taps

    def rounding(self) -> "Network":
        """The net that rounds the operands of its products to bfloat16 (see `rounding`)."""
        return self.clone(layers=tuple(layer.rounding() for layer in self.layers))

    def _pooled(self, pool: MaxPool, source: int, taps: dict, value: jax.Array) -> jax.Array:
        """Pool before a monotone activation instead of after it: the same numbers for a quarter of the work."""
        producer = self.layers[source]
        if producer.activation == "linear" or producer.activation not in MONOTONE:
            return pool(value)
        return ACTIVATIONS[producer.activation](pool(taps[f"{self.names[source]}/pre"]))


def network(output: Handle) -> Network:
    """The network that ends in `output`, its layers in the order in which they are first needed."""
    order: list[Handle] = []
    _visit(output, order)
    position = {id(handle): index for index, handle in enumerate(order)}
    layers = tuple(handle.layer for handle in order if handle.layer is not None)
    wires = tuple(tuple(position.get(id(read), -1) for read in handle.inputs) for handle in order)
    return Network(layers, tuple(str(layer.name) for layer in layers), wires)


def sequence(*layers: Layer) -> Network:
    """The network in which each layer reads the one before it."""
    return Network(
        layers, tuple(str(layer.name) for layer in layers), tuple((index - 1,) for index in range(len(layers)))
    )


def _visit(handle: Handle, order: list[Handle]) -> None:
    if handle.layer is None or any(handle is seen for seen in order):
        return
    for read in handle.inputs:
        _visit(read, order)
    order.append(handle)


def upto(net: Network, name: str) -> Network:
    """The part of `net` up to layer `name`. Raises ValueError for an unknown layer."""
    return network(_handles(net, INPUT)[_index(net, name)])


def beyond(net: Network, name: str) -> Network:
    """The rest of `net`, reading the output of layer `name` as its input.

    Raises ValueError when another branch passes by `name`.
    """
    start = _index(net, name)
    handles: list[Handle | None] = [None] * (start + 1)
    handles[start] = INPUT
    for layer, wires in zip(net.layers[start + 1 :], net.wires[start + 1 :], strict=True):
        reads = [handles[source] if source >= 0 else None for source in wires]
        handles.append(None if None in reads else wire(layer, *(read for read in reads if read is not None)))
    if handles[-1] is None:
        raise ValueError(f"{name} is not the only way through the net")
    return network(handles[-1])


def joined(below: Network, above: Network) -> Network:
    """One network: `above` reads the last output of `below`."""
    count = len(below.layers)
    wires = (tuple(count + source if source >= 0 else count - 1 for source in own) for own in above.wires)
    return Network((*below.layers, *above.layers), (*below.names, *above.names), (*below.wires, *wires))


def _index(net: Network, name: str) -> int:
    if name not in net.names:
        raise ValueError(f"no layer {name}; there are {', '.join(net.names)}")
    return net.names.index(name)


def _handles(net: Network, source: Handle) -> list[Handle]:
    handles: list[Handle] = []
    for layer, wires in zip(net.layers, net.wires, strict=True):
        handles.append(wire(layer, *(source if index < 0 else handles[index] for index in wires)))
    return handles
