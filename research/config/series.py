"""Series: where they come from, how windows are cut from them, and the nets that forecast them."""

import dataclasses
from typing import Annotated, Any, Literal

import pydantic
import tyro
from annotated_types import Ge, Interval, MaxLen, MinLen

from research.config.bounds import Positive, Section, Share, Source, Width, Widths

Steps = Annotated[int, Interval(ge=0, le=10**6)]
Quantile = Annotated[float, Interval(gt=0.0, lt=1.0)]
Bound = Annotated[float, Interval(ge=-1e15, le=1e15)]


def _several(names: Any) -> Any:
    """One name, or null for none, as a tuple: configurations held these when one column alone could be named."""
    if names is None or isinstance(names, str):
        return () if names is None else (names,)
    return tuple(names) if isinstance(names, list) else names


Output = Literal["linear", "sigmoid", "tanh"]


@dataclasses.dataclass(frozen=True)
class SeriesData(Source):
    """Regular time series, and the windows that are cut from them."""

    source: str = "traffic_pems"
    """A FILE.csv, .parquet or .npz, or a folder with train.csv, test.csv and perhaps validation.csv."""
    root: str | None = None
    """Where data lies; $RESEARCH_DATA when not given."""
    time: Annotated[tuple[str, ...], pydantic.BeforeValidator(_several)] = ()
    """The column of time stamps, or several that make one, as Date Time; the first one by default."""
    columns: tuple[str, ...] = ()
    """The columns to forecast; by default all other numeric ones."""
    series: tuple[str, ...] = ()
    """Of long files, the columns that name the series. Without them the file is one series of several columns."""
    day_first: bool = False
    """04/01/2016 is the fourth of January."""
    time_zone: str | None = None
    """Of stamps that are local time, America/Los_Angeles say: clock changes are then neither gaps nor repetitions."""
    resample: str | None = None
    """Put together steps of this length, 1h say."""
    aggregate: Literal["mean", "sum"] = "mean"
    """How they are put together. A step of which anything is missing is missing."""
    zeros_missing: bool = False
    """Zeros stand for missing values."""
    fill: Steps = 0
    """Gaps of up to so many steps are filled by straight lines."""
    missing: Literal["drop", "mask", "join"] = "drop"
    """Windows with missing values are left out; or kept, those values out of sight; or steps without any value are
    passed over, as if those around them followed each other."""
    context: str = "6h"
    """What a forecast sees: a duration, or a number of steps, as of series in months."""
    horizon: str = "24h"
    """How far it reaches."""
    unit: Annotated[str, MaxLen(40)] = ""
    """Of the columns, for tables and figures: veh/h, say."""
    stride: Positive = 1
    """Steps between the starts of windows."""
    calendar: tuple[Literal["time_of_day", "day_of_week", "time_of_year"], ...] = ()
    """Clock features that a net also reads, as sine and cosine."""
    reference: Literal["mean", "day", "weekday"] = "mean"
    """What values are differences from: the training mean, or that of each time of day (and day of week)."""
    scaling: Literal["standard", "minmax", "minmax_symmetric", "none"] = "standard"
    """What a net reads and answers: standard deviations from the reference; the training range as 0 to 1 (minmax) or
    -1 to 1 (minmax_symmetric); or values as they are."""
    blend: Annotated[float, Interval(ge=0.0, le=1.0)] = 0.5
    """Of reference weekday: the weight of the day of week's own mean against that of all days."""
    statistic: Literal["mean", "median"] = "mean"
    """What the reference takes of the training days: the mean, or the median, which odd days do not move."""
    smooth: Annotated[float, Interval(ge=0.0, le=1000.0)] = 0.0
    """Standard deviation in steps of a Gaussian by which the reference's day is smoothed."""
    validation: Share = 0.2
    """Share of the training time, its end, held out for validation, where the source has no such part."""
    test: Share = 0.2
    """Share of the whole time, its end, held out for test, where the source has no such part."""
    left_out: Share = 0.2
    """Share of many series that may be left out as too short, empty or flat; more are an error."""


