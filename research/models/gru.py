"""The gated recurrent unit in two forms: h' = u h + (1 - u) n, in blocks u, r, n (Keras' z, r, h).

The reset gate acts on the product, n = tanh(z + r (h R + b)), which has its own bias (Keras with `reset_after`, cuDNN,
torch), or before it, n = tanh(z + (r h) R + b) (Cho et al. 2014, arXiv 1406.1078v3). u is the update gate, n the
candidate state. The interface is that of `cells.Cell`.
"""

import dataclasses
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np

from research.models.cells import Arrays, Kind, over_steps
from research.models.gates import Gates, activate, scale, slope
from research.models.rounding import operand, outcome


@dataclasses.dataclass(frozen=True)
class GruCell:
    """Reset after the product; bias [2, 3 * H]: of the input, and of the recurrence."""

    gates: Gates = "sigmoid"
    rounds: bool = False
    kind: ClassVar[Kind] = "gru"
    parts: ClassVar[int] = 3
    extra_states: ClassVar[tuple[str, ...]] = ()

    def scale(self, units: int) -> np.ndarray:
        """See `Cell`."""
        return _scale(self.gates, units)

    def first_bias(self, units: int) -> np.ndarray:
        """See `Cell`."""
        return np.zeros((2, 3 * units))

    def forward(self, state: Arrays, z: jax.Array, recurrent: jax.Array, bias: jax.Array) -> tuple[Arrays, Arrays]:
        """The residuals: the factors of dh in the derivatives by h R + b and by n's z, and the update gate."""
        (hidden,) = state
        product, z = outcome(hidden @ recurrent, rounds=self.rounds) + bias[1], z + bias[0]
        (recurrent_gates, recurrent_new), (inputs, inputs_new) = _gates_and_new(product), _gates_and_new(z)
        u, r, slopes = _gates(inputs + recurrent_gates, self.gates)
        new = jnp.tanh(inputs_new + r * recurrent_new)
        to_new = (1 - u) * (1 - new) * (1 + new)
        factors = jnp.concatenate(
            [slopes * jnp.concatenate([hidden - new, to_new * recurrent_new], -1), to_new * r], -1
        )
        return (operand(u * hidden + (1 - u) * new, rounds=self.rounds),), (factors, to_new, u)

    def backward(self, state: Arrays, residuals: Arrays, recurrent: jax.Array) -> tuple[Arrays, Arrays]:
        """The step's outputs are the derivatives by h R + b, and by n's z."""
        (dh,), (factors, to_new, update) = state, residuals
        dproduct = operand(factors * jnp.concatenate([dh, dh, dh], axis=-1), rounds=self.rounds)
        return (dproduct @ recurrent.T + dh * update,), (dproduct, operand(dh * to_new, rounds=self.rounds))

    def gradients(self, before: jax.Array, arrays: Arrays) -> Arrays:
        """See `Cell`."""
        dproduct, dnew, _ = arrays
        dz = jnp.concatenate([_gates_and_new(dproduct)[0], dnew], axis=-1)
        return dz, over_steps(before, dproduct), jnp.stack([dz.sum(axis=(0, 1)), dproduct.sum(axis=(0, 1))])


@dataclasses.dataclass(frozen=True)
class ResetBeforeGruCell:
    """Reset before the product; bias [3 * H]."""

    gates: Gates = "sigmoid"
    rounds: bool = False
    kind: ClassVar[Kind] = "gru"
    parts: ClassVar[int] = 3
    extra_states: ClassVar[tuple[str, ...]] = ()

    def scale(self, units: int) -> np.ndarray:
        """See `Cell`."""
        return _scale(self.gates, units)

    def first_bias(self, units: int) -> np.ndarray:
        """See `Cell`."""
        return np.zeros(3 * units)

    def forward(self, state: Arrays, z: jax.Array, recurrent: jax.Array, bias: jax.Array) -> tuple[Arrays, Arrays]:
        """The residuals: factors of dz (of dh for u and n, of the one by r h for r), the update and reset gates."""
        (hidden,) = state
        (for_gates, for_new), (inputs, inputs_new) = _gates_and_new(recurrent), _gates_and_new(z + bias)
        u, r, slopes = _gates(inputs + outcome(hidden @ for_gates, rounds=self.rounds), self.gates)
        reset = operand(r * hidden, rounds=self.rounds)
        new = jnp.tanh(inputs_new + outcome(reset @ for_new, rounds=self.rounds))
        to_new = (1 - u) * (1 - new) * (1 + new)
        factors = jnp.concatenate([slopes * jnp.concatenate([hidden - new, hidden], -1), to_new], -1)
        return (operand(u * hidden + (1 - u) * new, rounds=self.rounds),), (factors, u, r)

    def backward(self, state: Arrays, residuals: Arrays, recurrent: jax.Array) -> tuple[Arrays, Arrays]:
        """See `Cell`."""
        (dh,), (factors, update, reset) = state, residuals
        for_gates, for_new = _gates_and_new(recurrent)
        dnew = operand(_gates_and_new(factors)[1] * dh, rounds=self.rounds)
        dreset = dnew @ for_new.T  # by r h
        dz = operand(factors * jnp.concatenate([dh, dreset, dh], axis=-1), rounds=self.rounds)
        return (_gates_and_new(dz)[0] @ for_gates.T + dreset * reset + dh * update,), (dz,)

    def gradients(self, before: jax.Array, arrays: Arrays) -> Arrays:
        """See `Cell`."""
        dz, _, reset = arrays
        dgates, dnew = _gates_and_new(dz)
        drecurrent = jnp.concatenate(
            [over_steps(before, dgates), over_steps(operand(before * reset, rounds=self.rounds), dnew)], axis=-1
        )
        return dz, drecurrent, dz.sum(axis=(0, 1))


def _scale(gates: Gates, units: int) -> np.ndarray:
    return scale(gates, np.repeat([1.0, 1.0, 0.0], units))


def _gates_and_new(blocks: jax.Array) -> tuple[jax.Array, jax.Array]:
    """[..., 3 * H] as the blocks u and r together [..., 2 * H], and n [..., H]."""
    border = 2 * blocks.shape[-1] // 3
    return blocks[..., :border], blocks[..., border:]


def _gates(z: jax.Array, gates: Gates) -> tuple[jax.Array, jax.Array, jax.Array]:
    """Update gate and reset gate [B, H], and their slopes [B, 2 * H]."""
    gated = np.ones(z.shape[-1])
    values = activate(z, gates, gated)
    update, reset = jnp.split(values, 2, axis=-1)
    return update, reset, slope(values, gates, gated)
