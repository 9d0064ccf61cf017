"""The autoregressive decoder: it forecasts step by step, and each step reads the forecast of the one before."""

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
    """A cell that continues from the last state of a `Recurrent` layer of its kind, for P steps.

    Each step reads the forecast of the step before (the first step: the last known value of each channel, in spreads)
    and its own calendar features. One output layer, the same for all steps, turns hidden states into forecasts
    (Sutskever et al. 2014, arXiv 1409.3215). [B, L, H] and the window -> [B, P, F] in spreads. Its states are the taps
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

        def step(carry: tuple[Arrays, jax.Array], calendar: jax.Array) -> tuple[tuple[Arrays, jax.Array], tuple]:
            state, forecast = carry
            z = product(forecast, kernel[:channels], rounds=self.cell.rounds) + calendar
            state, _ = self.cell.forward(state, z, recurrent, bias)
            forecast = product(state[0], output, rounds=self.cell.rounds) + offset
            return (state, forecast), (forecast, state)

        future = jnp.swapaxes(window["calendar"][:, -self.horizon :], 0, 1).astype(kernel.dtype)
        start = tuple(states[:, -1] for states in (x, *memory)), latest.astype(kernel.dtype)
        calendar = product(future, kernel[channels:], rounds=self.cell.rounds)
        _, outputs = jax.lax.scan(step, start, calendar)
        forecasts, states = jax.tree.map(lambda steps: jnp.swapaxes(steps, 0, 1), outputs)
        return forecasts, dict(zip(self.extra_taps(), states, strict=True))

    def rounding(self) -> Layer:
        """See `Layer`."""
        return self.clone(cell=rounding(self.cell))

    def extra_taps(self) -> tuple[str, ...]:
        """See `Layer`."""
        return ("hidden", *self.cell.extra_states)

    def extra_inputs(self) -> tuple[str, ...]:
        """See `Layer`."""
        return self.cell.extra_states

    def info(self, inputs: tuple[Shape, ...]) -> LayerInfo:
        """See `Layer`."""
        channels, units = inputs[1][-1], self.features
        size = channels + self.calendar
        text, parameters = cell_formula(self.cell, size, units)
        total = parameters + (units + 1) * channels
        formula = f"{text.split(' = ')[0]} + ({units} + 1)*{channels} = {total:,}"
        work = self.horizon * (self.cell.parts * units * (size + units) + units * channels)
        return LayerInfo("decoder", (self.horizon, channels), formula, total, work, window=None)


def last_known(window: Window) -> jax.Array:
    """The last known value of each channel, in spreads from the reference, 0 where none is known: [B, F]."""
    values = scaled_values(window)
    back = jnp.argmax(window["known"][:, ::-1], axis=1, keepdims=True)  # steps from the end to the last known one
    return jnp.take_along_axis(values, values.shape[1] - 1 - back, axis=1)[:, 0]
