"""The net of a forecaster, from its configuration and the sizes of its windows."""

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from research.config import ConvForecaster, DenseForecaster, Forecast, RecurrentForecaster, SeriesExperiment
from research.data.paths import data_root, expanded
from research.data.series.durations import format_duration, steps_of
from research.data.series.months import months_in
from research.data.series.series_set import Series
from research.errors import UserError, warn
from research.models.forecasters import ForecastSpec, cnn_forecaster, dense_forecaster, recurrent_forecaster
from research.models.network import Network
from research.trees import named_leaves
from research.weights.load import load_forecaster

LOST = 0.01  # standard deviations of a series: larger steps of float32 affect its forecasts
Model = DenseForecaster | ConvForecaster | RecurrentForecaster


class Sizes(NamedTuple):
    """The sizes of a forecaster: L steps of context and P of horizon, F channels, C calendar features."""

    context: int
    horizon: int
    channels: int
    calendar: int
    masked: bool  # whether windows may hold unknown values
    quantiles: tuple[float, ...]  # empty for a loss of one forecast

    @property
    def shape(self) -> tuple[int, int]:
        """The shape of a window's values, [L, F], for the summary."""
        return self.context, self.channels


def sizes_of(config: SeriesExperiment, columns: Sequence[str], step: np.timedelta64) -> Sizes:
    """The sizes of what `config` describes, on series of `columns` at `step`.

    Raises UserError for durations of no whole number of steps, for quantiles without a middle one, for bounds that do
    not fit the columns, and for a calendar of days with steps of months.
    """
    bounds_of(config.forecast, columns)
    quantiles = config.forecast.quantiles
    if config.forecast.loss == "quantile" and (len(quantiles) % 2 == 0 or list(quantiles) != sorted(set(quantiles))):
        raise UserError(
            f"forecast.quantiles {' '.join(map(str, quantiles))}: the middle one is the forecast, so give an odd "
            "number of them, from low to high"
        )
    sub_daily = [name for name in config.data.calendar if name != "time_of_year"]
    if months_in(step) and sub_daily:
        raise UserError(
            f"steps of {format_duration(step)} have no {sub_daily[0]}; give --data.calendar time_of_year, or none"
        )
    return Sizes(
        context=steps_of(config.data.context, step, "--data.context"),
        horizon=steps_of(config.data.horizon, step, "--data.horizon"),
        channels=len(columns),
        calendar=2 * len(config.data.calendar),
        masked=config.data.missing == "mask",
        quantiles=quantiles if config.forecast.loss == "quantile" else (),
    )


class Bounds(NamedTuple):
    """The bounds of forecasts, [F] each: infinite where a column has none."""

    lower: np.ndarray
    upper: np.ndarray

    def limit(self, forecasts: np.ndarray) -> np.ndarray:
        """`forecasts` [..., F], clipped to the bounds."""
        return np.clip(forecasts, self.lower, self.upper)


def bounds_of(forecast: Forecast, columns: Sequence[str]) -> Bounds:
    """The bounds that `forecast` gives; UserError for a wrong number of them, and for lower ones above upper ones."""
    lower = _per_column("lower", forecast.lower, columns, -np.inf)
    upper = _per_column("upper", forecast.upper, columns, np.inf)
    crossed = np.flatnonzero(lower >= upper)
    if len(crossed):
        low, high, name = lower[crossed[0]], upper[crossed[0]], columns[crossed[0]]
        raise UserError(
            f"forecast.lower {low:g} of {name} is not below its forecast.upper {high:g}; change one of them"
        )
    return Bounds(lower, upper)


def _per_column(field: str, bounds: Sequence[float | None], columns: Sequence[str], without: float) -> np.ndarray:
    if len(bounds) not in (0, 1, len(columns)):
        raise UserError(
            f"forecast.{field} has {len(bounds)} numbers for {len(columns)} columns ({', '.join(columns[:8])}"
            f"{', ...' if len(columns) > 8 else ''}); give one for all, or one for each, None for a column without"
        )
    each = [without if bound is None else bound for bound in bounds or (None,)]
    return np.broadcast_to(np.array(each, np.float64), (len(columns),))


