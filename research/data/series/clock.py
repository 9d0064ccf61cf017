"""What a clock and a calendar tell of any time, past or to come: angles of the day and of the week, on the circle."""

from collections.abc import Sequence

import numpy as np

from research.data.series.durations import DAY

PERIODS = ("time_of_day", "day_of_week", "time_of_year")


def calendar_features(times: np.ndarray, names: Sequence[str]) -> np.ndarray:
    """Sine and cosine of each of `names` at `times` (datetime64 [T], local wall clock): float32 [T, 2 * len(names)].

    time_of_day turns once a day from midnight, day_of_week once in seven days from Monday, a seventh at each midnight,
    time_of_year once a year from the first of January, a 365th (366th) at each midnight.
    """
    days, seconds = days_and_seconds(times)
    turns = {"time_of_day": seconds / DAY, "day_of_week": weekday(days) / 7, "time_of_year": _of_year(times)}
    angles = [2 * np.pi * turns[name] for name in names]
    waves = [wave(angle) for angle in angles for wave in (np.sin, np.cos)]
    return np.stack(waves, axis=-1).astype(np.float32) if waves else np.zeros((len(times), 0), np.float32)


def _of_year(times: np.ndarray) -> np.ndarray:
    years = times.astype("datetime64[Y]")
    first, last = (year.astype("datetime64[D]") for year in (years, years + np.timedelta64(1, "Y")))
    return (times.astype("datetime64[D]") - first) / (last - first)


def days_and_seconds(times: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The days since 1970-01-01 and the seconds since midnight of `times`: int64, of the same shape."""
    seconds = times.astype("datetime64[s]").astype(np.int64)
    return seconds // DAY, seconds % DAY


def weekday(days: np.ndarray) -> np.ndarray:
    """The day of the week of days since 1970-01-01, a Thursday: 0 is Monday."""
    return (days + 3) % 7
