"""Series in CSV and Parquet files: times, names of series, and columns of numbers."""

import difflib
import functools
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np

from research.data.decimals import COMMA, POINT, numbers_of
from research.data.frames import Frame, read_frame
from research.data.series.repeats import advise_on_repeats, refuse_repeated
from research.data.series.timestamps import Timestamps, holds_dates, joined_times, read_timestamps
from research.errors import UserError, printable

LARGEST = 1e18  # the largest number that is read: its square fits a float32

SIGN = r"[%‰€$£¥°]\S*"
WITH_UNIT = rf"(?:{SIGN}\s*)?[+-]?\d[\d.,]*\s*(?:{SIGN}|[^\W\d_]{{1,6}}(?:/\w+)?)|{SIGN}\s*[+-]?\d[\d.,]*"


class Table(NamedTuple):
    """N rows: the names of their series [N], their values float64 [N, F], and their numbers in the file `rows` [N]."""

    where: str
    columns: tuple[str, ...]
    series: np.ndarray
    timestamps: Timestamps
    values: np.ndarray
    rows: np.ndarray
    ignored: tuple[str, ...] = ()  # columns without any number
    notes: tuple[tuple[str, str, int], ...] = ()  # (field of SeriesFindings, column, cells): how cells were read


class ReadOptions(NamedTuple):
    """The options for reading files of series; `series.load.load_series` describes each."""

    time: str | tuple[str, ...] | None = None
    values: tuple[str, ...] = ()
    series: str | tuple[str, ...] | None = None
    day_first: bool = False
    time_zone: str | None = None
    resample: str | None = None
    aggregate: Literal["mean", "sum"] = "mean"
    zeros_missing: bool = False
    fill: int = 0


def read_table(
    path: Path, where: str, options: ReadOptions, trained: tuple[str, ...] = (), *, exact: bool = False
) -> Table:
    """The rows of a .csv or .parquet file; messages call the file `where`.

    `trained` are the columns of the training file. They take the place of `options.values`, and with `exact` no other
    column may hold numbers. Raises UserError for missing columns, and for a cell that is no number, by its row and
    column.
    """
    frame = read_frame(path, where, lambda names: set().union(*_roles(names, options, where)))
    time, identity = _roles(frame.names, options, where)
    others = [index for index in range(len(frame.names)) if index not in (*time, *identity)]
    timestamps = _timestamps(frame, time, others, options, where)
    wanted = chosen_columns(frame.names, options, trained, where)
    numbers = {index: _numbers(frame, index, where, bool(wanted)) for index in wanted or others}
    chosen = {index: column for index, column in numbers.items() if column is not None}
    if not chosen:
        raise _without_numbers(frame, time[-1], numbers, where)
    if exact:
        _refuse_more([index for index in others if index not in wanted], frame, where)
    series, values = _identities(frame, identity, where), np.stack([column for column, _ in chosen.values()], axis=1)
    advice = functools.partial(_advice, frame, time, identity, others, timestamps, series)
    refuse_repeated(timestamps.times, series, values, frame.rows, where, advice)
    names = tuple(frame.names[index] for index in chosen)
    ignored = tuple(frame.names[index] for index, column in numbers.items() if column is None)
    commas = {frame.names[index]: count for index, (_, count) in chosen.items()}
    return Table(where, names, series, timestamps, values, frame.rows, ignored, _notes(frame, commas))


def _without_numbers(frame: Frame, time: int, columns: Iterable[int], where: str) -> UserError:
    fault = f"{where} has no column of numbers beside {frame.names[time]!r}"
    for index in columns:
        cells = frame.columns[index].dropna().astype(str).str.strip()
        measured = cells.str.fullmatch(WITH_UNIT)
        if len(cells) and measured.mean() > 0.5:
            cell = cells[measured].iloc[0][:40]
            return UserError(f"{fault}; {frame.names[index]!r} has units ({cell!r}): write its numbers alone")
    return UserError(f"{fault}; give a file with one")


def _notes(frame: Frame, commas: Mapping[str, int]) -> tuple[tuple[str, str, int], ...]:
    encoding = [("encoding", "", len(frame.rows))] * (frame.encoding == "cp1252")
    points = [("points", name, frame.points[name]) for name in commas if name in frame.points]
    return (*encoding, *(("commas", name, count) for name, count in commas.items() if count), *points)


def _timestamps(
    frame: Frame, time: Sequence[int], others: Sequence[int], options: ReadOptions, where: str
) -> Timestamps:
    """The times of the columns `time`.

    Raises UserError where the first column, taken by default, holds numbers, and one of `others` holds dates.
    """
    columns = {frame.names[index]: frame.columns[index] for index in time}
    column = joined_times(columns, where) if len(columns) > 1 else frame.columns[time[0]]
    times = read_timestamps(column, frame.rows, where, day_first=options.day_first, time_zone=options.time_zone)
    if not options.time and {"unix", "excel"} & {kind for kind, *_ in times.notes}:
        dates = next((frame.names[index] for index in others if holds_dates(frame.columns[index])), None)
        if dates is not None:
            raise UserError(
                f"{where}: its first column, {frame.names[time[0]]!r}, holds numbers, and {dates!r} holds dates; name "
                "the column of times: --data.time"
            )
    return times


