"""Windows of a forecast of the future: the context is the end of a series, and the horizon lies after it."""

import math
from collections.abc import Sequence

import numpy as np

from research.data.series.clock import instants_of, shown_time, wall_clock
from research.data.series.durations import DAY, UNITS, seconds_in
from research.data.series.gaps import bin_edges
from research.data.series.months import following, months_in
from research.data.series.reference import Reference, expected, series_index
from research.data.series.seasons import following_open
from research.data.series.series_set import Series
from research.data.series.windows import Missing, Windows, concatenate_series
from research.errors import UserError


def last_windows(
    series: Sequence[Series],
    reference: Reference,
    context: int,
    horizon: int,
    *,
    missing: Missing = "drop",
    calendar: Sequence[str] = (),
    time_zone: str | None = None,
    resampled: bool = False,
) -> Windows:
    """One window for each series: its context is the end of the series, and its horizon is unknown.

    Raises UserError for a series shorter than the context and, unless `missing` is "mask", for an unknown value in it.
    """
    for one in series:
        check_context(one, reference, context, missing)
    indices = [series_index(reference, one.name) for one in series]
    openings = [None if reference.opening is None else reference.opening[index] for index in indices]
    longer = [
        extend(one, reference.step, horizon, time_zone, opening, resampled=resampled)
        for one, opening in zip(series, openings, strict=True)
    ]
    expectations = [expected(reference, index, one.times) for index, one in zip(indices, longer, strict=True)]
    ends = np.cumsum([len(one.times) for one in longer], dtype=np.int64)
    return concatenate_series(longer, reference, expectations, calendar, ends - horizon - context)


def check_context(one: Series, reference: Reference, context: int, missing: Missing = "drop") -> None:
    """Raises UserError for a series that cannot be forecast (see `last_windows`), or that training did not have."""
    series_index(reference, one.name)
    name = f"series {one.name}" if one.name else "the series"
    if len(one.times) < context:
        raise UserError(
            f"{name} has {len(one.times):,} steps; a forecast needs the {context:,} before it: give more of them"
        )
    unknown = np.isnan(one.values[len(one.values) - context :]).any(axis=1)
    if missing == "drop" and unknown.any():
        time = shown_time(one.times[len(one.times) - context + int(unknown.argmax())])
        raise UserError(f"{name} is unknown at {time}, and a forecast needs the {context:,} steps before it; give it")


def extend(
    one: Series,
    step: np.timedelta64,
    horizon: int,
    time_zone: str | None = None,
    opening: np.ndarray | None = None,
    *,
    resampled: bool = False,
) -> Series:
    """`one` with `horizon` more unknown steps. Their times follow local time in `time_zone`, and `opening` hours.

    Steps that were `resampled` keep to hours of the clock across its changes (see `gaps.bin_edges`).
    """
    zone = None if months_in(step) or seconds_in(step) >= DAY else time_zone
    instants = instants_of(one.times, zone, np.arange(len(one.times)) + 1, f"series {one.name}")

    def ahead(count: int) -> np.ndarray:
        if zone is not None and resampled and DAY % seconds_in(step) == 0:
            return _clock_steps(instants[-1], seconds_in(step), count, zone)
        return wall_clock(following(instants, step, count), zone)

    times = ahead(horizon) if opening is None else following_open(ahead, horizon, opening)
    unknown = np.full((horizon, one.values.shape[1]), np.nan)
    return Series(one.name, np.concatenate([one.times, times]), np.concatenate([one.values, unknown]), None)


HALF_HOUR = UNITS["h"] // 2  # clocks are changed by multiples of it


def _clock_steps(last: np.datetime64, step: int, count: int, zone: str) -> np.ndarray:
    """The local times of the `count` resampled steps of `step` seconds after the one that begins at instant `last`."""
    short = math.gcd(step, HALF_HOUR)
    instants = last + np.arange((count + 2) * step // short) * np.timedelta64(short, "s")
    local = wall_clock(instants, zone)
    edges = bin_edges(local, short, step)
    return local[edges[edges > 0][:count]]
