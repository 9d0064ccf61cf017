"""From the columns of a file to times, series and numbers."""

import difflib
import functools
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from research.data.decimals import COMMA, POINT, numbers_of
from research.data.frames import Frame, read_frame
from research.data.series.repeats import refuse_repeated, what_tells_apart
from research.data.series.timestamps import Stamps, joined_times, stamps_of
from research.errors import UserError, printable

DATE = r"\d{4}-\d\d?-\d|\d\d?[./-]\d\d?[./-]\d{4}"  # the beginning of one
LARGEST = 1e18  # of numbers that are read: their squares are still float32


class Table(NamedTuple):
    """The rows of a file: `series` [N] their series' names, `values` float64 [N, F], `rows` [N] their numbers in it."""

    where: str
    columns: tuple[str, ...]
    series: np.ndarray
    stamps: Stamps
    values: np.ndarray
    rows: np.ndarray
    ignored: tuple[str, ...] = ()  # columns in which no cell is a number
    notes: tuple[tuple[str, str, int], ...] = ()  # (field of SeriesFindings, column, cells): how cells were read


class Layout(NamedTuple):
    """Which columns are what, as `series.load_series` says; `trained` where `values` are those of the training file.

    `exact`: there must be no other column of numbers.
    """

    time: tuple[str, ...]
    values: tuple[str, ...]
    trained: bool
    series: tuple[str, ...]
    day_first: bool
    time_zone: str | None
    exact: bool = False


def read_table(path: Path, where: str, layout: Layout) -> Table:
    """The rows of a .csv or .parquet file.

    Raises UserError, with `where` for the file, for columns that are not there, and for a cell that is no number, by
    its row and column.
    """
    frame = read_frame(path, where, lambda names: set().union(*_roles(names, layout, where)))
    time, identity = _roles(frame.names, layout, where)
    others = [place for place in range(len(frame.names)) if place not in (*time, *identity)]
    times = [frame.columns[place] for place in time]
    column = joined_times(times) if len(times) > 1 else times[0]
    stamps = stamps_of(column, frame.rows, where, day_first=layout.day_first, time_zone=layout.time_zone)
    if not layout.time and {"unix", "excel"} & {kind for kind, *_ in stamps.notes}:
        _refuse_other_times(frame, time[0], others, where)
    wanted = chosen_columns(frame.names, layout, where)
    numbers = {place: _numbers(frame, place, where, bool(wanted)) for place in wanted or others}
    chosen = {place: column for place, column in numbers.items() if column is not None}
    if not chosen:
        raise UserError(
            f"{where} has no column of numbers beside {frame.names[time[-1]]!r}; name those with --data.columns"
        )
    if layout.exact:
        _refuse_more([place for place in others if place not in wanted], frame, where)
    series, values = _identities(frame, identity, where), np.stack([column for column, _ in chosen.values()], axis=1)
    advice = functools.partial(_advice, frame, time, others, stamps, series)
    refuse_repeated(stamps.times, series, values, frame.rows, where, advice)
    names = tuple(frame.names[place] for place in chosen)
    ignored = tuple(frame.names[place] for place, column in numbers.items() if column is None)
    commas = {frame.names[place]: count for place, (_, count) in chosen.items()}
    return Table(where, names, series, stamps, values, frame.rows, ignored, _notes(frame, commas))


def _notes(frame: Frame, commas: Mapping[str, int]) -> tuple[tuple[str, str, int], ...]:
    encoding = [("encoding", "", len(frame.rows))] if frame.encoding == "cp1252" else []
    return (*encoding, *(("commas", name, count) for name, count in commas.items() if count))


def _refuse_other_times(frame: Frame, time: int, others: Sequence[int], where: str) -> None:
    """Raises UserError where the first column, of numbers that may be times, stands beside one of dates."""
    other = next((frame.names[place] for place in others if _is_date(frame.columns[place])), None)
    if other is not None:
        raise UserError(
            f"{where}: its first column, {frame.names[time]!r}, holds numbers, and {other!r} holds dates; name the "
            "column of times: --data.time"
        )


def _is_date(column: Any) -> bool:
    import pandas as pd  # slow to import

    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        return True
    known = column.dropna()
    return len(known) > 0 and re.match(DATE, str(known.iloc[0]).strip(), re.ASCII) is not None


def _refuse_more(places: Sequence[int], frame: Frame, where: str) -> None:
    more = [
        frame.names[place] for place in places if np.isfinite(numbers_of(frame.columns[place], frame.decimal)[0]).any()
    ]
    if more:
        raise UserError(
            f"{where} has columns that the training file did not have: {', '.join(map(repr, more))}; leave them out"
        )


