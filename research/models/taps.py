"""Named activations of a net, computed only by the layers that they depend on."""

import difflib
import functools
from collections.abc import Iterable
from typing import Any, NamedTuple

import jax

from research.errors import UserError
from research.models.network import Network, upto
from research.models.sizes import check_size, check_weights

Tree = Any
PRE = "/pre"  # suffix of a tap before the layer's nonlinearity


def run_taps(net: Network, params: Tree, inputs: Any, names: Iterable[str]) -> dict[str, jax.Array]:
    """{name: activation [B, ...]} of `inputs` [B, ...], in the order of `names`: LAYER, LAYER/pre or an extra tap.

    Layers that no requested tap needs are not run, and `params` need not hold them. Compiled once per net, names and
    shape. Raises UserError for a tap that the net does not have (it lists those that there are), and for inputs that
    are too small for it, or of another size than the weights of a layer are for.
    """
    wanted = tuple(names)
    for name in wanted:
        check_tap(net, name)
    run, few = probe(net, params, wanted)
    if not isinstance(inputs, dict):  # windows of a series, which their own network takes at one length
        check_weights(run.part, check_size(run.part, inputs.shape[1:]), few)
    found = _run(run, few, inputs)
    return {name: found[name] for name in wanted}


def part_for(net: Network, names: Iterable[str]) -> Network:
    """The layers of `net` that the taps `names` depend on, with their wiring."""
    needed = {below for name in names for below in upto(net, layer_of(net, name)).names}
    indices = [index for index, name in enumerate(net.names) if name in needed]
    moved = {-1: -1} | {index: new for new, index in enumerate(indices)}
    return Network(
        tuple(net.layers[index] for index in indices),
        tuple(net.names[index] for index in indices),
        tuple(tuple(moved[source] for source in net.wires[index]) for index in indices),
    )


class Probe(NamedTuple):
    """`Probe(part, names)(params, inputs)`: the named taps as a function that can be hashed, to build programs on.

    `part` is what `part_for` gives; without names it runs nothing.
    """

    part: Network
    names: tuple[str, ...]

    def __call__(self, params: Tree, inputs: Any) -> dict[str, jax.Array]:
        """{name: activation [B, ...]} of `inputs` [B, ...]."""
        if not self.names:
            return {}
        taps: dict[str, jax.Array] = self.part.apply({"params": params}, inputs)[1]  # pyright: ignore[reportAssignmentType]
        return {name: taps[name] for name in self.names}


def probe(net: Network, params: Tree, names: Iterable[str]) -> tuple[Probe, Tree]:
    """The function that gives the taps `names` of `net`, and those of `params` that it reads."""
    wanted = tuple(names)
    part = part_for(net, wanted)
    return Probe(part, wanted), {name: params[name] for name in part.names if name in params}


@functools.partial(jax.jit, static_argnums=0)
def _run(run: Probe, params: Tree, inputs: Any) -> dict[str, jax.Array]:
    return run(params, inputs)


def layer_of(net: Network, name: str) -> str:
    """The layer of the tap `name`: LAYER of LAYER itself, of LAYER/pre, and of LAYER/cell if it has that tap."""
    layer, _, tap = name.rpartition("/")
    if name not in net.names and layer in net.names and tap in net.layers[net.names.index(layer)].extra_taps():
        return layer
    return name.removesuffix(PRE)


def check_tap(net: Network, name: str) -> None:
    """Raise UserError for a tap that `net` does not have; it lists those that there are."""
    layer = layer_of(net, name)
    if layer not in net.names:
        there = tap_names(net)
        near = difflib.get_close_matches(layer, there, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise UserError(f"no layer {layer}{hint} (there are {', '.join(there)})")
    if name == layer + PRE and net.layers[net.names.index(layer)].activation == "linear":
        raise UserError(f"no tap {name}: {layer} has no nonlinearity, so ask for {layer} itself")


def tap_names(net: Network) -> list[str]:
    """The taps of `net` in its order, LAYER/pre left out."""
    pairs = zip(net.names, net.layers, strict=True)
    return [tap for name, layer in pairs for tap in (name, *(f"{name}/{extra}" for extra in layer.extra_taps()))]
