"""The recurrent layer: a cell run along time, with its states as taps."""

import flax.linen as nn
import jax
import jax.numpy as jnp

from research.models.cells import Cell, Kind, LstmCell, SimpleCell, rounding
from research.models.forecast_layers import Last
from research.models.gates import Gates
from research.models.gru import GruCell, ResetBeforeGruCell
from research.models.layer import Layer, LayerInfo, Shape
from research.models.lowering.recurrence import run_cell


class Recurrent(Layer):
    """A recurrent cell of `features` units along a sequence, from a state of zeros. [B, L, D] -> [B, L, H].

    The hidden states are its output. An LSTM's memory is the tap NAME/cell [B, L, H]; the last hidden state is the tap
    NAME/last [B, H], for `LastState`. Input kernels are initialized Glorot-uniform, recurrent ones orthogonal (Saxe et
    al. 2014), biases by the cell: Keras' defaults.
    """

    features: int
    cell: Cell = LstmCell()

    @nn.compact
    def __call__(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, x: jax.Array, *, train: bool = False
    ) -> tuple[jax.Array, dict[str, jax.Array]]:
        """See `Layer`."""
        kernel, recurrent, bias = cell_params(self, self.cell, x.shape[-1], self.features)
        (hidden, *others), (last, *_) = run_cell(self.cell, x.astype(kernel.dtype), kernel, recurrent, bias)
        return hidden, dict(zip(self.extra_taps(), (*others, last), strict=True))

    def rounding(self) -> Layer:
        """See `Layer`."""
        return self.clone(cell=rounding(self.cell))

    def extra_taps(self) -> tuple[str, ...]:
        """See `Layer`."""
        return (*self.cell.extra_states, "last")

    def info(self, inputs: tuple[Shape, ...]) -> LayerInfo:
        """See `Layer`."""
        length, size = inputs[0]
        formula, parameters = cell_formula(self.cell, size, self.features)
        work = length * self.cell.parts * self.features * (size + self.features)
        output = (length, self.features)
        # Each step sees itself and all before it: a window of the whole length, all of it but one step ahead.
        return LayerInfo(self.cell.kind, output, formula, parameters, work, (length,), (1,), (length - 1,))


class LastState(Last):
    """The last hidden state of a `Recurrent` layer, with a cheaper gradient than `Last`. [B, L, H] -> [B, H]."""

    def __call__(self, x: jax.Array, last: jax.Array, *, train: bool = False) -> jax.Array:  # pyright: ignore[reportIncompatibleMethodOverride]
        """See `Layer`."""
        return last

    def extra_inputs(self) -> tuple[str, ...]:
        """See `Layer`."""
        return ("last",)


def cell_params(module: nn.Module, cell: Cell, size: int, units: int) -> tuple[jax.Array, jax.Array, jax.Array]:
    """The leaves kernel [size, parts * H], recurrent [H, parts * H] and bias of a cell, as parameters of `module`."""
    columns = cell.parts * units
    return (
        module.param("kernel", nn.initializers.glorot_uniform(), (size, columns)),
        module.param("recurrent", nn.initializers.orthogonal(), (units, columns)),
        module.param("bias", lambda _: jnp.asarray(cell.first_bias(units), jnp.float32)),
    )


def cell_formula(cell: Cell, size: int, units: int) -> tuple[str, int]:
    """The parameters of a cell that reads `size` numbers a step: "4*(15 + 64 + 1)*64 = 20,480", and 20480."""
    biases = cell.first_bias(units).size // (cell.parts * units)
    parameters = cell.parts * (size + units + biases) * units
    times = f"{cell.parts}*" if cell.parts > 1 else ""
    return f"{times}({size} + {units} + {biases})*{units} = {parameters:,}", parameters


def cell_of(kind: Kind, gates: Gates = "sigmoid", forget_bias: float = 1.0, reset_after: bool = True) -> Cell:
    """The cell of a configuration; settings of other kinds are ignored."""
    if kind == "rnn":
        return SimpleCell()
    if kind == "lstm":
        return LstmCell(gates, forget_bias)
    return GruCell(gates) if reset_after else ResetBeforeGruCell(gates)
