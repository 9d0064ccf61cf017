"""The last look at a part of the series: gaps filled, steps put together, and flat ones refused."""

from collections.abc import Sequence
from typing import Literal

import numpy as np

from research.data.series.durations import seconds_in
from research.data.series.findings import SeriesFindings
from research.data.series.gaps import filled, resampled
from research.data.series.months import same_step
from research.data.series.series_set import Series
from research.data.series.survey import of_filling
from research.errors import UserError


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


def refuse_flat(train: Sequence[Series], columns: Sequence[str], where: str) -> None:
    """Raises UserError, naming it, for a series of which no training value is known, or all are the same."""
    for one in train:
        for column, values in zip(columns, one.values.T, strict=True):
            known = values[np.isfinite(values)]
            if len(known) and (known != known[0]).any():
                continue
            name = f"series {one.name}, column {column!r}" if one.name else f"column {column!r}"
            fault = f"all training values are {known[0]:g}" if len(known) else "no training value is known"
            raise UserError(f"{where}: {name}: {fault}; leave it out (--data.columns), or give more of it")
