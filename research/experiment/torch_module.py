"""A trained net of ours for PyTorch: its state dict, and the source of the module that takes it.

A writer of a layer gets a `Layered`, whose inputs are the names of variables, and returns a `Written`. Pictures have
their channels first there.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from research.experiment.exported import ExportedNet, Layered, Leaves, layers_of
from research.models.layers import Concat, Dense, Dropout, Flatten

HEADER = '''"""{title}: its module for PyTorch.

net = Net().eval()
net.load_state_dict(torch.load("{weights}", weights_only=True))

{weights}.json says what the inputs and outputs are.
"""

import torch
import torch.nn.functional as F
from torch import nn
'''
CLASS = '''

class {name}(nn.Module):
    """{about}"""

    def __init__(self):
        super().__init__()
{made}
    def forward(self, {inputs}):
{steps}'''


class Written(NamedTuple):
    """A layer in PyTorch. expression: its output, before the activation. module: the source of its module, if it has
    one, and state: that module's, {"weight": array}. also: a second variable that the expression gives. taps: the
    expressions of what other layers read besides the output. helper: the source of a class that `module` needs.
    """

    expression: str
    module: str = ""
    state: Leaves = MappingProxyType({})
    also: str = ""
    taps: Mapping[str, str] = MappingProxyType({})
    helper: str = ""


def torch_state(exported: ExportedNet) -> dict[str, np.ndarray]:
    """{"conv1.weight": array} in PyTorch's names and layouts, _ for /; of several nets members.0.conv1.weight.

    UserError for a layer without a writer.
    """
    state: dict[str, np.ndarray] = {}
    for index, leaves in enumerate(exported.members):
        prefix = f"members.{index}." if len(exported.members) > 1 else ""
        for at, written in _written(exported, leaves):
            state |= {f"{prefix}{at.name}.{name}": np.ascontiguousarray(each) for name, each in written.state.items()}
    return state


def torch_source(exported: ExportedNet, weights: str) -> str:
    """The source of a module `Net` that takes `torch_state`, which the file `weights` holds.

    UserError for a layer without a writer.
    """
    written = _written(exported, exported.members[0])
    made = [f"self.{at.name} = {each.module}" for at, each in written if each.module]
    steps = [
        f"{at.name}{', ' if each.also else ''}{each.also} = {_activated(at.layer.activation, each.expression)}"
        for at, each in written
    ]
    helpers = dict.fromkeys(each.helper for _, each in written if each.helper)
    names, last, count = ", ".join(exported.inputs), written[-1][0].name, len(exported.members)
    header = HEADER.format(title=exported.title.replace('"', "'"), weights=weights)
    about = f"{exported.reads} -> {exported.gives}."
    if count == 1:
        return "".join([header, *helpers, _class("Net", about, names, made, [*steps, _returned(exported, last)])])
    members = [f"self.members = nn.ModuleList(Member() for _ in range({count}))"]
    mean = [f"mean = sum(member({names}) for member in self.members) / {count}", _returned(exported, "mean")]
    member = _class("Member", "One of the nets.", names, made, [*steps, f"return {last}"])
    return "".join([header, *helpers, member, _class("Net", about, names, members, mean)])


def _returned(exported: ExportedNet, name: str) -> str:
    return f"return torch.expm1({name})" if exported.exponential else f"return {name}"


def _class(name: str, about: str, inputs: str, made: list[str], steps: list[str]) -> str:
    indented = ["".join(f"        {line}\n" for line in lines) for lines in (made, steps)]
    return CLASS.format(name=name, about=about, inputs=inputs, made=indented[0], steps=indented[1])


def _written(exported: ExportedNet, leaves: Leaves) -> list[tuple[Layered, Written]]:
    found: list[tuple[Layered, Written]] = []
    whole = next(iter(exported.inputs)) if "pixels" in exported.inputs else exported.inputs
    for write, at in layers_of(exported, leaves, exported.torch, "this export to PyTorch"):
        read: list[Any] = [whole if wire < 0 else found[wire][0].name for wire in at.inputs]
        read += [found[at.inputs[0]][1].taps[tap] for tap in at.layer.extra_inputs()]
        found.append((at, write(at._replace(inputs=read))))
    return found


def _activated(activation: str, expression: str) -> str:
    if activation == "linear":
        return expression
    return f"F.softmax({expression}, -1)" if activation == "softmax" else f"torch.{activation}({expression})"


def weight_and_bias(leaves: Leaves) -> Leaves:
    """The state of a module with a kernel [..., in, out] of ours, and perhaps a bias: the out axis first, then in."""
    kernel = leaves["kernel"]
    weight = {"weight": kernel.transpose(-1, -2, *range(kernel.ndim - 2))}
    return weight | {name: leaves[name] for name in leaves if name == "bias"}


def _flatten(at: Layered) -> Written:
    source = at.inputs[0]
    if len(at.shapes[0]) < 3:
        return Written(f"{source}.flatten(1)")
    return Written(f"{source}.permute(0, 2, 3, 1).flatten(1)  # our order: row by row, channels last")


TORCH = {
    Concat: lambda at: Written(f"torch.cat([{', '.join(at.inputs)}], 1)"),
    Flatten: _flatten,
    Dense: lambda at: Written(
        f"self.{at.name}({at.inputs[0]})",
        f"nn.Linear({at.shapes[0][-1]}, {at.layer.features})",
        weight_and_bias(at.leaves),
    ),
    Dropout: lambda at: Written(f"F.dropout({at.inputs[0]}, {at.layer.rate!r}, self.training)"),
}
