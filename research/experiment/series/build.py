"""The plan of a forecaster from its configuration: series, their windows, and the net."""

import dataclasses
import functools
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import jax
import numpy as np

from research.config import SeriesData, SeriesExperiment
from research.data.sampling import uniform
from research.data.series.closed_times import weekly_opening
from research.data.series.leaving_out import without_short
from research.data.series.load import load_series
from research.data.series.reference import Reference, fit_reference, leave_one_day_out
from research.data.series.seasons import opening_of
from research.data.series.series_set import Series, SeriesSet
from research.data.series.windowed_series import WindowedSeries
from research.data.series.windows import Windows, build_windows
from research.errors import UserError
from research.experiment.given_data import frame_bytes, stored
from research.experiment.series.bounds import check_bounds
from research.experiment.series.loss import METRICS, forecasting
from research.experiment.series.net import (
    Sizes,
    bounds_of,
    build_network,
    check_level,
    check_scaling,
    example,
    sizes_of,
    starting_leaves,
    weights_file,
)
from research.experiment.training import optimizer_of, stopping_of
from research.models.apply import apply_of
from research.models.initialization import initializer, parameter_names
from research.models.network import Network
from research.models.summary import summarize
from research.training.feature_cache import key_of
from research.training.freezing import frozen_leaves
from research.training.plan import Starts, TrainingPlan
from research.weights.load import fingerprint

SPLITS = ("train", "validation", "test")


@dataclasses.dataclass(frozen=True, kw_only=True)
class SeriesPlan(TrainingPlan):
    """The training plan of a forecaster, with its series, references and windows."""

    config: SeriesExperiment
    data: SeriesSet
    sizes: Sizes
    reference: Reference  # of all rows before test; forecasts of test and later are differences from it
    average: Reference  # the mean of each time of day over the same rows: a baseline
    windows: Mapping[str, Windows]  # by split
    net: Network


def build(config: SeriesExperiment, _: Starts = MappingProxyType({})) -> SeriesPlan:
    """Load the series, slice windows and wire the net; UserError where these do not fit or the data is not sound."""
    data = load_data(config.data)
    sizes = sizes_of(config, data.columns, data.step)
    check_scaling(config)
    data = without_short(data, sizes.context, sizes.horizon, config.data.left_out, config.data.reference)
    check_bounds(bounds_of(config.forecast, data.columns), data.columns, data.parts["train"])
    check_level(config, data.columns, data.parts["train"])
    reference, windows = _windows(config.data, data, sizes)
    if config.forecast.shrink and not len(windows["validation"].starts):
        raise UserError("forecast.shrink needs validation data: set --data.validation above 0, or leave it out")
    net = build_network(config.model, sizes)
    start = starting_leaves(config, net, sizes)
    initialize = initializer(net, example(sizes), start)
    count = len(windows["train"].starts)
    order = uniform(count, min(config.train.batch_size, count))
    return SeriesPlan(
        examples={split: len(windows[split].starts) for split in SPLITS},
        data_set=lambda split: windowed(windows[split], sizes),
        identity=key_of(data.fingerprint, fingerprint(start, "")) if start else data.fingerprint,
        initialize=initialize,
        apply=apply_of(net, config.train.precision),
        loss_fn=forecasting(config.forecast.loss, config.forecast.quantiles),
        metrics=training_metrics(config),
        order=order,
        optimizer=optimizer_of(config, order),
        epochs=config.train.epochs,
        l2=config.train.l2,
        stopping=stopping_of(config.train),
        monitor=config.train.monitor,
        frozen=frozen_leaves(parameter_names(initialize), config.train.freeze),
        # Their matrix products are small: most of a step on CPU is call overhead, which vmapped seeds share.
        vmap_seeds=True,
        summary=summarize(net, sizes.shape),
        config=config,
        data=data,
        sizes=sizes,
        reference=reference,
        average=_of_days(_before_test(data), data.step),
        windows=windows,
        net=net,
    )


def with_data(config: SeriesExperiment, data: Any, folder: Path) -> SeriesExperiment:
    """`config` with the pandas frame `data` as its source, stored in `folder`: its index or first column is the time.

    The frame is checked before it is written; UserError as `load_series` raises it.
    """
    import pandas as pd  # slow to import

    if not isinstance(data, pd.DataFrame):
        raise UserError(f"data is a {type(data).__name__}, not a pandas DataFrame with times and columns of numbers")
    timed = isinstance(data.index, pd.DatetimeIndex)
    content = frame_bytes(data.rename_axis(index=data.index.name or "time").reset_index() if timed else data)
    with tempfile.TemporaryDirectory() as trial:
        tried = stored(config, content, ".parquet", Path(trial)).data
        try:
            load_data(tried)
        except UserError as error:
            error.args = (str(error).replace(tried.source, "the frame"),)  # whose file nobody knows
            raise
    return stored(config, content, ".parquet", folder)


