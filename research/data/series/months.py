"""Steps of whole months, quarters and years: the day of the month that rows keep to, and the times that follow.

A step of n months is `np.timedelta64(n, "M")`; all others are in seconds. The days that rows keep to are those of
pandas' offsets: a day of the month (`DateOffset`, `MonthBegin`; the 31st is `MonthEnd`), or its first or last weekday
(`BMonthBegin`, `BMonthEnd`).
"""

from collections.abc import Mapping
from typing import Literal, NamedTuple

import numpy as np

Anchor = int | Literal["first weekday", "last weekday"]  # a day that a month does not have is its last one

LEAST = np.timedelta64(28, "D")  # rows that are nearer to each other are not months apart
REGULAR = 0.9  # share of the rows that are on the day of the month that a series keeps to (our own rule)


class Places(NamedTuple):
    """Which step each of n rows is nearest to, int64 [n], the times of all steps from first to last, and strays [n]."""

    places: np.ndarray
    instants: np.ndarray
    moved: np.ndarray


def months_in(step: np.timedelta64) -> int:
    """The months of a step; 0 for one that is in seconds."""
    return int(step.astype(np.int64)) if np.datetime_data(step.dtype)[0] == "M" else 0


def same_step(one: np.timedelta64, other: np.timedelta64) -> bool:
    """Whether two steps are one; numpy does not compare months with seconds."""
    months = months_in(one), months_in(other)
    return months[0] == months[1] and (months[0] > 0 or bool(one == other))


def month_of(times: np.ndarray) -> np.ndarray:
    """The months since January 1970 of `times`, int64."""
    return times.astype("datetime64[M]").astype(np.int64)


def keeps_to_months(times: Mapping[str, np.ndarray]) -> bool:
    """Whether the series with these `times` (datetime64[s] [n], ascending and distinct) keep to a day of the month."""
    series = [each for each in times.values() if len(each) > 1]
    if not series or min(np.diff(each).min() for each in series) < LEAST:
        return False
    kept = [_on_anchor(each, anchor_of(each)).sum() for each in series]
    return bool(sum(kept) >= REGULAR * sum(map(len, series)))


def anchor_of(times: np.ndarray) -> Anchor:
    """The day of the month that most of `times` are on; the end of the month before the 30th, where both hold."""
    days = _day_of_month(times)
    found, counts = np.unique(days, return_counts=True)
    candidates: tuple[Anchor, ...] = (31, int(found[counts.argmax()]), int(days.max()), "first weekday", "last weekday")
    return max(candidates, key=lambda anchor: int(_on_anchor(times, anchor).sum()))


def stamps_at(months: np.ndarray, anchor: Anchor, second: int) -> np.ndarray:
    """The times in `months` since January 1970 on `anchor`, `second` seconds after midnight: datetime64[s]."""
    first = months.astype("datetime64[M]").astype("datetime64[D]")
    last = (months + 1).astype("datetime64[M]").astype("datetime64[D]") - np.timedelta64(1, "D")
    if anchor == "first weekday":
        day = np.busday_offset(first, 0, roll="forward")
    elif anchor == "last weekday":
        day = np.busday_offset(last, 0, roll="backward")
    else:
        day = np.minimum(first + np.timedelta64(anchor - 1, "D"), last)
    return day.astype("datetime64[s]") + np.timedelta64(second, "s")


def places_of(times: np.ndarray, step: np.timedelta64) -> Places:
    """`times` datetime64[s] [n], ascending, on steps of months: each at the nearest one."""
    anchor, second, count = anchor_of(times), _second_of_day(times), months_in(step)
    near = month_of(times) + np.arange(-1, 2)[:, None]
    distances = np.abs(stamps_at(near, anchor, second) - times)
    months = np.take_along_axis(near, distances.argmin(axis=0)[None], axis=0)[0]
    found, counts = np.unique(months % count, return_counts=True)
    phase = int(found[counts.argmax()])
    places = (months - phase + count // 2) // count
    steps = np.arange(places[0], places[-1] + 1)
    instants = stamps_at(steps * count + phase, anchor, second)
    places = places - places[0]
    return Places(places, instants, instants[places] != times)


def following(times: np.ndarray, step: np.timedelta64, count: int) -> np.ndarray:
    """The `count` times after the last of `times`; of months on the day that these keep to: month ends stay so."""
    if not months_in(step):
        return times[-1] + np.arange(1, count + 1) * step
    months = month_of(times[-1:]) + np.arange(1, count + 1) * months_in(step)
    return stamps_at(months, anchor_of(times), _second_of_day(times[-1:]))


def _on_anchor(times: np.ndarray, anchor: Anchor) -> np.ndarray:
    return stamps_at(month_of(times), anchor, 0) == times.astype("datetime64[D]")


def _day_of_month(times: np.ndarray) -> np.ndarray:
    first = times.astype("datetime64[M]").astype("datetime64[D]")
    return (times.astype("datetime64[D]") - first).astype(np.int64) + 1


def _second_of_day(times: np.ndarray) -> int:
    """The commonest second of the day."""
    seconds = (times.astype("datetime64[s]") - times.astype("datetime64[D]")).astype(np.int64)
    found, counts = np.unique(seconds, return_counts=True)
    return int(found[counts.argmax()])
