"""The layers of forecasters in Keras."""

from typing import Any

from research.errors import UserError
from research.experiment.exported import INSTEAD, Layered, Makers
from research.experiment.keras_model import KERAS, weighted
from research.models.cells import Cell
from research.models.decoder import Decoder
from research.models.forecast_layers import CausalConv, Forecast, Last, Scaled
from research.models.gru import ResetBeforeGruCell
from research.models.recurrent import LastState, Recurrent

LONGEST = 96  # steps of a decoder, each some layers in Keras: measured, 288 steps take over a minute to load


def _scaled(keras: Any, at: Layered) -> Any:
    """The context's values, and known and calendar where the net reads them."""
    window, length = at.inputs[0], at.shapes[0][0]
    parts = [window["values"]]
    if at.layer.mask:
        parts = [keras.layers.Multiply(name="hidden")([window["values"], window["known"]]), window["known"]]
    if at.layer.calendar:
        ahead = window["calendar"].shape[1] - length
        parts.append(keras.layers.Cropping1D((0, ahead), name="past_calendar")(window["calendar"]))
    return keras.layers.Concatenate(name=at.name)(parts) if len(parts) > 1 else parts[0]


def _recurrent(keras: Any, at: Layered) -> Any:
    """Keras' layer: all states; the last alone where nothing reads the others; or [h, c] where a decoder goes on."""
    last, decoded = (all(isinstance(each, kind) for each in at.readers) for kind in (LastState, Decoder))
    made = _layer(keras, at, at.layer.cell, return_sequences=not (last or decoded), return_state=decoded)
    if not decoded:
        return (output := weighted(made, at.leaves, at.inputs[0])), {"last": output, "cell": output}
    _, *states = weighted(made, at.leaves, at.inputs[0])
    return states, {"cell": states}


def _layer(keras: Any, at: Layered, cell: Cell, **options: Any) -> Any:
    """Keras' layer of a cell; UserError for gates that Keras 3 lacks."""
    kind = {"rnn": keras.layers.SimpleRNN, "lstm": keras.layers.LSTM, "gru": keras.layers.GRU}[cell.kind]
    if cell.kind != "rnn":
        gates = cell.gates  # pyright: ignore[reportAttributeAccessIssue]  # all but the simple cell have gates
        if gates == "hard_sigmoid_keras2":
            raise UserError(f"{at.name} has the hard_sigmoid of Keras 2, which Keras 3 lacks; {INSTEAD}")
        options["recurrent_activation"] = gates
    if cell.kind == "gru":
        options["reset_after"] = not isinstance(cell, ResetBeforeGruCell)
    return kind(at.layer.features, name=at.name, **options)


def _conv(keras: Any, at: Layered) -> Any:
    layer = at.layer
    made = keras.layers.Conv1D(
        layer.features,
        layer.size,
        padding="causal",
        dilation_rate=layer.dilation,
        activation=layer.activation,
        name=at.name,
    )
    return weighted(made, at.leaves, at.inputs[0])


def _last(keras: Any, at: Layered) -> Any:
    cropped = keras.layers.Cropping1D((at.shapes[0][0] - 1, 0), name=f"{at.name}_step")(at.inputs[0])
    return keras.layers.Flatten(name=at.name)(cropped)


def _decoder(keras: Any, at: Layered) -> Any:
    """The steps one after the other, each a call of the same cell and the same output layer."""
    layer, (states, window, *_) = at.layer, at.inputs
    if layer.horizon > LONGEST:
        raise UserError(
            f"a decoder of {layer.horizon} steps is a Keras model of as many parts, which takes minutes to load (at "
            f"most {LONGEST}); export to .pth, or .safetensors"
        )
    length, channels = at.shapes[1]
    cell = _layer(keras, at, layer.cell, return_sequences=True, return_state=True, unroll=True)
    output = keras.layers.Dense(channels, name=f"{at.name}_output")
    forecast, forecasts = _latest(keras, window, length), []
    for step in range(layer.horizon):
        reads = [forecast]
        if layer.calendar:
            crop = keras.layers.Cropping1D((length + step, layer.horizon - 1 - step), name=f"calendar{step + 1}")
            reads.append(crop(window["calendar"]))
        read = keras.layers.Concatenate(name=f"read{step + 1}")(reads) if len(reads) > 1 else forecast
        hidden, *states = cell(read, initial_state=states)
        forecast = output(hidden)
        forecasts.append(forecast)
    cell.set_weights([at.leaves[name] for name in ("kernel", "recurrent", "bias")])
    output.set_weights([at.leaves[name] for name in ("output_kernel", "output_bias")])
    return keras.layers.Concatenate(1, name=f"{at.name}_steps")(forecasts) if len(forecasts) > 1 else forecast


def _latest(keras: Any, window: Any, length: int) -> Any:
    """The last known value of each channel, [B, 1, F]; 0 where none is known."""
    if "known" not in window:
        return keras.layers.Cropping1D((length - 1, 0), name="latest")(window["values"])
    ops, known = keras.ops, window["known"]
    back = ops.argmax(ops.flip(known, 1), axis=1, keepdims=True)
    return ops.take_along_axis(window["values"] * known, length - 1 - back, axis=1)


def _forecast(keras: Any, at: Layered) -> Any:
    layer, count = at.layer, at.shapes[0][-1] * (at.shapes[0][0] if len(at.shapes[0]) > 1 else 1)
    shape = (layer.horizon, count // (layer.horizon * layer.quantiles), layer.quantiles)
    return keras.layers.Reshape(shape, name=at.name)(at.inputs[0])


KERAS_LAYERS: Makers = KERAS | {
    Scaled: _scaled,
    Recurrent: _recurrent,
    CausalConv: _conv,
    Last: _last,
    LastState: lambda keras, at: at.inputs[1],
    Decoder: _decoder,
    Forecast: _forecast,
}
