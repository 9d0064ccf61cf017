"""A net of one's own as a layer: the base that a head is trained on. Its leaves come from a weight file."""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from research.errors import UserError
from research.models.custom import CustomNet
from research.models.custom_source import one_line
from research.models.layer import Layer, LayerInfo, Shape
from research.trees import from_named, named_leaves

Tree = Any
BASE = "base"  # the layer's name
SIDE = 224  # of the pictures by which leaves are named; ImageNet's


class OwnBase(Layer):
    """`net`, as it is after training: nothing is updated, nothing is random. Pixels [B, H, W, C] -> [B, ..., F].

    Its parameters are all variables of `net`, statistics of BatchNorm included, under their dotted names:
    `Conv_0.kernel`, `batch_stats.BatchNorm_0.mean`. They start as zeros.
    """

    net: CustomNet

    @nn.compact
    def __call__(self, x: jax.Array, *, train: bool = False) -> jax.Array:
        """The output of `net`, also in training as after it."""
        like = _variables(self.net, x.shape[1:])
        leaves = {
            name: self.param(dotted(name), nn.initializers.zeros, leaf.shape)
            for name, leaf in named_leaves(like).items()
        }
        return self.net.apply(from_named(leaves, like), x)[0]

    def info(self, inputs: tuple[Shape, ...]) -> LayerInfo:
        """The report; multiply-adds are unknown and count as 0."""
        like = _variables(self.net, inputs[0])
        pixels = jax.ShapeDtypeStruct((1, *inputs[0]), np.uint8)
        output, _ = jax.eval_shape(lambda variables, x: self.net.apply(variables, x), like, pixels)
        parameters = sum(leaf.size for leaf in jax.tree.leaves(like["params"]))
        return LayerInfo(self.net.label, tuple(output.shape[1:]), parameters=parameters, window=None)


def base_variables(net: CustomNet, leaves: Tree) -> Tree:
    """The variables of `net` from the parameters of its layer."""
    like = _variables(net, (SIDE, SIDE, 3))
    return from_named({name: leaves[dotted(name)] for name in named_leaves(like)}, like)


def check_base(net: CustomNet, picture: Shape) -> None:
    """UserError unless `net` gives maps [B, H, W, F] or features [B, F] for pictures of shape `picture`."""
    size = "x".join(map(str, picture))
    try:
        output = OwnBase(net).info((picture,)).output
    except Exception as error:  # the user's code, and Flax' complaints of it
        raise UserError(f"{net.label} fails on pictures of {size}: {one_line(error)}") from error
    if len(output) not in (1, 3) or min(output) < 1:
        given = ", ".join(["B", *map(str, output)])
        raise UserError(f"{net.label} gives [{given}] for pictures of {size}; a base gives maps [B, H, W, F] or [B, F]")


def base_shapes(net: CustomNet) -> dict[str, Shape]:
    """The shape of each leaf of `net`, by its dotted name."""
    found = named_leaves(_variables(net, (SIDE, SIDE, 3)))
    return {dotted(name): tuple(leaf.shape) for name, leaf in found.items()}


def dotted(name: str) -> str:
    """The name of a variable in one part: `params/Block_0/Conv_0/kernel` as `Block_0.Conv_0.kernel`."""
    return name.replace("/", ".").removeprefix("params.")


def _variables(net: CustomNet, picture: Shape) -> Tree:
    return jax.eval_shape(net.init, jax.random.key(0), jnp.zeros((1, *picture), jnp.uint8))
