"""The chronological split of series: training first, then validation, then test."""

from collections.abc import Mapping

import numpy as np

from research.data.series.clock import shown_time
from research.data.series.durations import seconds_in
from research.data.series.gaps import bin_edges
from research.data.series.months import same_step
from research.data.series.reading import SeriesFile
from research.data.series.series_set import Series
from research.errors import UserError

Parts = dict[str, tuple[Series, ...]]


def split_by_time(files: Mapping[str, SeriesFile], longer: np.timedelta64, validation: float, test: float) -> Parts:
    """The series of train, validation and test; parts without a file are split off the end of train.

    Test is the last share `test` of each series, then validation is the last share `validation` of the rest. Splits
    fall on whole steps of `longer` (see `gaps.resample_steps`), and a share of 0 leaves the part empty. Raises
    UserError for parts that overlap in time, and for series that training does not have.
    """
    parts: Parts = {part: file.series for part, file in files.items()}
    step = files["train"].step
    for part, share in (("test", test), ("validation", validation)):
        if part not in parts:
            pairs = [_split(series, share, step, longer) for series in parts["train"]]
            parts["train"] = tuple(before for before, _ in pairs)
            parts[part] = tuple(after for _, after in pairs) if share else ()
    _refuse_strangers(parts, files)
    _refuse_overlap(parts, files)
    return {part: parts[part] for part in ("train", "validation", "test")}


def _split(series: Series, share: float, step: np.timedelta64, longer: np.timedelta64) -> tuple[Series, Series]:
    if not len(series.times):
        return series, series
    edges = np.arange(len(series.times) + 1)
    if not same_step(step, longer):
        edges = bin_edges(series.times, seconds_in(step), seconds_in(longer))
    count = max(len(edges) - 1, 0)
    end = int(edges[count - round(share * count)]) if count else 0
    return (
        series._replace(times=series.times[:end], values=series.values[:end]),
        series._replace(times=series.times[end:], values=series.values[end:]),
    )


def _refuse_strangers(parts: Parts, files: Mapping[str, SeriesFile]) -> None:
    """Raises UserError for a series that training does not have."""
    names = {series.name for series in parts["train"]}
    for part, members in parts.items():
        strange = next((series.name for series in members if series.name not in names), None)
        if strange is not None:
            raise UserError(f"{files[part].name} has a series {strange!r}, which training has not; give it to both")


def _refuse_overlap(parts: Parts, files: Mapping[str, SeriesFile]) -> None:
    """Raises UserError for a part that does not follow the one before; only parts with own files can fail."""
    ends: dict[str, np.datetime64] = {}
    for part in ("train", "validation", "test"):
        for series in parts[part]:
            if series.name in ends and len(series.times) and series.times[0] <= ends[series.name]:
                name = f"series {series.name}" if series.name else "it"
                raise UserError(
                    f"{files[part].name}: {name} begins at {shown_time(series.times[0])}, but the part before ends at "
                    f"{shown_time(ends[series.name])}; parts must follow each other in time"
                )
            if len(series.times):
                ends[series.name] = series.times[-1]
