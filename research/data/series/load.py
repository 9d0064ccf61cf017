"""Load series: read files onto regular steps, split them in time, fill gaps, and resample."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import numpy as np

from research.data.series.clock import shown_time
from research.data.series.durations import format_duration, seconds_in, seconds_of
from research.data.series.findings import SeriesFindings, findings_of_filling, merge_findings
from research.data.series.gaps import fill_gaps, resample_steps
from research.data.series.leaving_out import without_flat
from research.data.series.months import following, same_step
from research.data.series.reading import SeriesFile, read_file
from research.data.series.series_set import Series, SeriesSet, fingerprint
from research.data.series.sources import series_files
from research.data.series.splits import split_by_time
from research.data.series.tables import ReadOptions
from research.data.series.text_times import format_offset
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
) -> SeriesSet:
    """The series of `source`, a .csv, .parquet or .npz file, or a folder with one for train, for test and validation.

    A path is taken as given, or looked for under `root` (see `paths.data_root`). In tables, `time` names the column of
    times (default: the first) or several that make one (`timestamps.joined_times`). `values` names the columns of
    numbers (default: all others). `series` names the columns whose cells, joined by /, are the names of the series;
    without them the file is one series, called "". For .npz files see `archives.read_archive`.

    1. Times are read (`timestamps.read_timestamps`), with days before months if `day_first`. With a `time_zone` they
       are its local times, and clock changes are followed. Without one, clock changes leave gaps and repeated times,
       which are reported.
    2. Zeros become unknown if `zeros_missing`. Rows go onto regular steps (`grids.regular_step`, `grids.on_grid`):
       repeated times are averaged, times off the grid move to it, and steps without a row are unknown.
    3. Parts follow each other in time. Without a file for test, test is the last share `test` of each series.
       Validation is then the last share `validation` of the rest of train. A share of 0 leaves the part empty.
    4. Within each part, unknown runs of up to `fill` of the file's steps are interpolated linearly.
    5. Within each part, steps are aggregated to `resample` ("1h") by `aggregate`; unknown steps stay unknown. Those
       that divide a day keep to the hours of the clock; where it is changed, one is shorter or longer.
    6. Series that are empty or flat in training are left out.

    Raises UserError, one line, for anything missing or unsound.
    """
    options = ReadOptions(time, values, series, day_first, time_zone, resample, aggregate, zeros_missing, fill)
    paths = series_files(source, root)
    files = {"train": (first := read_file(paths["train"], options))}
    files |= {part: read_file(path, options, first.columns) for part, path in paths.items() if part != "train"}
    _refuse_other_step(files)
    _refuse_other_offset(files)
    longer = np.timedelta64(seconds_of(resample), "s") if resample else first.step
    raw = split_by_time(files, longer, validation, test)
    parts = {
        part: tuple(_fill_and_resample(one, first.step, longer, fill, aggregate) for one in members)
        for part, members in raw.items()
    }
    parts, flat = without_flat(parts, first.columns, first.name)
    fillings = [_filling(files.get(part, first).name, first.columns, members, fill) for part, members in raw.items()]
    findings = merge_findings([*(file.findings for file in files.values()), *fillings])._replace(flat=flat)
    digest = fingerprint(first.columns, longer, parts)
    return SeriesSet(source, first.columns, longer, dict(parts), findings, digest, first.offset)


def _refuse_other_step(files: Mapping[str, SeriesFile]) -> None:
    """Raises UserError for a file whose step is not that of the training file."""
    first = files["train"]
    other = next((file for file in files.values() if not same_step(file.step, first.step)), None)
    if other is not None:
        steps = format_duration(first.step), format_duration(other.step)
        raise UserError(f"{first.name} has steps of {steps[0]}, {other.name} of {steps[1]}; bring both to one")


def _refuse_other_offset(files: Mapping[str, SeriesFile]) -> None:
    """Raises UserError for a file whose times have another offset from UTC than those of the training file."""
    first = files["train"]
    other = next((file for file in files.values() if file.offset != first.offset), None)
    if other is not None:
        kinds = ("without one" if each is None else format_offset(each) for each in (first.offset, other.offset))
        raise UserError(
            f"{first.name} and {other.name} differ in their times' offset from UTC ({', '.join(kinds)}); bring both to "
            "one, or name the place, as in --data.time-zone America/Los_Angeles"
        )


def read_context(
    path: Path,
    columns: tuple[str, ...],
    step: np.timedelta64,
    options: ReadOptions,
    *,
    exact: bool = False,
    offset: np.timedelta64 | None = None,
) -> tuple[Series, ...]:
    """The series of a user's own file to forecast from: the `columns` of training, at its `step`.

    Times are converted to the `offset` from UTC of those in training, if it is known and the file has another one.
    Unknown steps at the end, and an incomplete last step, are left out with a warning. Ways of reading that the file
    does not settle, such as times without their offset, are a warning, too. With `exact` the file may have no other
    columns of numbers. Raises UserError for missing columns, for another step, and for anything that `load_series`
    refuses.
    """
    file = read_file(path, options, columns, exact=exact, offset=offset)
    if how := file.findings.how_read():
        warn(how)
    longer = np.timedelta64(seconds_of(options.resample), "s") if options.resample else file.step
    if not same_step(longer, step):
        raise UserError(
            f"{file.name} has steps of {format_duration(longer)}, training had {format_duration(step)}; "
            "give it the same"
        )
    whole = [_fill_and_resample(one, file.step, longer, options.fill, options.aggregate) for one in file.series]
    context = tuple(_until_known(one) for one in whole)
    for one, raw in zip(context, file.series, strict=True):
        _warn_of_incomplete_end(file.name, one, following(raw.times, file.step, 1)[0], step)
    return context


def _warn_of_incomplete_end(file: str, one: Series, end: np.datetime64, step: np.timedelta64) -> None:
    begins = following(one.times, step, 1)[0] if len(one.times) else None
    if begins is not None and begins < end:
        named = f"{file}, {one.name}" if one.name else file
        lag = format_duration(int((end - begins) / np.timedelta64(1, "s")))
        warn(f"{named}: its last {lag} are no whole, known step; the forecast begins at {shown_time(begins)}")


def _until_known(one: Series) -> Series:
    known = np.flatnonzero(np.isfinite(one.values).any(axis=1))
    end = int(known[-1]) + 1 if len(known) else 0
    return Series(
        one.name, one.times[:end], one.values[:end], None if one.interpolated is None else one.interpolated[:end]
    )


def _fill_and_resample(
    one: Series, step: np.timedelta64, longer: np.timedelta64, fill: int, aggregate: Literal["mean", "sum"]
) -> Series:
    """Fill runs of up to `fill` unknown steps of `one`, then resample it from `step` to `longer`."""
    values = fill_gaps(one.values, fill)
    interpolated = np.logical_or.reduce(np.isnan(one.values) & ~np.isnan(values), axis=1)
    times = one.times
    if not same_step(step, longer) and len(times):
        lengths = seconds_in(step), seconds_in(longer)
        interpolated = resample_steps(times, interpolated[:, None], *lengths, "last")[1][:, 0]
        times, values = resample_steps(times, values, *lengths, aggregate)
    return Series(one.name, times, values, interpolated if fill else None)


def _filling(file: str, columns: tuple[str, ...], series: Sequence[Series], fill: int) -> SeriesFindings:
    """The findings of `_fill_and_resample` in these series."""
    found = [
        findings_of_filling(file, columns, one.name, one.times, one.values, fill_gaps(one.values, fill))
        for one in series
    ]
    return SeriesFindings(0, filled=tuple(finding for group in found for finding in group))
