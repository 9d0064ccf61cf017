"""Rows that share their time: a few are averaged; many mean several series, or times split over columns."""

import itertools
import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from research.data.series.clock import may_change, shown_time, within_day
from research.errors import UserError

# Rules of our own: loggers and exports repeat fewer times, or write the same row again.
MOST = 0.5  # largest share of the times that may repeat
DIFFERING, FEW = 0.1, 10  # largest share, and number, of the times whose rows may differ
COLUMNS = 8  # columns that are tried, alone and in pairs
TIME_OF_DAY = r"\d\d?:\d\d(?::\d\d)?(?:[.,]\d+)?(?:\s?[AaPp][Mm])?"
HOURS = ({*range(24)}, {*range(1, 25)})
CALENDAR = {*range(32)}  # months, days and hours
# Every so many minutes (or seconds) of an hour, from any on: 0, 15, 30 and 45, say.
MINUTES = [{*range(first, 60, step)} for step in (1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30) for first in range(step)]


def refuse_repeated(
    times: np.ndarray, series: np.ndarray, values: np.ndarray, rows: np.ndarray, where: str, advice: Callable[[], str]
) -> None:
    """Raises UserError, with `advice`, where the rows of a series share too many times to be averaged.

    times: datetime64 [N]. series: names [N]. values: float64 [N, F]. rows: the rows' numbers in the file [N]. Hours
    that a clock change may repeat do not count, except where all times are at one time of day; nor do rows that fill
    each other's unknown values.
    """
    keys = np.unique(series, return_inverse=True)[1]
    order = np.lexsort((np.arange(len(times)), times, keys))
    keys, moments, ordered = keys[order], times[order], values[order]
    distinct = (np.diff(keys) != 0) | (np.diff(moments.astype(np.int64)) != 0)
    both = np.isfinite(ordered[1:]) & np.isfinite(ordered[:-1])
    changes = may_change(moments) & within_day(moments)
    shared = ~distinct & both.any(axis=1) & ~changes[1:]
    if not shared.any():
        return
    group = np.cumsum(np.r_[True, distinct])
    count = len(np.unique(group[~changes]))
    several = len(np.unique(group[1:][shared]))
    differ = len(np.unique(group[1:][shared & (both & (ordered[1:] != ordered[:-1])).any(axis=1)]))
    if several <= MOST * count and differ <= max(DIFFERING * count, FEW):
        return
    second = int(order[1:][shared][0])
    repeated, moments = len(np.unique(group[1:][~distinct])), group[-1]
    raise UserError(
        f"{where}: row {rows[second]} has the time of another row, {shown_time(times[second])}, as rows of "
        f"{repeated:,} of {moments:,} times do; {advice()}"
    )


def advise_on_repeats(
    times: np.ndarray, series: np.ndarray, time: Sequence[str], identity: Sequence[str], columns: Mapping[str, Any]
) -> str:
    """Advice that names the flag, and likely columns, by which no two rows share a time.

    time and identity: the columns of the times, and of the names of series, so far. columns: the candidates, pandas
    columns [N] by name.
    """
    import pandas as pd  # slow to import

    parts = _parts_of_time(times, {name: _kinds(column) for name, column in columns.items()})
    if parts:
        return f"name all columns that make one time: --data.time {shlex.join((*time, *parts))}"
    keys = np.stack([np.unique(series, return_inverse=True)[1], times.astype(np.int64)])
    most = np.unique(keys, axis=1, return_counts=True)[1].max()
    codes = {name: pd.factorize(column.astype(str))[0] for name, column in columns.items()}
    few = [name for name, code in codes.items() if 1 < len(np.unique(code)) <= 2 * most][:COLUMNS]
    for names in (*itertools.combinations(few, 1), *itertools.combinations(few, 2)):
        cells = np.stack([*keys, *(codes[name] for name in names)])
        if np.unique(cells, axis=1).shape[1] == len(times):
            return f"name what tells its series apart: --data.series {shlex.join((*identity, *names))}"
    return (
        "name the column that tells its series apart (--data.series COLUMN), or all that make one time "
        "(--data.time Date Time)"
    )


def _parts_of_time(times: np.ndarray, kinds: Mapping[str, set[Any]]) -> list[str]:
    """The columns, of distinct cells `kinds`, that seem to be missing in `times`: months and days, hours, minutes."""
    if (times == times.astype("datetime64[Y]")).all():
        parts = list(itertools.takewhile(lambda name: kinds[name] and kinds[name] <= CALENDAR, kinds))[:3]
        to_hours = len(parts) == 3
    else:
        parts = [name for name, cells in kinds.items() if _is_clock(cells)]
        hours = (times == times.astype("datetime64[h]")).all() and (times != times.astype("datetime64[D]")).any()
        to_hours = hours if not parts else kinds[parts[-1]] in HOURS
    return parts + [name for name, cells in kinds.items() if to_hours and name not in parts and cells in MINUTES]


def _kinds(column: Any) -> set[Any]:
    """The distinct cells of a column: whole numbers, or text."""
    import pandas as pd

    known = column.dropna()
    if pd.api.types.is_integer_dtype(column.dtype):
        return set(known.tolist())
    texts = set(known.astype(str).str.strip())
    return set(map(int, texts)) if all(text.isdecimal() for text in texts) else texts


def _is_clock(cells: set[Any]) -> bool:
    """Whether the `cells` of a column are times of day: 12:30, or whole hours, or whole numbers such as 1230."""
    if all(isinstance(cell, int) for cell in cells):
        return cells in HOURS or ({cell // 100 for cell in cells} in HOURS and all(cell % 100 < 60 for cell in cells))
    return all(re.fullmatch(TIME_OF_DAY, str(cell)) for cell in cells)
