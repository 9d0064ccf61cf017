"""The layers of forecasters in PyTorch; steps are the second axis, as in ours."""

import numpy as np

from research.errors import UserError
from research.experiment.exported import INSTEAD, Layered, Leaves, Makers
from research.experiment.torch_module import TORCH, Written, weight_and_bias
from research.models.cells import Cell
from research.models.decoder import Decoder
from research.models.forecast_layers import CausalConv, Forecast, Last, Scaled
from research.models.gru import ResetBeforeGruCell
from research.models.recurrent import LastState, Recurrent

MODULES = {"rnn": "RNN", "lstm": "LSTM", "gru": "GRU"}
DECODER = '''

class Decoder(nn.Module):
    """Forecasts step by step: each step reads the forecast of the one before and its own calendar features."""

    def __init__(self, cell, horizon, units, channels):
        super().__init__()
        self.cell, self.horizon, self.output = cell, horizon, nn.Linear(units, channels)

    def forward(self, state, latest, calendar):
        forecast, forecasts = latest, []
        for step in range(self.horizon):
            state = self.cell(torch.cat([forecast, calendar[:, step]], -1), state)
            forecast = self.output(state[0] if isinstance(state, tuple) else state)
            forecasts.append(forecast)
        return torch.stack(forecasts, 1)


def last_known(values, known):
    """The last known value of each channel [B, F], 0 where none is known, of values and known [B, L, F]."""
    back = known.flip(1).argmax(1, keepdim=True)
    return (values * known).gather(1, known.shape[1] - 1 - back)[:, 0]
'''


def _scaled(at: Layered) -> Written:
    """The context's values, and known and calendar where the net reads them."""
    parts = ["values * known", "known"] if at.layer.mask else ["values"]
    parts += ["calendar[:, : values.shape[1]]"] if at.layer.calendar else []
    return Written(f"torch.cat([{', '.join(parts)}], -1)" if len(parts) > 1 else parts[0])


def _recurrent(at: Layered) -> Written:
    cell, size, units = at.layer.cell, at.shapes[0][-1], at.layer.features
    _check(at, cell)
    made = f"nn.{MODULES[cell.kind]}({size}, {units}, batch_first=True)"
    state = {f"{name}_l0": each for name, each in _cell_state(cell, at.leaves).items()}
    taps = {"last": f"{at.name}[:, -1]", "cell": f"{at.name}_states[1][0]"}
    return Written(f"self.{at.name}({at.inputs[0]})", made, state, also=f"{at.name}_states", taps=taps)


def _check(at: Layered, cell: Cell) -> None:
    """UserError for a cell that PyTorch lacks."""
    gates = getattr(cell, "gates", "sigmoid")
    if gates != "sigmoid":
        raise UserError(f"{at.name} has gates of {gates}, PyTorch's {MODULES[cell.kind]} sigmoids alone; {INSTEAD}")
    if isinstance(cell, ResetBeforeGruCell):
        raise UserError(f"{at.name} resets before the product, PyTorch's GRU after it; {INSTEAD}")


def _cell_state(cell: Cell, leaves: Leaves) -> dict[str, np.ndarray]:
    """The weights of a cell in PyTorch's layout, whose GRU has the reset gate first."""
    order = {"gru": (1, 0, 2)}.get(cell.kind, range(cell.parts))

    def turned(columns: np.ndarray) -> np.ndarray:
        blocks = np.split(columns, cell.parts, axis=-1)
        return np.concatenate([blocks[block] for block in order], axis=-1).T

    bias = leaves["bias"] if leaves["bias"].ndim == 2 else np.stack([leaves["bias"], np.zeros_like(leaves["bias"])])
    return {
        "weight_ih": turned(leaves["kernel"]),
        "weight_hh": turned(leaves["recurrent"]),
        "bias_ih": turned(bias[0]),
        "bias_hh": turned(bias[1]),
    }


def _conv(at: Layered) -> Written:
    layer = at.layer
    before = (layer.size - 1) * layer.dilation
    made = f"nn.Conv1d({at.shapes[0][-1]}, {layer.features}, {layer.size}, dilation={layer.dilation})"
    padded = f"F.pad({at.inputs[0]}.transpose(1, 2), ({before}, 0))"
    return Written(f"self.{at.name}({padded}).transpose(1, 2)", made, weight_and_bias(at.leaves))


def _decoder(at: Layered) -> Written:
    layer, (encoded, window, *memory) = at.layer, at.inputs
    _check(at, layer.cell)
    channels = at.shapes[1][-1]
    cell = f"nn.{MODULES[layer.cell.kind]}Cell({channels + layer.calendar}, {layer.features})"
    start = f"({encoded}[:, -1], {memory[0]})" if memory else f"{encoded}[:, -1]"
    latest = "last_known(values, known)" if "known" in window else "values[:, -1]"
    future = "calendar" if layer.calendar else f"values.new_zeros(len(values), {layer.horizon}, 0)"
    state = {f"cell.{name}": each for name, each in _cell_state(layer.cell, at.leaves).items()}
    state |= {"output.weight": at.leaves["output_kernel"].T, "output.bias": at.leaves["output_bias"]}
    return Written(
        f"self.{at.name}({start}, {latest}, {future}[:, -{layer.horizon} :])",
        f"Decoder({cell}, {layer.horizon}, {layer.features}, {channels})",
        state,
        helper=DECODER,
    )


def _forecast(at: Layered) -> Written:
    layer, source = at.layer, at.inputs[0]
    return Written(f"{source}.reshape(len({source}), {layer.horizon}, -1, {layer.quantiles})")


TORCH_LAYERS: Makers = TORCH | {
    Scaled: _scaled,
    Recurrent: _recurrent,
    CausalConv: _conv,
    Last: lambda at: Written(f"{at.inputs[0]}[:, -1]"),
    LastState: lambda at: Written(at.inputs[1]),
    Decoder: _decoder,
    Forecast: _forecast,
}
