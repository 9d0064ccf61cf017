"""What every layer is: a Flax module that also knows its own arithmetic.

A layer with weights returns its *pre-activation*; the network applies `activation` (see `network.py`), so that both
are there as taps. `facts(inputs)` tells, from the input shapes alone, what a summary and a drawing need.
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


class Facts(NamedTuple):
    """What a layer does to shapes (without the batch axis), and what it costs per example.

    `window`, `stride` and `before` have a number for each axis of places, two for pictures and one for sequences. Left
    out they stand for a layer whose every position sees the one that it comes from.
    """

    kind: str
    output: Shape
    formula: str = ""  # of the parameter count, "(3*3*32 + 1)*64 = 18,496"; empty without parameters
    parameters: int = 0
    multiply_adds: int = 0
    window: Shape | None = ()  # input positions that one output position sees; None: all of them
    stride: Shape = ()
    before: Shape = ()  # positions of padding that the first window begins with
    place: Shape = ()  # the one input position that is read, of a layer that reads just one


class Layer(nn.Module):
    """What a network is wired from; `activation` is the nonlinearity that the network applies to its output."""

    activation = "linear"
    rounds = False  # whether it rounds the operands of its products to bfloat16 (see `rounding`)

    def __call__(self, x: jax.Array, *, train: bool = False) -> jax.Array:
        """The output, before the activation. [B, ...] -> [B, ...]"""
        raise NotImplementedError

    def facts(self, inputs: tuple[Shape, ...]) -> Facts:
        """What `summary` needs, from the shapes [...] of the inputs, without the batch axis."""
        raise NotImplementedError

    def rounding(self) -> "Layer":
        """The layer that rounds, of one with weights; others have no products."""
        return self.clone(rounds=True) if "rounds" in self.__dataclass_fields__ else self

    def further(self) -> tuple[str, ...]:
        """Names of taps besides the output, as NAME/cell; a layer that has any returns (output, {name: tap})."""
        return ()

    def reads(self) -> tuple[str, ...]:
        """Which further taps of its first input it reads, too: after its inputs, in this order."""
        return ()
