"""Parts of series that follow each other in time: training first, then validation, then test."""

from collections.abc import Mapping

import numpy as np

from research.data.series.clock import shown_time
from research.data.series.durations import seconds_in
from research.data.series.gaps import binning
from research.data.series.months import same_step
from research.data.series.reading import File
from research.data.series.series_set import Series
from research.errors import UserError

Parts = dict[str, tuple[Series, ...]]


def chronological(files: Mapping[str, File], longer: np.timedelta64, validation: float, test: float) -> Parts:
    """The series of train, validation and test, cut off the end of train where there is no file for them.

    Test is the last share `test` of each series' time, validation the last share `validation` of what is left; cuts are
    whole steps of `longer` (see `gaps.resampled`), and a share of 0 is no part. Raises UserError for parts
    whose times overlap, and for series that training does not have.
    """
    parts: Parts = {part: file.series for part, file in files.items()}
    step = files["train"].step
    for part, share in (("test", test), ("validation", validation)):
        if part not in parts:
            pairs = [_cut(one, share, step, longer) for one in parts["train"]]
            parts["train"] = tuple(before for before, _ in pairs)
            parts[part] = tuple(after for _, after in pairs) if share else ()
    _refuse_strangers(parts, files)
    _refuse_overlap(parts, files)
    return {part: parts[part] for part in ("train", "validation", "test")}


def _cut(series: Series, share: float, step: np.timedelta64, longer: np.timedelta64) -> tuple[Series, Series]:
    if not len(series.times):
        return series, series
    alike = same_step(step, longer)
    skipped, together = (0, 1) if alike else binning(series.times[0], seconds_in(step), seconds_in(longer))
    count = max(len(series.times) - skipped, 0) // together
    place = skipped + (count - round(share * count)) * together
    return (
        series._replace(times=series.times[:place], values=series.values[:place]),
        series._replace(times=series.times[place:], values=series.values[place:]),
    )


def _refuse_strangers(parts: Parts, files: Mapping[str, File]) -> None:
    known = {one.name for one in parts["train"]}
    for part, series in parts.items():
        strange = next((one.name for one in series if one.name not in known), None)
        if strange is not None:
            raise UserError(f"{files[part].name} has a series {strange!r}, which training has not; give it to both")


def _refuse_overlap(parts: Parts, files: Mapping[str, File]) -> None:
    """Parts that come from files of their own must follow each other; those that were cut do."""
    ends: dict[str, np.datetime64] = {}
    for part in ("train", "validation", "test"):
        for one in parts[part]:
            if one.name in ends and len(one.times) and one.times[0] <= ends[one.name]:
                name = f"series {one.name}" if one.name else "it"
                raise UserError(
                    f"{files[part].name}: {name} begins at {shown_time(one.times[0])}, but the part before ends at "
                    f"{shown_time(ends[one.name])}; parts must follow each other in time"
                )
            if len(one.times):
                ends[one.name] = one.times[-1]
