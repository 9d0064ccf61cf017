"""Forecasts beyond the end of a user's own file by a trained run, without the training data."""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np

from research.config import SeriesData, SeriesExperiment
from research.data.images.findings import shown
from research.data.series.closed_times import closed_forecasts
from research.data.series.forecast_windows import check_context, last_windows
from research.data.series.load import read_context
from research.data.series.reference import Reference
from research.data.series.series_set import Series
from research.data.series.sources import KINDS
from research.data.series.tables import ReadOptions
from research.data.series.text_times import offset_of
from research.data.series.windows import Windows
from research.errors import UserError
from research.experiment.series.backtest import forecast_of, targets_of
from research.experiment.series.build import without_gaps
from research.experiment.series.evaluate import Forecasts, corrected
from research.experiment.series.negatives import negative_forecasts
from research.experiment.series.net import Sizes, bounds_of, build_network, example, sizes_of
from research.experiment.series.preprocessing import preprocessing_of
from research.experiment.series.saved_forecasts import read_correction, read_reference
from research.experiment.trained import Trained, trained
from research.experiment.training import load_variables
from research.models.apply import apply_of
from research.report.record import read_record

Tree = Any


def predict(
    config: SeriesExperiment, run_dir: Path, inputs: Sequence[Path | str], seed: int | None, *, as_is: bool = False
) -> Iterator[dict[str, Any]]:
    """One dict for each series of each file of `inputs`, in order.

    {"input", "series", "origin", "times": [P], "columns": {name: {"forecast": [P], "low": [P], "high": [P]}}}, in local
    time and the series' own unit. "low" and "high" are present if validation calibrated them; otherwise "uncalibrated"
    gives the reason. "negative" warns of forecasts below zero in a column that never was, "closed" of forecasts for
    hours of the week without rows in training. A file that cannot be read, or has other columns or another step than
    training, gives {"input", "error"}. A series that is too short, unknown at its end or not in training gives
    {"input", "series", "error"}. Raises UserError when `seed` was not trained in `run_dir`, and for `as_is`, which is
    for pictures.
    """
    if as_is:
        raise UserError(f"--as-is is for pictures, and {run_dir} forecasts series; leave it out")
    data = read_record(run_dir)["data"]
    columns, never = tuple(data["columns"]), data.get("never_negative", ())
    reference = read_reference(run_dir)
    opening = np.array([list(day) for day in data["opening"]]) == "1" if data.get("opening") else None
    offset = offset_of(data["utc_offset"]) if data.get("utc_offset") else None  # older records have none
    step, seed = reference.step, config.seed if seed is None else seed
    sizes = sizes_of(config, columns, step)
    ended = load(config, run_dir, seed)
    variables, apply = ended.variables, apply_of(ended.net, config.train.precision)
    correction, bounds = read_correction(run_dir, seed), bounds_of(config.forecast, columns)
    for path in map(Path, inputs):
        try:
            found = _series(path, columns, step, config.data, offset)
            faults = _faults(path, config.data, found, reference, sizes)
            series = tuple(one for one in found if one.name not in faults)
            windows = _last(path, config.data, series, reference, sizes)
        except UserError as error:
            yield {"input": str(path), "error": str(error)}
            continue
        answers = {name: {"input": str(path), "series": name, "error": fault} for name, fault in faults.items()}
        if series:
            targets = targets_of(windows, sizes)
            forecasts = corrected(forecast_of(apply, variables, windows, sizes), targets, correction, bounds)
            for index, one in enumerate(series):
                own = forecasts.of(index)
                notes = {
                    "uncalibrated": correction.uncalibrated,
                    "negative": negative_forecasts(own, columns, never, bounds.lower),
                    "closed": closed_forecasts(targets.times[index], opening),
                }
                answer = _answer(path, one, targets.times[index], columns, own, targets.spread[index])
                answers[one.name] = answer | {name: note for name, note in notes.items() if note}
        yield from (answers[one.name] for one in found)


def load(config: SeriesExperiment, run_dir: Path, seed: int) -> Trained:
    """The net of `seed` in `run_dir`; UserError when that was not trained there."""
    columns, reference = tuple(read_record(run_dir)["data"]["columns"]), read_reference(run_dir)
    sizes = sizes_of(config, columns, reference.step)
    net = build_network(config.model, sizes)
    like = jax.eval_shape(lambda: {"params": {}} | dict(net.init(jax.random.key(0), example(sizes))))
    variables = load_variables(config, like, seed, run_dir)
    shrink = read_correction(run_dir, seed).shrink
    return trained(config, net, variables, (), preprocessing_of(config, columns, sizes, reference, shrink))


def reading_of(config: SeriesData, columns: tuple[str, ...]) -> ReadOptions:
    """The options by which files of the series are read."""
    series = config.series or None
    return ReadOptions(
        config.time, columns, series, config.day_first, config.time_zone, config.resample, config.aggregate,
        config.zeros_missing, config.fill,
    )  # fmt: skip


def _series(
    path: Path, columns: tuple[str, ...], step: np.timedelta64, config: SeriesData, offset: np.timedelta64 | None
) -> tuple[Series, ...]:
    if path.suffix.lower() not in KINDS or not path.is_file():
        fault = "is no file" if path.suffix.lower() in KINDS else f"is none of {', '.join(KINDS)}"
        raise UserError(f"{shown(str(path))} {fault}; give a file of the series, up to where the forecast begins")
    reading, exact = reading_of(config, columns), not config.columns
    found = read_context(path, columns, step, reading, exact=exact, offset=offset)
    return tuple(map(without_gaps, found)) if config.missing == "join" else found


def _faults(
    path: Path, config: SeriesData, series: tuple[Series, ...], reference: Reference, sizes: Sizes
) -> dict[str, str]:
    """Why some of `series` cannot be forecast, by name."""
    faults = {}
    for one in series:
        try:
            check_context(one, reference, sizes.context, "mask" if config.missing == "mask" else "drop")
        except UserError as error:
            faults[one.name] = f"{shown(str(path))}: {error}"
    return faults


def _last(path: Path, config: SeriesData, series: tuple[Series, ...], reference: Reference, sizes: Sizes) -> Windows:
    try:
        return last_windows(
            series,
            reference,
            sizes.context,
            sizes.horizon,
            missing="mask" if config.missing == "mask" else "drop",
            calendar=config.calendar,
            time_zone=config.time_zone,
            resampled=config.resample is not None,
        )
    except UserError as error:
        raise UserError(f"{shown(str(path))}: {error}") from error


def _answer(
    path: Path, one: Series, times: np.ndarray, columns: tuple[str, ...], forecasts: Forecasts, spread: np.ndarray
) -> dict[str, Any]:
    kinds = {"forecast": forecasts.middle, "low": forecasts.low, "high": forecasts.high}
    return {
        "input": str(path),
        "series": one.name,
        "origin": str(one.times[-1]),
        "times": [str(time) for time in times],
        "columns": {
            column: {kind: rounded(each[:, index], spread[index]) for kind, each in kinds.items() if each is not None}
            for index, column in enumerate(columns)
        },
    }


def rounded(values: np.ndarray, spread: float) -> list[float]:
    """`values` [P], rounded to four digits of their `spread` and at least six digits of their own."""
    largest = max(float(np.max(np.abs(values))), spread)
    digits = min(17, max(6, 4 + math.floor(math.log10(largest)) - math.floor(math.log10(spread))))
    return [float(f"{value:.{digits}g}") for value in values]