@dataclasses.dataclass(frozen=True)
class DenseForecaster(Section):
    """Fully connected layers on the flattened context."""

    kind: Annotated[Literal["dense"], tyro.conf.Suppress] = "dense"
    hidden: tuple[Width, ...] = (64,)
    """Width of each hidden layer."""
    dropout: Share = 0.0
    """Share of each hidden layer's values dropped in training."""
    zero_init_head: bool = False
    """Start from the reference alone: the last layer's weights are zero."""
    output: Output = "linear"
    """The activation of the last layer, on values scaled by data.scaling."""


@dataclasses.dataclass(frozen=True)
class ConvForecaster(Section):
    """Causal convolutions along time, each with twice the dilation of the one before."""

    kind: Annotated[Literal["cnn"], tyro.conf.Suppress] = "cnn"
    channels: Widths = (64, 64)
    """Filters of each convolution."""
    kernel: Annotated[int, Interval(gt=0, le=255)] = 3
    """Steps that a filter sees."""
    readout: Literal["last", "flatten"] = "last"
    """Whether what follows reads the last step, or all of them."""
    hidden: tuple[Width, ...] = ()
    """Width of each fully connected layer after them."""
    dropout: Share = 0.0
    """Share of values dropped before each fully connected layer in training."""
    output: Output = "linear"
    """The activation of the last layer, on values scaled by data.scaling."""


@dataclasses.dataclass(frozen=True)
class RecurrentForecaster(Section):
    """Recurrent layers along time."""

    kind: Annotated[Literal["recurrent"], tyro.conf.Suppress] = "recurrent"
    cell: Literal["rnn", "lstm", "gru"] = "lstm"
    """A simple recurrent net, one with memory cells, or one with gates only."""
    hidden: Widths = (64,)
    """Units of each layer, one above the other."""
    dense: tuple[Width, ...] = ()
    """Width of each fully connected layer after them."""
    decoder: Literal["direct", "autoregressive"] = "direct"
    """The whole horizon at once from the last state, or step by step, each output fed back."""
    forget_bias: Annotated[float, Ge(0.0)] = 1.0
    """Where the bias of an LSTM's forget gate starts: 1 as in Keras, 0 as in Flax and PyTorch."""
    gates: Literal["sigmoid", "hard_sigmoid", "hard_sigmoid_keras2"] = "sigmoid"
    """The nonlinearity of the gates."""
    reset_after: bool = True
    """Of a GRU: reset after the product (Keras, cuDNN) or before it (Cho et al. 2014)."""
    dropout: Share = 0.0
    """Share of values dropped between layers in training."""
    output: Output = "linear"
    """The activation of the last layer, on values scaled by data.scaling."""
    weights: str | None = None
    """A file to start from: a forecaster trained in Keras, or what scripts/weights.py made of it."""


@dataclasses.dataclass(frozen=True)
class Forecast(Section):
    """What a forecast is to be: its loss, and the intervals around it."""

    shrink: bool = False
    """Choose on validation how much of the net's difference from the reference counts at each step of the horizon."""
    loss: Literal["mse", "mae", "huber", "quantile"] = "mse"
    """What training minimizes, of the scaled values (data.scaling)."""
    quantiles: Annotated[tuple[Quantile, ...], MinLen(1)] = (0.05, 0.5, 0.95)
    """Of the quantile loss; the middle one is the forecast."""
    coverage: Quantile = 0.9
    """Share of the truth that intervals are to hold."""
    lower: tuple[Bound | None, ...] = ()
    """The least that a value can be, 0 for a count: forecasts and intervals end there. One number for all columns, or
    one for each, None for a column without."""
    upper: tuple[Bound | None, ...] = ()
    """The most that a value can be, in the same way."""
