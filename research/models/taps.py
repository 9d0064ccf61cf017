"""Named activations of a net, worked out by no more of it than they need."""

import difflib
import functools
from collections.abc import Iterable
from typing import Any, NamedTuple

import jax

from research.errors import UserError
from research.models.network import Network, upto

Tree = Any
PRE = "/pre"  # of a tap's name: before the layer's nonlinearity


def run_taps(net: Network, params: Tree, inputs: jax.Array, names: Iterable[str]) -> dict[str, jax.Array]:
    """{name: activation [B, ...]} of `inputs` [B, ...], in the order of `names`, each LAYER or LAYER/pre.

    Layers that no asked tap reads are not run, and `params` need not hold them. Compiled once per net, names and shape.
    Raises UserError for a tap that the net does not have; it lists those that there are.
    """
    wanted = tuple(names)
    for name in wanted:
        check_tap(net, name)
    found = _run(*probe(net, params, wanted), inputs)
    return {name: found[name] for name in wanted}


def part_for(net: Network, names: Iterable[str]) -> Network:
    """The layers of `net` that the taps `names` depend on, wired as they were."""
    needed = {below for name in names for below in upto(net, name.removesuffix(PRE)).names}
    places = [place for place, name in enumerate(net.names) if name in needed]
    moved = {-1: -1} | {place: new for new, place in enumerate(places)}
    return Network(
        tuple(net.layers[place] for place in places),
        tuple(net.names[place] for place in places),
        tuple(tuple(moved[source] for source in net.wires[place]) for place in places),
    )


class Probe(NamedTuple):
    """`Probe(part, names)(params, inputs)`: the named taps as a function that can be hashed, to build programs on.

    `part` is what `part_for` gives; without names it runs nothing.
    """

    part: Network
    names: tuple[str, ...]

    def __call__(self, params: Tree, inputs: jax.Array) -> dict[str, jax.Array]:
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
def _run(run: Probe, params: Tree, inputs: jax.Array) -> dict[str, jax.Array]:
    return run(params, inputs)


def check_tap(net: Network, name: str) -> None:
    """Raise UserError for a tap that `net` does not have; it lists those that there are."""
    layer = name.removesuffix(PRE)
    if layer not in net.names:
        near = difflib.get_close_matches(layer, net.names, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise UserError(f"no layer {layer}{hint} (there are {', '.join(net.names)})")
    if name != layer and net.layers[net.names.index(layer)].activation == "linear":
        raise UserError(f"no tap {name}: {layer} has no nonlinearity, so ask for {layer} itself")
