"""The autoregressive decoder: a forecast made step by step, each step reading the one before."""

import flax.linen as nn
import jax
import jax.numpy as jnp

from research.models.cells import Arrays, Cell, LstmCell, rounding
from research.models.forecast_layers import Window, scaled_values
from research.models.layer import Layer, LayerInfo, Shape
from research.models.lowering.recurrence import scaled
from research.models.recurrent import cell_formula, cell_params
from research.models.rounding import product


class Decoder(Layer):
    """A cell that takes over the state in which a `Recurrent` layer with a cell of its kind ends, for P more steps.

    Each step reads the forecast of the one before (the first: the last known value of each channel, in spreads) and the
    step's own calendar; its hidden state gives the step's forecast, by one output layer for all steps (Sutskever et al.
    2014, arXiv 1409.3215). [B, L, H] and the window -> [B, P, F] in spreads. What it carries is there as taps
    NAME/hidden and, of an LSTM, NAME/cell: [B, P, H].
    """

    features: int
    horizon: int
    calendar: int = 0
    cell: Cell = LstmCell()

    @nn.compact
    def __call__(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, x: jax.Array, window: Window, *memory: jax.Array, train: bool = False
    ) -> tuple[jax.Array, dict[str, jax.Array]]:
        """See `Layer`."""
        latest = last_known(window)
        channels = latest.shape[-1]
        kernel, recurrent, bias = cell_params(self, self.cell, channels + self.calendar, self.features)
        output = self.param("output_kernel", nn.initializers.glorot_uniform(), (self.features, channels))
        offset = self.param("output_bias", nn.initializers.zeros, (channels,))
        kernel, recurrent, bias = scaled(self.cell, kernel, recurrent, bias)

        def step(carry: tuple[Arrays, jax.Array], told: jax.Array) -> tuple[tuple[Arrays, jax.Array], tuple]:
            state, answer = carry
            z = product(answer, kernel[:channels], rounds=self.cell.rounds) + told
            state, _ = self.cell.forward(state, z, recurrent, bias)
            answer = product(state[0], output, rounds=self.cell.rounds) + offset
            return (state, answer), (answer, state)

        future = jnp.swapaxes(window["calendar"][:, -self.horizon :], 0, 1).astype(kernel.dtype)
        start = tuple(states[:, -1] for states in (x, *memory)), latest.astype(kernel.dtype)
        told = product(future, kernel[channels:], rounds=self.cell.rounds)
        _, found = jax.lax.scan(step, start, told)
        answers, states = jax.tree.map(lambda steps: jnp.swapaxes(steps, 0, 1), found)
        return answers, dict(zip(self.further(), states, strict=True))

    def rounding(self) -> Layer:
        """See `Layer`."""
        return self.clone(cell=rounding(self.cell))

    def further(self) -> tuple[str, ...]:
        """See `Layer`."""
        return ("hidden", *self.cell.extra_states)

    def reads(self) -> tuple[str, ...]:
        """See `Layer`."""
        return self.cell.extra_states

    def info(self, inputs: tuple[Shape, ...]) -> LayerInfo:
        """See `Layer`."""
        channels, units = inputs[1][-1], self.features
        size = channels + self.calendar
        told, parameters = cell_formula(self.cell, size, units)
        total = parameters + (units + 1) * channels
        formula = f"{told.split(' = ')[0]} + ({units} + 1)*{channels} = {total:,}"
        work = self.horizon * (self.cell.parts * units * (size + units) + units * channels)
        return LayerInfo("decoder", (self.horizon, channels), formula, total, work, window=None)


def last_known(window: Window) -> jax.Array:
    """The last known value of each channel in spreads from what was expected, 0 where none is known: [B, F]."""
    values = scaled_values(window)
    back = jnp.argmax(window["known"][:, ::-1], axis=1, keepdims=True)  # steps from the end to the last known one
    return jnp.take_along_axis(values, values.shape[1] - 1 - back, axis=1)[:, 0]
