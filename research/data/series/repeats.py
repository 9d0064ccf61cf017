"""Rows that share their time: which are a slip that is averaged, and which are several series, or half of a time."""

import itertools
import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from research.data.series.clock import may_change, shown_time
from research.errors import UserError

# Rules of our own: a logger or an export repeats fewer times, or the same row again.
MOST = 0.5  # share of the times that repeat
DIFFERING, FEW = 0.1, 10  # share, and number, of the times whose rows differ
COLUMNS = 8  # that are tried, alone and two at a time
TIME_OF_DAY = r"\d\d?:\d\d(?::\d\d)?(?:[.,]\d+)?(?:\s?[AaPp][Mm])?"
HOURS = ({*range(24)}, {*range(1, 25)})
CALENDAR = {*range(32)}  # months, days and hours


def refuse_repeated(
    times: np.ndarray, series: np.ndarray, values: np.ndarray, rows: np.ndarray, where: str, advice: Callable[[], str]
) -> None:
    """Raises UserError where rows of a series share so many times that their mean would be no value of it.

    times datetime64 [N], series [N] names, values float64 [N, F], `rows` [N] their numbers in the file. An hour that
    clocks may show twice counts for nothing, and rows that complete each other do not share their time.
    """
    keys = np.unique(series, return_inverse=True)[1]
    order = np.lexsort((np.arange(len(times)), times, keys))
    keys, moments, found = keys[order], times[order], values[order]
    distinct = (np.diff(keys) != 0) | (np.diff(moments.astype(np.int64)) != 0)
    both = np.isfinite(found[1:]) & np.isfinite(found[:-1])
    shared = ~distinct & both.any(axis=1) & ~may_change(moments[1:])
    if not shared.any():
        return
    group = np.cumsum(np.r_[True, distinct])
    count = len(np.unique(group[~may_change(moments)]))
    several = len(np.unique(group[1:][shared]))
    differ = len(np.unique(group[1:][shared & (both & (found[1:] != found[:-1])).any(axis=1)]))
    if several <= MOST * count and differ <= max(DIFFERING * count, FEW):
        return
    second = int(order[1:][shared][0])
    repeated, moments = len(np.unique(group[1:][~distinct])), group[-1]
    raise UserError(
        f"{where}: row {rows[second]} has the time of another row, {shown_time(times[second])}, as rows of "
        f"{repeated:,} of {moments:,} times do; {advice()}"
    )


def what_tells_apart(times: np.ndarray, series: np.ndarray, time: Sequence[str], columns: Mapping[str, Any]) -> str:
    """The flag that makes each row's time its own: one that is likely among `columns` (pandas, [N]), beside `time`."""
    import pandas as pd  # slow to import

    kinds = {name: _kinds(column) for name, column in columns.items()}
    parts = [name for name, cells in kinds.items() if _is_clock(cells)]
    if (times == times.astype("datetime64[Y]")).all():  # of years alone
        parts = list(itertools.takewhile(lambda name: kinds[name] and kinds[name] <= CALENDAR, columns))[:3]
    if parts:
        return f"name all columns that make one time: --data.time {shlex.join((*time, *parts))}"
    keys = np.stack([np.unique(series, return_inverse=True)[1], times.astype(np.int64)])
    most = np.unique(keys, axis=1, return_counts=True)[1].max()
    codes = {name: pd.factorize(column.astype(str))[0] for name, column in columns.items()}
    few = [name for name, code in codes.items() if 1 < len(np.unique(code)) <= 2 * most][:COLUMNS]
    for names in (*itertools.combinations(few, 1), *itertools.combinations(few, 2)):
        cells = np.stack([*keys, *(codes[name] for name in names)])
        if np.unique(cells, axis=1).shape[1] == len(times):
            return f"name what tells its series apart: --data.series {shlex.join(names)}"
    return (
        "name the column that tells its series apart (--data.series COLUMN), or all that make one time "
        "(--data.time Date Time)"
    )


def _kinds(column: Any) -> set[Any]:
    """The different cells of a column: whole numbers, or text."""
    import pandas as pd

    known = column.dropna()
    if pd.api.types.is_integer_dtype(column.dtype):
        return set(known.tolist())
    texts = set(known.astype(str).str.strip())
    return set(map(int, texts)) if all(text.isdecimal() for text in texts) else texts


def _is_clock(cells: set[Any]) -> bool:
    """Whether the `cells` of a column are times of day: 12:30, or whole hours, or whole numbers like 1230."""
    if all(isinstance(cell, int) for cell in cells):
        return cells in HOURS or ({cell // 100 for cell in cells} in HOURS and all(cell % 100 < 60 for cell in cells))
    return all(re.fullmatch(TIME_OF_DAY, str(cell)) for cell in cells)
