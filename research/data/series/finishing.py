"""The last look at a part of the series: gaps filled, and steps put together."""

from collections.abc import Sequence
from typing import Literal

import numpy as np

from research.data.series.durations import seconds_in
from research.data.series.findings import SeriesFindings
from research.data.series.gaps import filled, resampled
from research.data.series.months import same_step
from research.data.series.series_set import Series
from research.data.series.survey import of_filling


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
