"""Recurrent cells: one step forward, and one step back by hand. B batch, H units, T steps; blocks of columns as Keras'.

A cell's pre-activations z [B, parts * H] are the contribution of the step's input. `forward` gives the new state and
the residuals, the arrays that `backward` needs; the first one has the shape of z. `backward` gives derivatives that
overwrite the first residuals. `gradients` makes the derivatives of the weights from the arrays of all steps, by one
product. All weights and pre-activations are scaled (see `gates`).
"""

import dataclasses
from typing import ClassVar, Literal, Protocol

import jax
import jax.numpy as jnp
import numpy as np

from research.models.gates import Gates, activate, scale, slope
from research.models.rounding import operand, outcome

Arrays = tuple[jax.Array, ...]
Kind = Literal["rnn", "lstm", "gru"]


class Cell(Protocol):
    """A cell that `recurrence` runs. A state, and a derivative by it, is a tuple of [B, H], the hidden state first."""

    kind: ClassVar[Kind]
    parts: ClassVar[int]  # blocks of H columns
    extra_states: ClassVar[tuple[str, ...]]  # names of the states besides the hidden state

    @property
    def rounds(self) -> bool:
        """Whether operands of products (hidden states, dz) are rounded to bfloat16 (see `rounding`)."""
        ...

    def scale(self, units: int) -> np.ndarray:
        """The factors of the columns of all weights, [parts * H]."""
        ...

    def first_bias(self, units: int) -> np.ndarray:
        """The initial bias: [parts * H], or [2, parts * H] with one each for the input and the recurrence."""
        ...

    def forward(self, state: Arrays, z: jax.Array, recurrent: jax.Array, bias: jax.Array) -> tuple[Arrays, Arrays]:
        """The state after the step, and the residuals."""
        ...

    def backward(self, state: Arrays, residuals: Arrays, recurrent: jax.Array) -> tuple[Arrays, Arrays]:
        """From derivatives by the state after the step: those by the state before it, and the step's outputs."""
        ...

    def gradients(self, before: jax.Array, arrays: Arrays) -> Arrays:
        """Derivatives by z, recurrent weights and bias.

        before [T, B, H] are the hidden states before each step; arrays [T, B, ...] are backward's per-step outputs,
        then the remaining residuals.
        """
        ...


def rounding(cell: Cell) -> Cell:
    """The cell with operands of its products rounded to bfloat16 (see the module `rounding`)."""
    return dataclasses.replace(cell, rounds=True)  # pyright: ignore[reportArgumentType]  # every cell is a dataclass


@dataclasses.dataclass(frozen=True)
class SimpleCell:
    """h' = tanh(z + h R + b) (Elman 1990; keras.layers.SimpleRNN)."""

    rounds: bool = False
    kind: ClassVar[Kind] = "rnn"
    parts: ClassVar[int] = 1
    extra_states: ClassVar[tuple[str, ...]] = ()

    def scale(self, units: int) -> np.ndarray:
        """See `Cell`."""
        return np.ones(units)

    def first_bias(self, units: int) -> np.ndarray:
        """See `Cell`."""
        return np.zeros(units)

    def forward(self, state: Arrays, z: jax.Array, recurrent: jax.Array, bias: jax.Array) -> tuple[Arrays, Arrays]:
        """The residual is the slope of the tanh."""
        hidden = jnp.tanh(z + outcome(state[0] @ recurrent, rounds=self.rounds) + bias)
        return (operand(hidden, rounds=self.rounds),), ((1 - hidden) * (1 + hidden),)

    def backward(self, state: Arrays, residuals: Arrays, recurrent: jax.Array) -> tuple[Arrays, Arrays]:
        """See `Cell`."""
        dz = operand(residuals[0] * state[0], rounds=self.rounds)
        return (dz @ recurrent.T,), (dz,)

    def gradients(self, before: jax.Array, arrays: Arrays) -> Arrays:
        """See `Cell`."""
        return arrays[0], over_steps(before, arrays[0]), arrays[0].sum(axis=(0, 1))


@dataclasses.dataclass(frozen=True)
class LstmCell:
    """c' = f c + i g, h' = o tanh(c'), in blocks i, f, g, o (Hochreiter & Schmidhuber 1997; f: Gers et al. 2000).

    The bias of the forget gate f starts at `forget_bias`: 1 in Keras (after Jozefowicz et al. 2015), 0 in Flax.
    """

    gates: Gates = "sigmoid"
    forget_bias: float = 1.0
    rounds: bool = False
    kind: ClassVar[Kind] = "lstm"
    parts: ClassVar[int] = 4
    extra_states: ClassVar[tuple[str, ...]] = ("cell",)

    def scale(self, units: int) -> np.ndarray:
        """See `Cell`."""
        return scale(self.gates, self._gated(units))

    def first_bias(self, units: int) -> np.ndarray:
        """See `Cell`."""
        return np.repeat([0.0, self.forget_bias, 0.0, 0.0], units)

    def forward(self, state: Arrays, z: jax.Array, recurrent: jax.Array, bias: jax.Array) -> tuple[Arrays, Arrays]:
        """The residuals: factors of dz (of dc for i, f, g; of dh for o), factor of dh in dc, and forget gate."""
        hidden, cell = state
        gated = self._gated(hidden.shape[-1])
        values = activate(z + outcome(hidden @ recurrent, rounds=self.rounds) + bias, self.gates, gated)
        i, f, g, o = jnp.split(values, 4, axis=-1)
        memory = f * cell + i * g
        exposed = jnp.tanh(memory)
        factors = slope(values, self.gates, gated) * jnp.concatenate([g, cell, i, exposed], axis=-1)
        return (operand(o * exposed, rounds=self.rounds), memory), (factors, o * (1 - exposed * exposed), f)

    def backward(self, state: Arrays, residuals: Arrays, recurrent: jax.Array) -> tuple[Arrays, Arrays]:
        """See `Cell`."""
        (dh, dc), (factors, through, forget) = state, residuals
        dc = dc + dh * through
        dz = operand(factors * jnp.concatenate([dc, dc, dc, dh], axis=-1), rounds=self.rounds)
        return (dz @ recurrent.T, dc * forget), (dz,)

    def gradients(self, before: jax.Array, arrays: Arrays) -> Arrays:
        """See `Cell`."""
        return arrays[0], over_steps(before, arrays[0]), arrays[0].sum(axis=(0, 1))

    def _gated(self, units: int) -> np.ndarray:
        return np.repeat([1.0, 1.0, 0.0, 1.0], units)


def over_steps(left: jax.Array, right: jax.Array) -> jax.Array:
    """The sum over steps and batch of left [T, B, n] times right [T, B, m], as one product: [n, m]."""
    return left.reshape(-1, left.shape[-1]).T @ right.reshape(-1, right.shape[-1])
