"""A trained picture net of ours for PyTorch: its state dict, and the source of the module that takes it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np

from research.errors import UserError
from research.models.layer import Shape
from research.models.layers import (
    AvgPool,
    BinaryLogits,
    Concat,
    Conv,
    Dense,
    Dropout,
    Flatten,
    GlobalPool,
    MaxPool,
    Preprocess,
    Rescale,
)
from research.models.lowering.convolution import same_padding
from research.models.network import Network

Leaves = Mapping[str, np.ndarray]

HEADER = '''"""{title}: its module for PyTorch.

net = Net()
net.load_state_dict(torch.load("{weights}", weights_only=True))
"""

import torch
import torch.nn.functional as F
from torch import nn


class Net(nn.Module):
    """Pixels of 0..255 [B, {channels}, {height}, {width}], channels first -> logits [B, {classes}]."""

'''


def torch_state(net: Network, leaves: Leaves) -> dict[str, np.ndarray]:
    """{"conv1.weight": array}: `leaves` {"conv1/kernel": array} in PyTorch's names and layouts, _ for / in names."""
    state: dict[str, np.ndarray] = {}
    for name in net.names:
        if f"{name}/kernel" in leaves:
            kernel, own = leaves[f"{name}/kernel"], name.replace("/", "_")
            state[f"{own}.weight"] = np.ascontiguousarray(
                kernel.transpose(3, 2, 0, 1) if kernel.ndim == 4 else kernel.T
            )
            state[f"{own}.bias"] = leaves[f"{name}/bias"]
    return state


def torch_source(net: Network, shape: tuple[int, int, int], *, title: str, weights: str) -> str:
    """The source of a module `Net` that takes `torch_state` and computes what `net` does on pictures [H, W, C].

    UserError for a layer that is not among those of the nets of pictures.
    """
    shapes: list[Shape] = []
    made: list[str] = []
    steps: list[str] = []
    for layer, name, wires in zip(net.layers, net.names, net.wires, strict=True):
        inputs = [shape if wire < 0 else shapes[wire] for wire in wires]
        read = ["pixels" if wire < 0 else net.names[wire].replace("/", "_") for wire in wires]
        write = next((write for kind, write in _WRITERS.items() if isinstance(layer, kind)), None)
        if write is None:
            raise UserError(f"{name} is a {type(layer).__name__}, which this export lacks; export to .safetensors")
        own = name.replace("/", "_")
        module, expression = write(layer, own, read, inputs[0])
        made += [f"        self.{own} = {module}\n"] if module else []
        steps.append(f"        {own} = {_activated(layer.activation, expression)}\n")
        shapes.append(layer.info(tuple(inputs)).output)
    facts = {"channels": shape[2], "height": shape[0], "width": shape[1], "classes": shapes[-1][-1]}
    last = net.names[-1].replace("/", "_")
    return "".join(
        [
            HEADER.format(title=title.replace('"', "'"), weights=weights, **facts),
            "    def __init__(self):\n        super().__init__()\n",
            *made,
            "\n    def forward(self, pixels):\n",
            *steps,
            f"        return {last}\n",
        ]
    )


def channel_matrix(layer: Preprocess) -> tuple[np.ndarray, np.ndarray]:
    """What a preprocessing does to a pixel x [3], as x @ matrix [3, 3] + offset [3]."""
    offset = np.asarray(layer(jnp.zeros((1, 1, 1, 3))))[0, 0, 0]
    return np.asarray(layer(jnp.eye(3)[:, None, None]))[:, 0, 0] - offset, offset


def _activated(activation: str, expression: str) -> str:
    if activation == "linear":
        return expression
    return f"F.softmax({expression}, -1)" if activation == "softmax" else f"torch.{activation}({expression})"


def _conv(layer: Conv, name: str, read: Sequence[str], shape: Shape) -> tuple[str, str]:
    pads = [(0, 0), (0, 0)]
    if layer.padding == "same":
        pads = [same_padding(*axis) for axis in zip(shape[:2], layer.size, layer.stride, strict=True)]
    source = read[0]
    if any(map(any, pads)):
        (top, bottom), (left, right) = pads
        source = f"F.pad({source}, ({left}, {right}, {top}, {bottom}))"
    made = f"nn.Conv2d({shape[-1]}, {layer.features}, {tuple(layer.size)}, {tuple(layer.stride)})"
    return made, f"self.{name}({source})"


def _preprocess(layer: Preprocess, name: str, read: Sequence[str], shape: Shape) -> tuple[str, str]:
    """The preprocessing is linear in the channels, so a matrix and an offset say it."""
    matrix, offset = channel_matrix(layer)
    product = f"torch.einsum('bchw,cd->bdhw', {read[0]}.float(), torch.tensor({matrix.tolist()}))"
    return "", f"{product} + torch.tensor({offset.tolist()})[:, None, None]"


_WRITERS: dict[type, Callable[[Any, str, Sequence[str], Shape], tuple[str, str]]] = {
    Rescale: lambda layer, name, read, shape: ("", f"{read[0]}.float() * {layer.scale!r} + {layer.offset!r}"),
    Preprocess: _preprocess,
    Conv: _conv,
    MaxPool: lambda layer, name, read, shape: (
        "",
        f"F.max_pool2d({read[0]}, {tuple(layer.window)}, {tuple(layer.stride or layer.window)})",
    ),
    AvgPool: lambda layer, name, read, shape: (
        "",
        f"F.avg_pool2d({read[0]}, {tuple(layer.window)}, {tuple(layer.stride or layer.window)})",
    ),
    GlobalPool: lambda layer, name, read, shape: (
        "",
        f"{read[0]}.{'mean' if layer.mode == 'avg' else 'amax'}((2, 3))",
    ),
    Concat: lambda layer, name, read, shape: ("", f"torch.cat([{', '.join(read)}], 1)"),
    Flatten: lambda layer, name, read, shape: (
        "",
        f"{read[0]}.permute(0, 2, 3, 1).flatten(1)  # our order: row by row, channels last",
    ),
    Dense: lambda layer, name, read, shape: (f"nn.Linear({shape[-1]}, {layer.features})", f"self.{name}({read[0]})"),
    BinaryLogits: lambda layer, name, read, shape: ("", f"F.pad({read[0]}, (1, 0))"),
    Dropout: lambda layer, name, read, shape: ("", f"F.dropout({read[0]}, {layer.rate!r}, self.training)"),
}
