"""The configuration of series: their source, their windows, and the nets that forecast them."""

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
    """A single name, or null, as a tuple: earlier configurations could name only one column."""
    if names is None or isinstance(names, str):
        return () if names is None else (names,)
    return tuple(names) if isinstance(names, list) else names


Output = Literal["linear", "sigmoid", "tanh"]


@dataclasses.dataclass(frozen=True)
class SeriesData(Source):
    """Regular time series and their windows."""

    source: str = "traffic_pems"
    """A FILE.csv, .parquet or .npz, or a folder with train.csv, test.csv and perhaps validation.csv."""
    root: str | None = None
    """The folder of the data; $RESEARCH_DATA by default."""
    time: Annotated[tuple[str, ...], pydantic.BeforeValidator(_several)] = ()
    """The column of times, or several columns that are joined, such as Date Time; by default the first column."""
    columns: tuple[str, ...] = ()
    """The columns to forecast; by default all other numeric ones."""
    series: tuple[str, ...] = ()
    """The columns that name the series in long files. Without them the file is one series of several columns."""
    day_first: bool = False
    """Read 04/01/2016 as the fourth of January."""
    time_zone: str | None = None
    """The zone of local times, such as America/Los_Angeles; clock changes are then neither gaps nor repetitions."""
    resample: str | None = None
    """Aggregate to steps of this length, such as 1h."""
    aggregate: Literal["mean", "sum"] = "mean"
    """How steps are aggregated. A step with a missing part is missing."""
    zeros_missing: bool = False
    """Zeros stand for missing values."""
    fill: Steps = 0
    """Gaps of up to so many steps are interpolated linearly."""
    missing: Literal["drop", "mask", "join"] = "drop"
    """drop: leave out windows with missing values; mask: keep them, these hidden; join: skip steps without values."""
    context: str = "6h"
    """The past that a forecast reads: a duration or a number of steps (for series in months, say)."""
    horizon: str = "24h"
    """The length of a forecast, in the same way."""
    unit: Annotated[str, MaxLen(40)] = ""
    """The unit of the columns for tables and figures, such as veh/h."""
    stride: Positive = 1
    """Steps between the starts of windows."""
    calendar: tuple[Literal["time_of_day", "day_of_week", "time_of_year"], ...] = ()
    """Clock features that a net also reads, as sine and cosine."""
    reference: Literal["mean", "day", "weekday"] = "mean"
    """The values that the net adds to: the training mean, or a profile, the mean of each time of day (and week)."""
    scaling: Literal["standard", "minmax", "minmax_symmetric", "none"] = "standard"
    """Standard deviations from data.reference; the training range as 0 to 1 or -1 to 1 (symmetric); or as they are."""
    blend: Annotated[float, Interval(ge=0.0, le=1.0)] = 0.5
    """For reference weekday: the weight of the weekday's own mean; the mean of all days has the rest."""
    statistic: Literal["mean", "median"] = "mean"
    """The reference's statistic over training days: the mean, or the median, which ignores odd days."""
    smooth: Annotated[float, Interval(ge=0.0, le=1000.0)] = 0.0
    """Standard deviation, in steps, of a Gaussian that smooths the reference's day."""
    validation: Share = 0.2
    """Share of the training time, at its end, held out for validation, if the source has no such part."""
    test: Share = 0.2
    """Share of the whole time, at its end, held out for test, if the source has no such part."""
    left_out: Share = 0.2
    """Largest share of the series that may be left out as too short, empty or flat; more are an error."""


@dataclasses.dataclass(frozen=True)
class DenseForecaster(Section):
    """Fully connected layers on the flattened context."""

    kind: Annotated[Literal["dense"], tyro.conf.Suppress] = "dense"
    hidden: tuple[Width, ...] = (64,)
    """Width of each hidden layer."""
    dropout: Share = 0.0
    """Share of each hidden layer's values dropped in training."""
    zero_init_head: bool = False
    """Start with zero weights in the last layer, so that forecasts start as the usual values (data.reference)."""
    output: Output = "linear"
    """The activation of the last layer, on values scaled by data.scaling."""


@dataclasses.dataclass(frozen=True)
class ConvForecaster(Section):
    """Causal convolutions along time, each with twice the dilation of the one before."""

    kind: Annotated[Literal["cnn"], tyro.conf.Suppress] = "cnn"
    channels: Widths = (64, 64)
    """Filters of each convolution."""
    kernel: Annotated[int, Interval(gt=0, le=255)] = 3
    """Number of steps that a filter reads."""
    readout: Literal["last", "flatten"] = "last"
    """Whether the next layer reads only the last step, or all steps."""
    hidden: tuple[Width, ...] = ()
    """Width of each fully connected layer above these."""
    dropout: Share = 0.0
    """Share of values dropped before each fully connected layer in training."""
    output: Output = "linear"
    """The activation of the last layer, on values scaled by data.scaling."""


@dataclasses.dataclass(frozen=True)
class RecurrentForecaster(Section):
    """Recurrent layers along time."""

    kind: Annotated[Literal["recurrent"], tyro.conf.Suppress] = "recurrent"
    cell: Literal["rnn", "lstm", "gru"] = "lstm"
    """A simple recurrent net, an LSTM with memory cells, or a GRU with gates only."""
    hidden: Widths = (64,)
    """Units of each recurrent layer, from bottom to top."""
    dense: tuple[Width, ...] = ()
    """Width of each fully connected layer above these."""
    decoder: Literal["direct", "autoregressive"] = "direct"
    """The whole horizon at once from the last state, or step by step, each output fed back."""
    forget_bias: Annotated[float, Ge(0.0)] = 1.0
    """Initial bias of an LSTM's forget gate: 1 as in Keras, 0 as in Flax and PyTorch."""
    gates: Literal["sigmoid", "hard_sigmoid", "hard_sigmoid_keras2"] = "sigmoid"
    """The nonlinearity of the gates."""
    reset_after: bool = True
    """In a GRU, reset after the product (Keras, cuDNN) or before it (Cho et al. 2014)."""
    dropout: Share = 0.0
    """Share of values dropped between layers in training."""
    output: Output = "linear"
    """The activation of the last layer, on values scaled by data.scaling."""
    weights: str | None = None
    """A file to start from: a forecaster trained in Keras, or a file that scripts/weights.py imported."""


@dataclasses.dataclass(frozen=True)
class Forecast(Section):
    """The loss of a forecast, its intervals and its bounds."""

    shrink: bool = False
    """Shrink the net's difference from data.reference at each step of the horizon, by a share chosen on validation."""
    loss: Literal["mse", "mae", "huber", "quantile"] = "mse"
    """The loss of the scaled values (data.scaling)."""
    quantiles: Annotated[tuple[Quantile, ...], MinLen(1)] = (0.05, 0.5, 0.95)
    """The quantiles of the quantile loss; the middle one is the forecast."""
    coverage: Quantile = 0.9
    """Share of the truth that intervals should hold."""
    lower: tuple[Bound | None, ...] = ()
    """The smallest possible value, such as 0, to which forecasts are clipped: one for all columns, or one for each."""
    upper: tuple[Bound | None, ...] = ()
    """The largest possible value, in the same way."""
