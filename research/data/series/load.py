"""Regular series, looked at and split in time: the one door to them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np

from research.data.series.clock import shown_time
from research.data.series.durations import format_duration, seconds_in, seconds_of
from research.data.series.findings import SeriesFindings, merged, of_filling
from research.data.series.gaps import filled, resampled
from research.data.series.leaving_out import without_flat
from research.data.series.months import following, same_step
from research.data.series.reading import Reading, read_file
from research.data.series.series_set import Series, SeriesSet, fingerprint
from research.data.series.sources import series_files
from research.data.series.splits import chronological
from research.errors import UserError, warn


def load_series(
    source: str,
    root: str | None,
    *,
    time: str | tuple[str, ...] | None = None,
    values: tuple[str, ...] = (),
    series: str | tuple[str, ...] | None = None,
    day_first: bool = False,
    time_zone: str | None = None,
    resample: str | None = None,
    aggregate: Literal["mean", "sum"] = "mean",
    zeros_missing: bool = False,
    fill: int = 0,
    validation: float = 0.2,
    test: float = 0.2,
    left_out: float = 0.2,
) -> SeriesSet:
    """The series of `source`, a .csv, .parquet or .npz file, or a folder with one for train, for test and validation.

    Paths are taken as they are or looked for under `root` (see `places.data_root`). Of tables, `time` is the column of
    times (the first by default) or those that make one (`joined_times`), `values` those of numbers (all others by
    default), and `series` those that name the series, joined by /; without them the file is one series, called "". For
    .npz files see `archives.read_archive`.

    1. Times are read (`stamps.stamps_of`): days come before months if `day_first`. With `time_zone` they are what a
       clock there shows, and its changes make neither gaps nor repetitions; without one they do, which is reported.
    2. Zeros are unknown if `zeros_missing`. Rows come onto regular steps (`steps.regular_step`, `grids.on_grid`):
       repeated times are averaged, times off the grid moved to the nearest step, steps without a row unknown.
    3. Parts follow each other in time. Where the source has no test part it is the last share `test` of each series,
       and validation the last share `validation` of what is left of train; 0 for none.
    4. Within each part, unknown stretches of up to `fill` of the file's steps are filled by straight lines.
    5. Within each part, steps are put together to `resample` ("1h") by `aggregate`, unknown where any of them is.
    6. Of many series, those that are empty or flat in training are left out: up to the share `left_out`, else an error.

    Raises UserError, one line, for whatever is missing or not sound.
    """
    reading = Reading(time, values, series, day_first, time_zone, resample, aggregate, zeros_missing, fill)
    paths = series_files(source, root)
    files = {"train": (first := read_file(paths["train"], reading))}
    files |= {part: read_file(path, reading, first.columns) for part, path in paths.items() if part != "train"}
    other = next((file for file in files.values() if not same_step(file.step, first.step)), None)
    if other is not None:
        steps = (
            f"{first.name} has steps of {format_duration(first.step)}, {other.name} of {format_duration(other.step)}"
        )
        raise UserError(f"{steps}; bring both to one")
    longer = np.timedelta64(seconds_of(resample), "s") if resample else first.step
    raw = chronological(files, longer, validation, test)
    parts = {
        part: tuple(finished(one, first.step, longer, fill, aggregate) for one in each) for part, each in raw.items()
    }
    parts, flat = without_flat(parts, first.columns, left_out, first.name)
    fillings = [filling(files.get(part, first).name, first.columns, each, fill) for part, each in raw.items()]
    findings = merged([*(file.findings for file in files.values()), *fillings])._replace(flat=flat)
    return SeriesSet(source, first.columns, longer, dict(parts), findings, fingerprint(first.columns, longer, parts))


def read_context(
    path: Path, columns: tuple[str, ...], step: np.timedelta64, reading: Reading, *, exact: bool = False
) -> tuple[Series, ...]:
    """The series of a user's own file to forecast from: the `columns` of training, at its `step`, read as it was.

    Steps at the end of which nothing is known are left out, with a warning, and so is a last one that is not whole.
    What was read in a way that the file does not settle, such as times without their offset, is a warning, too.
    With `exact` the file may have no other columns of numbers. Raises UserError for columns that are not there, for
    another step, and for what `load_series` refuses of a file.
    """
    file = read_file(path, reading, columns, exact=exact)
    if how := file.findings.how_read():
        warn(how)
    longer = np.timedelta64(seconds_of(reading.resample), "s") if reading.resample else file.step
    if not same_step(longer, step):
        raise UserError(
            f"{file.name} has steps of {format_duration(longer)}, training had {format_duration(step)}; "
            "give it the same"
        )
    whole = [finished(one, file.step, longer, reading.fill, reading.aggregate) for one in file.series]
    found = tuple(_until_known(one) for one in whole)
    for one, raw in zip(found, file.series, strict=True):
        _tell_what_is_left_out(file.name, one, following(raw.times, file.step, 1)[0], step)
    return found


def _tell_what_is_left_out(file: str, one: Series, end: np.datetime64, step: np.timedelta64) -> None:
    begins = following(one.times, step, 1)[0] if len(one.times) else None
    if begins is not None and begins < end:
        named = f"{file}, {one.name}" if one.name else file
        lag = format_duration(int((end - begins) / np.timedelta64(1, "s")))
        warn(f"{named}: its last {lag} are no whole, known step; the forecast begins at {shown_time(begins)}")


def _until_known(one: Series) -> Series:
    known = np.flatnonzero(np.isfinite(one.values).any(axis=1))
    end = int(known[-1]) + 1 if len(known) else 0
    return Series(one.name, one.times[:end], one.values[:end], None if one.drawn is None else one.drawn[:end])


def finished(
    one: Series, step: np.timedelta64, longer: np.timedelta64, fill: int, aggregate: Literal["mean", "sum"]
) -> Series:
    """`one` with stretches of up to `fill` steps filled, then put together from `step` to `longer`."""
    values = filled(one.values, fill)
    drawn = np.logical_or.reduce(np.isnan(one.values) & ~np.isnan(values), axis=1)
    times = one.times
    if not same_step(step, longer) and len(times):
        lengths = seconds_in(step), seconds_in(longer)
        drawn = resampled(times, drawn[:, None], *lengths, "last")[1][:, 0]
        times, values = resampled(times, values, *lengths, aggregate)
    return Series(one.name, times, values, drawn if fill else None)


def filling(file: str, columns: tuple[str, ...], series: Sequence[Series], fill: int) -> SeriesFindings:
    """What `finished` fills in these series."""
    found = [of_filling(file, columns, one.name, one.times, one.values, filled(one.values, fill)) for one in series]
    return SeriesFindings(0, filled=tuple(finding for each in found for finding in each))
