"""Which steps of the week a series has: its business days and opening hours, by which forecasts go on."""

from collections.abc import Sequence

import numpy as np

from research.data.series.clock import days_and_seconds, weekday
from research.data.series.durations import DAY, seconds_in
from research.data.series.months import months_in
from research.data.series.zones import wall_clock

CLOSED = 0.1  # share of the weeks in which a step of the week that is closed may be there (our own rule)


def opening_of(parts: Sequence[np.ndarray], step: np.timedelta64) -> np.ndarray | None:
    """Which steps of the week the series with times `parts` (datetime64[s], local) has: bool [7, slots of a day].

    One that was there in fewer than a tenth of the weeks from the first time of a part to its last is closed. One that
    no part reaches over is as it is on other days. None where steps do not divide a day, and where nothing is closed.
    """
    if months_in(step) or DAY % seconds_in(step):
        return None
    slots = DAY // seconds_in(step)
    there, weeks = np.zeros((2, 7, slots))
    for times in parts:
        if len(times):
            there += _counted(times, slots)
            weeks += _counted(np.arange(times[0], times[-1] + step, step), slots)
    open_days, of_all = there >= CLOSED * weeks, there.sum(axis=0) >= CLOSED * weeks.sum(axis=0)
    result = np.where(weeks > 0, open_days, of_all)
    return result if not result.all() and result.any() else None


def opened(last: np.datetime64, step: np.timedelta64, count: int, opening: np.ndarray, zone: str | None) -> np.ndarray:
    """The first `count` instants after `last`, a `step` apart, that are open by a clock in `zone`: datetime64[s]."""
    weeks = -(-count // int(opening.sum())) + 2  # one that is begun, and one for changes of the clock
    instants = last + np.arange(1, weeks * opening.size + 1) * step
    weekdays, slots = _slots(wall_clock(instants, zone), opening.shape[1])
    return instants[opening[weekdays, slots]][:count]


def _slots(times: np.ndarray, slots: int) -> tuple[np.ndarray, np.ndarray]:
    days, seconds = days_and_seconds(times)
    return weekday(days), seconds * slots // DAY


def _counted(times: np.ndarray, slots: int) -> np.ndarray:
    weekdays, places = _slots(times, slots)
    return np.bincount(weekdays * slots + places, minlength=7 * slots).reshape(7, slots)