def chosen_columns(names: Sequence[str], layout: Layout, where: str) -> list[int]:
    """The places of the columns of values that are asked for; none where all numeric ones are meant."""
    missing = [name for name in layout.values if layout.trained and name not in names]
    if missing:
        there = ", ".join(repr(name) for name in names[:8]) + (", ..." if len(names) > 8 else "")
        raise UserError(
            f"{where} lacks columns of the training file: {', '.join(map(repr, missing))} (it has {there}); "
            "give it the same columns"
        )
    return list(dict.fromkeys(find_column(name, names, where, "columns") for name in layout.values))


def find_column(name: str, names: Sequence[str], where: str, flag: str) -> int:
    """The place of column `name` among `names`; UserError with the nearest name where it is not there."""
    if printable(name) in names:
        return names.index(printable(name))
    near = difflib.get_close_matches(name, [one for one in names if one], n=1)
    there = ", ".join(repr(one) for one in names[:8]) + (", ..." if len(names) > 8 else "")
    hint = f"did you mean {near[0]!r}?" if near else f"it has {there}"
    raise UserError(f"{where} has no column {name!r} (--data.{flag}); {hint}")


def _roles(names: Sequence[str], layout: Layout, where: str) -> tuple[list[int], list[int]]:
    """The places of the columns that make the time, and of those that name the series."""
    identity = [find_column(name, names, where, "series") for name in layout.series]
    if layout.time:
        return [find_column(name, names, where, "time") for name in layout.time], identity
    return [next((place for place in range(len(names)) if place not in identity), 0)], identity


def _advice(frame: Frame, time: Sequence[int], others: Sequence[int], stamps: Stamps, series: np.ndarray) -> str:
    """What to do where rows repeat their times; columns of fractions tell nothing apart."""
    import pandas as pd  # slow to import

    columns = {frame.names[place]: frame.columns[place] for place in others}
    whole = {name: column for name, column in columns.items() if not pd.api.types.is_float_dtype(column.dtype)}
    return what_tells_apart(stamps.times, series, [frame.names[place] for place in time], whole)


def _identities(frame: Frame, places: Sequence[int], where: str) -> np.ndarray:
    """Each row's series: its cells in these columns, those that are not empty, joined by /; "" without such columns."""
    if not places:
        return np.full(len(frame.rows), "")
    cells = np.stack([frame.columns[place].map(_name).to_numpy(str) for place in places], axis=1)
    kinds, inverse = np.unique(cells, axis=0, return_inverse=True)
    names = np.array([printable("/".join(cell for cell in kind if cell)) for kind in kinds])
    if len(set(names)) < len(names):
        twice = next(str(name) for name in names if (names == name).sum() > 1)
        raise UserError(f"{where}: several series would be called {twice!r}; leave the / out of their names")
    return names[inverse.reshape(-1)]


def _name(cell: Any) -> str:
    if isinstance(cell, float):  # a whole column of Parquet turns to floats where one cell is empty
        return "" if np.isnan(cell) else f"{cell:.0f}" if cell.is_integer() else str(cell)
    return "" if cell is None else str(cell).strip()


def _numbers(frame: Frame, place: int, where: str, demanded: bool) -> tuple[np.ndarray, int] | None:
    """Column `place` as float64 [N], NaN where empty, and how many cells had commas or marks between the thousands.

    None where no cell is a number and the column is not `demanded`.
    """
    column = frame.columns[place]
    found, commas, unclear = numbers_of(column, frame.decimal)
    wrong = (np.isnan(found) & column.notna().to_numpy()) | (np.abs(found) > LARGEST)
    if not wrong.any():
        return found, commas
    if not demanded and not unclear and not np.isfinite(found).any():
        return None
    first = int(wrong.argmax())
    cell, name = str(column.iloc[first]), frame.names[place]
    fault = "is no number" if np.isnan(found[first]) else f"is beyond {LARGEST:g}"
    if unclear and re.fullmatch(COMMA, cell.strip()) and re.fullmatch(POINT, cell.strip()):
        fault = f"may be {cell.replace(',', '.')} or {re.sub('[.,]', '', cell)}; write numbers as 1234.5"
    raise UserError(
        f"{where}: row {frame.rows[first]}, column {name!r}: {cell[:40]!r} {fault}; mend it, or name other columns "
        "with --data.columns"
    )
