"""A net of one's own under the microscope: a network whose layers are its taps, each read from the picture."""

import functools
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from research.models.custom import CustomNet
from research.models.layer import Layer, LayerInfo, Shape
from research.models.network import Network
from research.trees import count, named_leaves

Tree = Any
DRAWS = 4  # random pictures: what a ReLU or a pool hides in one shows in another
ROUNDING = 1e-5  # of a tap's largest value: smaller changes may come from the order of sums


class TapOf(Layer):
    """The tap `tap` of `net`, whose variables are the layer's parameters. Pictures [B, H, W, C] -> [B, *shape]."""

    net: CustomNet
    tap: str
    shape: Shape  # without the batch axis
    numbers: int  # in the net's variables
    called_once: bool  # whether it is the output of a Flax module that is called once
    field: tuple[Shape, Shape, Shape] | None = None  # window, stride and padding before; None where it is unknown

    def __call__(self, x: jax.Array, *, train: bool = False) -> jax.Array:
        """The tap; nothing is updated."""
        return self.net.apply(self.variables["params"], x)[1][self.tap]

    def info(self, inputs: tuple[Shape, ...]) -> LayerInfo:
        """A tap of unknown receptive field counts as one that sees the whole picture."""
        window, stride, before = self.field or (None, (), ())
        known = {"window": window, "stride": stride, "before": before}
        return LayerInfo("tap", self.shape, parameters=self.numbers, **known)  # pyright: ignore[reportArgumentType]


def tap_network(net: CustomNet, variables: Tree, picture: Shape) -> tuple[Network, Tree]:
    """The taps of `net` for pictures [H, W, C] as a network, the output last, and its parameters."""
    shapes, modules = _tap_shapes(net, variables, picture)
    fields = _fields(net, variables, picture)
    numbers = count(variables)
    layers = tuple(
        TapOf(net, name, shape, numbers, modules.count(name) == 1, fields.get(name), name=name)
        for name, shape in shapes.items()
    )
    return Network(layers, tuple(shapes), ((-1,),) * len(layers)), dict.fromkeys(shapes, variables)


def with_parameters(net: Network, variables: Tree) -> tuple[str, ...]:
    """The taps of the modules that have parameters of their own; all taps where none is called like one."""
    modules = {name.rpartition("/")[0] for name in named_leaves(variables["params"])}
    return tuple(name for name in net.names if name in modules) or net.names


def offset_output(net: CustomNet, variables: Tree, x: Any, tap: str, offset: jax.Array) -> jax.Array:
    """The output [B, K] of a Flax `net` for `x` when `offset` is added to the output of the module `tap`."""

    def added(call: Any, arguments: Any, named: Any, context: nn.module.InterceptorContext) -> Any:
        output = call(*arguments, **named)
        here = context.method_name == "__call__" and "/".join(context.module.path) == tap
        return output + offset if here else output

    with nn.intercept_methods(added):
        return net.apply(variables, x)[0]


def _tap_shapes(net: CustomNet, variables: Tree, picture: Shape) -> tuple[dict[str, Shape], list[str]]:
    """{tap: its shape without the batch axis}, in the order of the calls, the output last; the modules called."""
    found: dict[str, Shape] = {}
    modules: list[str] = []

    def note(call: Any, arguments: Any, named: Any, context: nn.module.InterceptorContext) -> Any:
        if context.method_name == "__call__":
            modules.append("/".join(context.module.path))
        return call(*arguments, **named)

    def run(variables: Tree, pixels: Any) -> jax.Array:  # a pytree of taps would come back sorted by name
        output, taps = net.apply(variables, pixels)
        found.update({name: tuple(tap.shape[1:]) for name, tap in taps.items()})
        return output

    with nn.intercept_methods(note):
        jax.eval_shape(run, variables, jax.ShapeDtypeStruct((1, *picture), np.uint8))
    last = net.root
    return {name: shape for name, shape in found.items() if name != last} | {last: found[last]}, modules


def _fields(net: CustomNet, variables: Tree, picture: Shape) -> dict[str, tuple[Shape, Shape, Shape]]:
    """{tap: window, stride and padding before} of the taps with positions whose receptive fields can be measured.

    A row of some random pictures is drawn anew, then a column: the positions that change see it.
    """
    generator = np.random.default_rng(0)
    pictures = generator.integers(0, 256, (2, DRAWS, *picture)).astype(np.float32)
    found: dict[str, list[Any]] = {}
    for axis in (0, 1):
        changes = []
        for line in range(picture[axis]):
            changed = pictures[0].copy()
            at = (slice(None), line) if axis == 0 else (slice(None), slice(None), line)
            changed[at] = pictures[1][at]
            changes.append(_changed(net, 2 - axis, variables, pictures[0], changed))
        for name in changes[0]:
            found.setdefault(name, []).append(_measured(np.stack([each[name] for each in changes])))
    return {
        name: ((rows[0], columns[0]), (rows[1], columns[1]), (rows[2], columns[2]))
        for name, (rows, columns) in found.items()
        if rows and columns
    }


@functools.partial(jax.jit, static_argnums=(0, 1))
def _changed(net: CustomNet, other: int, variables: Tree, one: Any, two: Any) -> dict[str, jax.Array]:
    """{tap with positions: which rows (or columns) of it differ for two batches}; `other` is the other axis."""
    pairs = zip(*(net.apply(variables, pictures)[1].items() for pictures in (one, two)), strict=True)
    return {
        name: (jnp.abs(a - b) > ROUNDING * jnp.abs(a).max()).any(axis=(0, other, 3))
        for (name, a), (_, b) in pairs
        if a.ndim == 4
    }


def _measured(seen: np.ndarray) -> tuple[int, int, int] | None:
    """Window, stride and padding before, from whether row i of the picture is seen by position r: `seen` [i, r].

    Where a field does not touch the picture's edge, or the nearer one that pools leave, its end is exact. None where
    too few ends are, or where positions are not evenly spaced.
    """
    length = len(seen)
    if not seen.any(axis=0).all():
        return None
    first, last = seen.argmax(axis=0), length - 1 - seen[::-1].argmax(axis=0)
    above, below = np.flatnonzero(first > 0), np.flatnonzero(last < last.max())
    strides = {*np.diff(first[above]).tolist(), *np.diff(last[below]).tolist()}
    if not len(above) or not len(below) or len(strides) != 1 or min(strides) < 1:
        return None
    [stride] = strides
    start, end = int(first[above[0]] - stride * above[0]), int(last[below[0]] - stride * below[0])
    shifts = stride * np.arange(seen.shape[1])
    even = (first == np.maximum(start + shifts, 0)).all() and (last <= end + shifts).all()
    return (end - start + 1, stride, -start) if even else None
