"""The base class of layers: a Flax module that also reports shapes, parameters and receptive field.

A layer with weights returns its *pre-activation*; the network applies `activation` (see `network.py`), so that both
are taps. `info(inputs)` gives what summaries and drawings need, from the input shapes alone.
"""

from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp

Shape = tuple[int, ...]

ACTIVATIONS = {
    **{"linear": lambda x: x, "relu": nn.relu, "tanh": jnp.tanh, "sigmoid": nn.sigmoid},
    "softmax": nn.softmax,  # over the last axis
}

# Non-decreasing functions commute with a maximum, so they may run on the pooled, smaller array.
MONOTONE = ("linear", "relu", "tanh", "sigmoid")


class LayerInfo(NamedTuple):
    """What a layer reports of itself: its output shape (without the batch axis) and its cost per example.

    `window`, `stride` and `before` have one number per axis of positions, two for pictures and one for sequences. The
    defaults are those of a layer whose positions each see the same position of the input.
    """

    kind: str
    output: Shape
    formula: str = ""  # of the parameter count, "(3*3*32 + 1)*64 = 18,496"; empty without parameters
    parameters: int = 0
    multiply_adds: int = 0
    window: Shape | None = ()  # input positions that one output position sees; None: all of them
    stride: Shape = ()
    before: Shape = ()  # positions of padding that the first window begins with
    position: Shape = ()  # the one input position that the layer reads, if it reads only one


class Layer(nn.Module):
    """A layer of a network; `activation` is the nonlinearity that the network applies to its output."""

    activation = "linear"
    rounds = False  # whether it rounds the operands of its products to bfloat16 (see `rounding`)

    def __call__(self, x: jax.Array, *, train: bool = False) -> jax.Array:
        """The output, before the activation. [B, ...] -> [B, ...]"""
        raise NotImplementedError

    def info(self, inputs: tuple[Shape, ...]) -> LayerInfo:
        """The layer's report for inputs of these shapes [...], without the batch axis."""
        raise NotImplementedError

    def rounding(self) -> "Layer":
        """The layer with rounded operands; layers without products return themselves."""
        return self.clone(rounds=True) if "rounds" in self.__dataclass_fields__ else self

    def extra_taps(self) -> tuple[str, ...]:
        """Names of taps besides the output ("cell" of NAME/cell); a layer with any returns (output, {name: tap})."""
        return ()

    def extra_inputs(self) -> tuple[str, ...]:
        """The extra taps of its first input that the layer reads after its inputs, in this order."""
        return ()
