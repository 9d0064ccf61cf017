"""The summary of a net of one's own: its modules in the order in which they finish. From shapes alone."""

import math
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import numpy as np

from research.models.custom import CustomNet
from research.models.layer import Shape
from research.trees import named_leaves

Tree = Any
Row = dict[str, Any]


class _Call(NamedTuple):
    """A call of a module: the name of the class, the output's shape without the batch axis, and its products."""

    kind: str
    output: Shape
    multiply_adds: int | None


def summarize_custom(net: CustomNet, picture: Shape) -> list[Row]:
    """One dict per module, as `summarize` gives for our layers; of a pair of functions one per group of parameters.

    `parameters` are those that no module inside has, so the sum over all rows is the number of the net's parameters.
    Unknown are `inputs` and `receptive_field`, and `multiply_adds` of other modules than Conv and Dense: None.
    Statistics of BatchNorm are no parameters; `formula` counts them apart.
    """
    pixels = jax.ShapeDtypeStruct((1, *picture), np.uint8)
    variables = jax.eval_shape(net.init, jax.random.key(0), pixels)
    calls = _calls(net, variables, pixels)
    parameters = _shared_out(named_leaves(variables["params"]), calls)
    others = {name: tree for name, tree in variables.items() if name != "params"}
    statistics = _shared_out({n.partition("/")[2]: leaf for n, leaf in named_leaves(others).items()}, calls)
    return [_row(name or net.label, calls[name], parameters[name], statistics[name]) for name in calls]


def _row(name: str, call: _Call, parameters: int, statistics: int) -> Row:
    return {
        "name": name,
        "kind": call.kind,
        "inputs": None,
        "output_shape": list(call.output),
        "parameters": parameters,
        "formula": f"{parameters:,} and {statistics:,} statistics" if statistics else "",
        "multiply_adds": call.multiply_adds,
        "receptive_field": None,
    }


def _calls(net: CustomNet, variables: Tree, pixels: Any) -> dict[str, _Call]:
    """{path of a module: its first call}, in the order in which they finish; "" is the whole net."""
    found: dict[str, _Call] = {}

    def note(call: Any, arguments: Any, named: Any, context: nn.module.InterceptorContext) -> Any:
        output = call(*arguments, **named)
        if context.method_name == "__call__" and isinstance(output, jax.Array):
            found.setdefault("/".join(context.module.path), _call(context.module, output))
        return output

    with nn.intercept_methods(note):
        output, taps = jax.eval_shape(lambda v, x: net.apply(v, x), variables, pixels)
    if net.module is None:
        groups = dict.fromkeys(name.rpartition("/")[0] for name in named_leaves(variables["params"]))
        found = {name: _Call("functions", taps[name].shape[1:] if name in taps else (), None) for name in groups}
    last = found.pop("", None) or _Call("functions", (), None)
    return found | {"": last._replace(output=tuple(output.shape[1:]))}


def _call(module: nn.Module, output: jax.Array) -> _Call:
    work = None
    if type(module) in (nn.Conv, nn.Dense):
        kernel = module.variables["params"]["kernel"]
        work = math.prod(output.shape[1:-1]) * kernel.size
    return _Call(type(module).__name__, tuple(output.shape[1:]), work)


def _shared_out(leaves: Mapping[str, Any], calls: Mapping[str, _Call]) -> dict[str, int]:
    """{name of a call: the numbers in the leaves that it has, and no call inside it}."""
    counts = dict.fromkeys(calls, 0)
    for leaf, value in leaves.items():
        counts[next(name for name in _above(leaf) if name in counts)] += value.size
    return counts


def _above(leaf: str) -> Iterator[str]:
    """The paths that `leaf` lies in, the longest first: `a/b`, `a` and "" of `a/b/kernel`."""
    while leaf:
        leaf = leaf.rpartition("/")[0]
        yield leaf
