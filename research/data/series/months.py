"""Steps of whole months, quarters and years: the day of the month that rows fall on, and the times that follow.

A step of n months is `np.timedelta64(n, "M")`; all other steps are in seconds. The days are those of pandas' offsets:
a day of the month (`DateOffset`, `MonthBegin`; the 31st is `MonthEnd`), or the first or last weekday of the month
(`BMonthBegin`, `BMonthEnd`).
"""

from collections.abc import Mapping
from typing import Literal

import numpy as np

Anchor = int | Literal["first weekday", "last weekday"]  # a short month has its last day in place of a missing one

SHORTEST_MONTH = np.timedelta64(28, "D")
REGULAR = 0.9  # least share of rows on the anchor day for a series of months (our own rule)


def months_in(step: np.timedelta64) -> int:
    """The number of months in a step; 0 for a step in seconds."""
    return int(step.astype(np.int64)) if np.datetime_data(step.dtype)[0] == "M" else 0


def same_step(a: np.timedelta64, b: np.timedelta64) -> bool:
    """Whether two steps are equal; numpy cannot compare months with seconds."""
    months = months_in(a), months_in(b)
    return months[0] == months[1] and (months[0] > 0 or bool(a == b))


def month_of(times: np.ndarray) -> np.ndarray:
    """Months from January 1970 to each of `times`, int64."""
    return times.astype("datetime64[M]").astype(np.int64)


def keeps_to_months(times: Mapping[str, np.ndarray]) -> bool:
    """Whether the series keep to one day of the month; `times` [n] of each, datetime64[s], ascending and distinct."""
    series = [moments for moments in times.values() if len(moments) > 1]
    if not series or min(np.diff(moments).min() for moments in series) < SHORTEST_MONTH:
        return False
    on_anchor = [_on_anchor(moments, anchor_of(moments)).sum() for moments in series]
    return bool(sum(on_anchor) >= REGULAR * sum(map(len, series)))


def anchor_of(times: np.ndarray) -> Anchor:
    """The day of the month that most of `times` fall on. On a tie, the end of the month goes before the 30th."""
    days = _day_of_month(times)
    values, counts = np.unique(days, return_counts=True)
    commonest, latest = int(values[counts.argmax()]), int(days.max())
    candidates: tuple[Anchor, ...] = (31, commonest, latest, "first weekday", "last weekday")
    return max(candidates, key=lambda anchor: int(_on_anchor(times, anchor).sum()))


def times_in_months(months: np.ndarray, anchor: Anchor, second: int) -> np.ndarray:
    """The time on day `anchor` of each of `months` (since January 1970), `second` seconds after midnight.

    Returns datetime64[s] of the shape of `months`.
    """
    first = months.astype("datetime64[M]").astype("datetime64[D]")
    last = (months + 1).astype("datetime64[M]").astype("datetime64[D]") - np.timedelta64(1, "D")
    if anchor == "first weekday":
        day = np.busday_offset(first, 0, roll="forward")
    elif anchor == "last weekday":
        day = np.busday_offset(last, 0, roll="backward")
    else:
        day = np.minimum(first + np.timedelta64(anchor - 1, "D"), last)
    return day.astype("datetime64[s]") + np.timedelta64(second, "s")


def nearest_month_steps(times: np.ndarray, step: np.timedelta64) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Move `times` (datetime64[s] [n], ascending) to the nearest steps of months.

    Returns the index of each row's step, int64 [n]; the times of all T steps, datetime64[s] [T]; and whether each row
    lay off its step, bool [n].
    """
    anchor, second, count = anchor_of(times), _second_of_day(times), months_in(step)
    near = month_of(times) + np.arange(-1, 2)[:, None]
    distances = np.abs(times_in_months(near, anchor, second) - times)
    months = np.take_along_axis(near, distances.argmin(axis=0)[None], axis=0)[0]
    phases, counts = np.unique(months % count, return_counts=True)
    phase = int(phases[counts.argmax()])
    index = (months - phase + count // 2) // count
    grid = times_in_months(np.arange(index[0], index[-1] + 1) * count + phase, anchor, second)
    index = index - index[0]
    return index, grid, grid[index] != times


def following(times: np.ndarray, step: np.timedelta64, count: int) -> np.ndarray:
    """The `count` times after the last of `times`. Steps of months keep the day of the month, or its end."""
    if not months_in(step):
        return times[-1] + np.arange(1, count + 1) * step
    months = month_of(times[-1:]) + np.arange(1, count + 1) * months_in(step)
    return times_in_months(months, anchor_of(times), _second_of_day(times[-1:]))


def _on_anchor(times: np.ndarray, anchor: Anchor) -> np.ndarray:
    return times_in_months(month_of(times), anchor, 0) == times.astype("datetime64[D]")


def _day_of_month(times: np.ndarray) -> np.ndarray:
    first = times.astype("datetime64[M]").astype("datetime64[D]")
    return (times.astype("datetime64[D]") - first).astype(np.int64) + 1


def _second_of_day(times: np.ndarray) -> int:
    """The commonest second of the day."""
    seconds = (times.astype("datetime64[s]") - times.astype("datetime64[D]")).astype(np.int64)
    values, counts = np.unique(seconds, return_counts=True)
    return int(values[counts.argmax()])