def check_scaling(config: SeriesExperiment) -> None:
    """UserError where an output, or an option about the reference, does not fit the scaling."""
    scaling, output, model = config.data.scaling, config.model.output, config.model
    zero_init_head = isinstance(model, DenseForecaster) and model.zero_init_head
    if output == "sigmoid" and scaling in ("standard", "minmax_symmetric"):
        below = "the middle of the training range" if scaling == "minmax_symmetric" else "the reference"
        raise UserError(
            f"model.output sigmoid answers from 0 to 1, with data.scaling {scaling} never below {below}; set "
            "--data.scaling minmax, or --model.output linear"
        )
    if output == "tanh" and scaling == "standard":
        raise UserError(
            "model.output tanh answers from -1 to 1, with data.scaling standard never beyond a standard deviation; set "
            "--data.scaling minmax_symmetric, or --model.output linear"
        )
    if scaling != "standard" and (zero_init_head or config.forecast.shrink):
        flag = "model.zero_init_head" if zero_init_head else "forecast.shrink"
        raise UserError(f"{flag} is about a reference, which data.scaling {scaling} does not have; leave it out")


def check_level(config: SeriesExperiment, columns: Sequence[str], train: Sequence[Series]) -> None:
    """Warn where unscaled values are so large beside their standard deviation that float32 loses their differences."""
    for one, index in itertools.product(train if config.data.scaling == "none" else (), range(len(columns))):
        values = one.values[np.isfinite(one.values[:, index]), index]
        largest, spread = np.abs(values).max(initial=0), values.std() if len(values) else 0.0
        step = np.spacing(np.float32(largest))
        if 0 < spread < step / LOST:
            warn(
                f"{columns[index]} goes to {largest:g} with a standard deviation of {spread:.3g}, and a net computes "
                f"in float32, which has steps of {step:.2g} there: give --data.scaling standard"
            )
            return


def build_network(model: Model, sizes: Sizes) -> Network:
    """The network that `model` describes: a window -> [B, P, F, Q]. UserError where that is impossible."""
    spec = ForecastSpec(
        sizes.horizon, sizes.channels, max(1, len(sizes.quantiles)), sizes.calendar, sizes.masked, model.output
    )
    if isinstance(model, DenseForecaster):
        return dense_forecaster(spec, model.hidden, dropout=model.dropout)
    if isinstance(model, ConvForecaster):
        return cnn_forecaster(
            spec, model.channels, model.hidden, kernel=model.kernel, readout=model.readout, dropout=model.dropout
        )
    return recurrent_forecaster(
        spec,
        model.cell,
        model.hidden,
        decoder=model.decoder,
        dense=model.dense,
        gates=model.gates,
        forget_bias=model.forget_bias,
        reset_after=model.reset_after,
        dropout=model.dropout,
    )


def example(sizes: Sizes) -> dict[str, jax.Array]:
    """A window of zeros in the net's input format."""
    L, P, F = sizes.context, sizes.horizon, sizes.channels
    return {
        "values": jnp.zeros((1, L, F)),
        "known": jnp.ones((1, L, F)),
        "calendar": jnp.zeros((1, L + P, sizes.calendar)),
    }


def starting_leaves(config: SeriesExperiment, net: Network, sizes: Sizes) -> dict[str, np.ndarray]:
    """The leaves with given initial values: the head's zeros with `zero_init_head`, the file's leaves with `weights`.

    Raises UserError for weights that are missing or of another net.
    """
    model, path = config.model, weights_file(config)
    like = named_leaves(jax.eval_shape(net.init, jax.random.key(0), example(sizes))["params"])
    if path is not None and isinstance(model, RecurrentForecaster):
        wanted, shape = {name: leaf.shape for name, leaf in like.items()}, (sizes.horizon, sizes.channels)
        return load_forecaster(path, wanted, model.gates, model.output, shape)
    if isinstance(model, DenseForecaster) and model.zero_init_head:
        return {name: np.zeros(leaf.shape, leaf.dtype) for name, leaf in like.items() if name == "head/kernel"}
    return {}


def weights_file(config: SeriesExperiment) -> Path | None:
    """The weight file of `config`, at its path or under weights/ of the data's root; None where it names none."""
    model = config.model
    if not isinstance(model, RecurrentForecaster) or model.weights is None:
        return None
    paths = [expanded(model.weights), data_root(config.data.root) / "weights" / model.weights]
    found = next((path for path in paths if path.is_file()), None)
    if found is None:
        raise UserError(
            f"no weights {model.weights} (looked for {paths[0].absolute()} and {paths[1].absolute()}); give "
            "--model.weights the file of a forecaster trained in Keras, or what scripts/weights.py import made of it"
        )
    return found