def check_files(config: SeriesExperiment) -> None:
    """Raise UserError when the weights that the net starts from are missing."""
    weights_file(config)


def training_metrics(_: SeriesExperiment) -> tuple[str, ...]:
    """What training measures, whatever the configuration."""
    return METRICS


def load_data(config: SeriesData) -> SeriesSet:
    """The series that `config` names, split in time."""
    found = load_series(
        config.source,
        config.root,
        time=config.time,
        values=config.columns,
        series=config.series or None,
        day_first=config.day_first,
        time_zone=config.time_zone,
        resample=config.resample,
        aggregate=config.aggregate,
        zeros_missing=config.zeros_missing,
        fill=config.fill,
        validation=config.validation,
        test=config.test,
    )
    parts = {split: found.parts.get(split, ()) for split in SPLITS}
    if config.missing == "join":
        parts = {split: tuple(map(without_gaps, each)) for split, each in parts.items()}
    return found._replace(parts=parts)


def without_gaps(one: Series) -> Series:
    """`one` without the steps that have no known value; the steps around them become neighbours."""
    known = np.isfinite(one.values).any(axis=1)
    return Series(
        one.name, one.times[known], one.values[known], None if one.interpolated is None else one.interpolated[known]
    )


def windowed(windows: Windows, sizes: Sizes) -> WindowedSeries:
    """The windows of a split as arrays on the device."""
    return jax.device_put(
        WindowedSeries(
            values=windows.scaled,
            known=windows.known.astype(np.float32),
            calendar=windows.calendar,
            starts=windows.starts,
            context=np.arange(sizes.context),
            horizon=np.arange(sizes.context, sizes.context + sizes.horizon),
        )
    )


def _windows(config: SeriesData, data: SeriesSet, sizes: Sizes) -> tuple[Reference, dict[str, Windows]]:
    """The reference for test, and the windows of each split.

    Means and spreads are of training alone, and so is the profile for training and validation. The profile for a
    training day leaves that day out, so that the day looks like a new one. The profile for test is over all days before
    test, validation included, since there are few of each weekday.
    """
    fit = functools.partial(
        fit_reference,
        step=data.step,
        kind=config.reference,
        blend=config.blend,
        statistic=config.statistic,
        smooth=config.smooth,
        scaling=config.scaling,
    )
    train = data.parts["train"]
    early = fit(train)
    late = early if config.reference == "mean" else fit(_before_test(data))._replace(spread=early.spread)
    if config.missing == "join":
        late = late._replace(opening=_openings(data))
    references = {"train": early, "validation": early, "test": late}
    expectations = {"train": None if config.reference == "mean" else leave_one_day_out(early, train)}
    build_split = functools.partial(
        build_windows,
        context=sizes.context,
        horizon=sizes.horizon,
        calendar=config.calendar,
        stride=config.stride,
        missing="drop" if config.missing == "join" else config.missing,
    )
    return late, {
        split: build_split(data.parts[split], references[split], expectations=expectations.get(split), where=split)
        for split in SPLITS
    }


def closed_hours(plan: SeriesPlan) -> np.ndarray | None:
    """The times of the week with rows (`weekly_opening`); None where all have rows, or forecasts keep to them."""
    data = plan.data
    if plan.config.data.missing == "join":
        return None
    each = [[one for split in SPLITS for one in data.parts[split] if one.name == name] for name in _names(data)]
    return weekly_opening(each, data.step)


def _openings(data: SeriesSet) -> np.ndarray | None:
    """The steps of the week with rows in each series, [S, 7, slots of a day]; None where no series lacks any."""
    times = [[one.times for part in SPLITS for one in data.parts[part] if one.name == name] for name in _names(data)]
    found = [opening_of(each, data.step) for each in times]
    shape = next((each.shape for each in found if each is not None), None)
    return None if shape is None else np.stack([np.ones(shape, bool) if one is None else one for one in found])


def _names(data: SeriesSet) -> tuple[str, ...]:
    return tuple(one.name for one in data.parts["train"])


def _before_test(data: SeriesSet) -> tuple[Series, ...]:
    """Training and validation of each series as one."""
    later = {one.name: one for one in data.parts["validation"]}
    return tuple(_followed(one, later.get(one.name)) for one in data.parts["train"])


def _followed(one: Series, later: Series | None) -> Series:
    if later is None:
        return one
    return Series(one.name, np.concatenate([one.times, later.times]), np.concatenate([one.values, later.values]))


def _of_days(series: tuple[Series, ...], step: np.timedelta64) -> Reference:
    """The mean of each time of day; for series shorter than two days, the mean of all times."""
    try:
        return fit_reference(series, step, "day")
    except UserError:
        return fit_reference(series, step, "mean")