def _refuse_more(columns: Sequence[int], frame: Frame, where: str) -> None:
    more = [
        frame.names[index] for index in columns if np.isfinite(numbers_of(frame.columns[index], frame.decimal)[0]).any()
    ]
    if more:
        raise UserError(
            f"{where} has columns that the training file did not have: {', '.join(map(repr, more))}; leave them out"
        )


def chosen_columns(names: Sequence[str], options: ReadOptions, trained: Sequence[str], where: str) -> list[int]:
    """The indices of the requested columns of values; none where all numeric columns are meant."""
    missing = [name for name in trained if name not in names]
    if missing:
        raise UserError(
            f"{where} lacks columns of the training file: {', '.join(map(repr, missing))} (it has {_listed(names)}); "
            "give it the same columns"
        )
    return list(dict.fromkeys(_find_column(name, names, where, "columns") for name in trained or options.values))


def _find_column(name: str, names: Sequence[str], where: str, flag: str) -> int:
    """The index of column `name` in `names`. Raises UserError with the nearest name if it is missing."""
    if printable(name) in names:
        return names.index(printable(name))
    near = difflib.get_close_matches(name, [column for column in names if column], n=1)
    hint = f"did you mean {near[0]!r}?" if near else f"it has {_listed(names)}"
    raise UserError(f"{where} has no column {name!r} (--data.{flag}); {hint}")


def _listed(names: Sequence[str]) -> str:
    return ", ".join(map(repr, names[:8])) + (", ..." if len(names) > 8 else "")


def _roles(names: Sequence[str], options: ReadOptions, where: str) -> tuple[list[int], list[int]]:
    """The indices of the columns that make the time, and of those that name the series."""
    identity = [_find_column(name, names, where, "series") for name in _as_tuple(options.series)]
    time = [_find_column(name, names, where, "time") for name in _as_tuple(options.time)]
    return time or [next((index for index in range(len(names)) if index not in identity), 0)], identity


def _as_tuple(columns: str | tuple[str, ...] | None) -> tuple[str, ...]:
    return (columns,) if isinstance(columns, str) else columns or ()


def _advice(
    frame: Frame,
    time: Sequence[int],
    identity: Sequence[int],
    others: Sequence[int],
    timestamps: Timestamps,
    series: np.ndarray,
) -> str:
    """Advice for rows that repeat their times. Columns of fractions cannot name series."""
    import pandas as pd  # slow to import

    cells = {frame.names[index]: frame.columns[index] for index in others}
    whole = {name: column for name, column in cells.items() if not pd.api.types.is_float_dtype(column.dtype)}
    named, identities = ([frame.names[index] for index in columns] for columns in (time, identity))
    return advise_on_repeats(timestamps.times, series, named, identities, whole)


def _identities(frame: Frame, columns: Sequence[int], where: str) -> np.ndarray:
    """The name of each row's series [N]: its cells in `columns` that are not empty, joined by /; "" without columns."""
    if not columns:
        return np.full(len(frame.rows), "")
    cells = np.stack([frame.columns[index].map(_name).to_numpy(str) for index in columns], axis=1)
    kinds, inverse = np.unique(cells, axis=0, return_inverse=True)
    names = np.array([printable("/".join(cell for cell in kind if cell)) for kind in kinds])
    if len(set(names)) < len(names):
        twice = next(str(name) for name in names if (names == name).sum() > 1)
        raise UserError(f"{where}: several series would be called {twice!r}; leave the / out of their names")
    return names[inverse.reshape(-1)]


def _name(cell: Any) -> str:
    if isinstance(cell, float):  # an empty cell makes a whole column of Parquet float
        return "" if np.isnan(cell) else f"{cell:.0f}" if cell.is_integer() else str(cell)
    return "" if cell is None else str(cell).strip()


def _numbers(frame: Frame, index: int, where: str, demanded: bool) -> tuple[np.ndarray, int] | None:
    """Column `index` as float64 [N], NaN where empty, and the number of cells with commas or thousands separators.

    None where no cell is a number and the column is not `demanded`.
    """
    column = frame.columns[index]
    numbers, commas, unclear = numbers_of(column, frame.decimal)
    wrong = (np.isnan(numbers) & column.notna().to_numpy()) | (np.abs(numbers) > LARGEST)
    if not wrong.any():
        return numbers, commas
    if not demanded and not unclear and not np.isfinite(numbers).any():
        return None
    first = int(wrong.argmax())
    cell, name = str(column.iloc[first]), frame.names[index]
    fault = "is no number" if np.isnan(numbers[first]) else f"is beyond {LARGEST:g}"
    if unclear and re.fullmatch(COMMA, cell.strip()) and re.fullmatch(POINT, cell.strip()):
        either = cell.strip().replace(",", "."), re.sub("[.,]", "", cell.strip())
        fault = f"may be {' or '.join(either)}; write {either[1]} or {either[0]}0, as it is meant"
    elif re.fullmatch(WITH_UNIT, cell.strip()):
        fault = "has a unit, or a word; write numbers alone"
    raise UserError(
        f"{where}: row {frame.rows[first]}, column {name!r}: {cell[:40]!r} {fault}; mend it, or name other columns "
        "with --data.columns"
    )
