"""The forecasters: nets that read a window of a series and forecast its next steps (see `forecast_layers`)."""

from typing import Literal, NamedTuple

from research.errors import UserError
from research.models.cells import Cell, Kind
from research.models.decoder import Decoder
from research.models.forecast_layers import CausalConv, Forecast, Last, Scaled
from research.models.gates import Gates
from research.models.layers import Dense, Dropout, Flatten
from research.models.network import INPUT, Handle, Network, network, wire
from research.models.recurrent import LastState, Recurrent, cell_of

Output = Literal["linear", "sigmoid", "tanh"]


class ForecastSpec(NamedTuple):
    """The input and output of a forecaster: P steps of horizon, F channels, and the features of the context.

    `quantiles` is their number, 1 for a loss of one forecast; `calendar` the number C of features known in advance.
    `mask` tells the net which values are known. `output` is the activation of the last layer.
    """

    horizon: int
    channels: int
    quantiles: int = 1
    calendar: int = 0
    mask: bool = False
    output: Output = "linear"


def dense_forecaster(spec: ForecastSpec, hidden: tuple[int, ...] = (64,), *, dropout: float = 0.0) -> Network:
    """Dense layers on the flattened context: a window -> [B, P, F, Q], in spreads from the reference.

    With a `dropout` rate, dropout follows each hidden layer.
    """
    return _directly(spec, wire(Flatten(name="flatten"), _scaled(spec)), hidden, dropout, dropped=0)


def cnn_forecaster(
    spec: ForecastSpec,
    channels: tuple[int, ...] = (64, 64),
    hidden: tuple[int, ...] = (),
    *,
    kernel: int = 3,
    readout: Literal["last", "flatten"] = "last",
    dropout: float = 0.0,
) -> Network:
    """Causal convolutions, each with twice the dilation of the one before: a window -> [B, P, F, Q].

    n convolutions see (kernel - 1) * (2**n - 1) + 1 steps. The next layer reads their last step; with `readout`
    "flatten", all steps. With a `dropout` rate, dropout precedes each dense layer.
    """
    handle = _scaled(spec)
    for index, features in enumerate(channels):
        handle = wire(CausalConv(features, kernel, 2**index, name=f"conv{index + 1}"), handle)
    handle = wire(Last(name="last") if readout == "last" else Flatten(name="flatten"), handle)
    return _directly(spec, _dropped(handle, dropout, 1), hidden, dropout, dropped=1)


def recurrent_forecaster(
    spec: ForecastSpec,
    kind: Kind = "lstm",
    features: tuple[int, ...] = (64,),
    *,
    decoder: Literal["direct", "autoregressive"] = "direct",
    dense: tuple[int, ...] = (),
    gates: Gates = "sigmoid",
    forget_bias: float = 1.0,
    reset_after: bool = True,
    dropout: float = 0.0,
) -> Network:
    """Stacked recurrent layers of these `features`: a window -> [B, P, F, Q].

    "direct": the last hidden state gives the whole horizon at once, through `dense` layers if any. "autoregressive": a
    cell continues from the last state, step by step; `dense` layers, quantiles and an output that is not linear raise
    UserError. With a `dropout` rate, dropout is between all layers, except before the decoder.
    """
    cell = cell_of(kind, gates, forget_bias, reset_after)
    handle = _scaled(spec)
    for index, units in enumerate(features, start=1):
        handle = wire(Recurrent(units, cell, name=f"{kind}{index}"), handle)
        if index < len(features):
            handle = _dropped(handle, dropout, index)
    if decoder == "autoregressive":
        return _step_by_step(spec, handle, cell, features[-1])
    handle = _dropped(wire(LastState(name="last"), handle), dropout, len(features))
    return _directly(spec, handle, dense, dropout, dropped=len(features))


def _scaled(spec: ForecastSpec) -> Handle:
    return wire(Scaled(spec.mask, spec.calendar, name="scaled"), INPUT)


def _dropped(handle: Handle, rate: float, index: int) -> Handle:
    return wire(Dropout(rate, name=f"dropout{index}"), handle) if rate else handle


def _directly(spec: ForecastSpec, handle: Handle, hidden: tuple[int, ...], dropout: float, *, dropped: int) -> Network:
    """Hidden layers, and the head that gives the whole horizon; `dropped` is the number of dropouts so far."""
    for index, features in enumerate(hidden, start=1):
        handle = _dropped(wire(Dense(features, name=f"dense{index}"), handle), dropout, dropped + index)
    outputs = spec.horizon * spec.channels * spec.quantiles
    return _with_forecast(spec, wire(Dense(outputs, activation=spec.output, name="head"), handle))


def _step_by_step(spec: ForecastSpec, encoded: Handle, cell: Cell, units: int) -> Network:
    if spec.quantiles != 1:
        raise UserError(
            f"an autoregressive decoder feeds one forecast back, not {spec.quantiles} quantiles; take --model.decoder "
            "direct, or a loss of one forecast"
        )
    if spec.output != "linear":
        raise UserError(f"an autoregressive decoder's output is linear, not {spec.output}; take --model.decoder direct")
    return _with_forecast(spec, wire(Decoder(units, spec.horizon, spec.calendar, cell, name="decoder"), encoded, INPUT))


def _with_forecast(spec: ForecastSpec, head: Handle) -> Network:
    return network(wire(Forecast(spec.horizon, spec.quantiles, name="forecast"), head))
