"""A trained net as another library needs it: its layers, its leaves, and what it answers to some inputs.

Each kind of experiment makes one of a run (`Task.exported`), with makers of the layers that its nets have; see
`keras_model` and `torch_module` for what a maker returns.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from research.errors import UserError
from research.models.layer import Layer, Shape
from research.models.network import Network
from research.trees import named_leaves

Tree = Any
Leaves = Mapping[str, np.ndarray]
Makers = Mapping[type, Callable[..., Any]]  # by the type of the layer

INSTEAD = "export to .safetensors or .npz, which hold any net's leaves"


class Layered(NamedTuple):
    """A layer within its net, for its maker.

    name: ours, with _ for / and other signs. inputs: what it reads, as the other library has it. shapes: those of the
    inputs, channels last, without the batch axis. leaves: its own, {"kernel": array}. readers: the layers that read it.
    """

    layer: Any
    name: str
    inputs: Sequence[Any]
    shapes: Sequence[Shape]
    leaves: Leaves
    readers: Sequence[Layer]


class ExportedNet(NamedTuple):
    """A trained net, or several whose mean answers.

    members: the leaves of each, {"conv1/kernel": array}. inputs: examples by name, [B, ...]; "pixels" is the net's
    whole input, others are those of a dict. outputs: our own answers to them. exponential: whether exp(x) - 1 of the
    members' mean is the answer. reads, gives: inputs and outputs in words. document: what stands between data and net.
    """

    title: str
    net: Network
    members: Sequence[Leaves]
    inputs: Mapping[str, np.ndarray]
    outputs: np.ndarray
    keras: Makers
    torch: Makers
    reads: str
    gives: str
    document: Mapping[str, Any]
    exponential: bool = False


def leaves_of(variables: Tree) -> dict[str, np.ndarray]:
    """The leaves of all collections, as {"conv1/kernel": array}."""
    return {name.partition("/")[2]: np.asarray(leaf) for name, leaf in named_leaves(variables).items()}


def layers_of(
    exported: ExportedNet, leaves: Leaves, makers: Makers, library: str
) -> list[tuple[Callable[..., Any], Layered]]:
    """Each layer with its maker. Its `inputs` are the positions of the layers that it reads, -1 for the net's input.

    UserError for a layer that has no maker in `library`.
    """
    net, found = exported.net, []
    outputs: list[Shape] = []
    whole: Shape = next(iter(exported.inputs.values())).shape[1:]
    for position, (layer, name, wires) in enumerate(zip(net.layers, net.names, net.wires, strict=True)):
        make = next((makers[kind] for kind in type(layer).__mro__ if kind in makers), None)
        if make is None:
            raise UserError(f"the layer {name} has no match in {library}; {INSTEAD}")
        shapes = tuple(whole if wire < 0 else outputs[wire] for wire in wires)
        own = {leaf.rpartition("/")[2]: each for leaf, each in leaves.items() if leaf.rpartition("/")[0] == name}
        readers = [net.layers[index] for index, each in enumerate(net.wires) if position in each]
        found.append((make, Layered(layer, re.sub(r"\W", "_", name), wires, shapes, own, readers)))
        outputs.append(layer.info(shapes).output)
    return found
