"""Regular series, and sets of them split in time."""

import hashlib
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from research.data.series.durations import seconds_in
from research.data.series.findings import SeriesFindings
from research.data.series.months import months_in


class Series(NamedTuple):
    """One series on regular steps; its name is "" where a file holds a single one.

    times: datetime64[s] [T], local. values: float64 [T, F], NaN where unknown. interpolated: bool [T], steps whose last
    value depends on a later one, which a forecast at that time could not know; None if there are none.
    """

    name: str
    times: np.ndarray
    values: np.ndarray
    interpolated: np.ndarray | None = None


class SeriesSet(NamedTuple):
    """Checked series whose training values differ; `name` is their source."""

    name: str
    columns: tuple[str, ...]  # F
    step: np.timedelta64  # in seconds or months
    parts: dict[str, tuple[Series, ...]]  # "train", "validation", "test", in order of time
    findings: SeriesFindings
    fingerprint: str  # the first 16 hex digits of the sha256 of columns, step and parts
    offset: np.timedelta64 | None = None  # from UTC, of all times in training; None where it is unknown, or changes


def fingerprint(columns: tuple[str, ...], step: np.timedelta64, parts: Mapping[str, tuple[Series, ...]]) -> str:
    """The first 16 hex digits of the sha256 of all data that a training sees."""
    length = f"{months_in(step)} months" if months_in(step) else str(seconds_in(step))
    digest = hashlib.sha256("\0".join((length, *columns)).encode())
    for part, series in parts.items():
        for one in series:
            digest.update(f"\0{part}\0{one.name}\0{one.values.shape}".encode())
            digest.update(np.ascontiguousarray(one.times, "datetime64[s]").astype(np.int64).data)
            digest.update(np.where(np.isnan(one.values), np.nan, one.values).data)  # the same bits for every NaN
    return digest.hexdigest()[:16]
