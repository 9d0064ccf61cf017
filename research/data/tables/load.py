"""Load a table: its target, the columns that predict it, and what was left out or found missing."""

import difflib
import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from research.config import TableData
from research.data.frames import Frame, from_pandas
from research.data.tables.columns import Column, is_id, read_column, uninformative
from research.data.tables.sources import EMBEDDED, embedded, find_table, frames_of
from research.data.tables.table import Rows, Schema, rows_of, schema_of
from research.errors import UserError, warn
from research.seals import array_digest

MOST_CLASSES = 200
LOST = 0.01  # standard deviations of a target: larger steps of float32 affect its predictions
NAMED = 5  # columns that a sentence names


class Table(NamedTuple):
    """A table of N rows with a known target.

    target: float64 [N], or int32 [N], the index of the class. left_out: {column: why}. missing: {column: number of
    missing cells}. rare: cells of levels that are too rare. dropped: rows that were left out for missing cells.
    """

    name: str
    schema: Schema
    rows: Rows
    target: np.ndarray
    left_out: Mapping[str, str]
    missing: Mapping[str, int]
    rare: int
    dropped: int
    fingerprint: str

    @property
    def size(self) -> int:
        """The number of rows, N."""
        return len(self.target)

    def findings(self) -> list[str]:
        """What was left out or missing, in sentences."""
        found = []
        if self.dropped:
            found.append(f"{self.dropped:,} rows with a missing value were dropped")
        if self.missing:
            most = sorted(self.missing.items(), key=lambda item: -item[1])
            names = ", ".join(f"{name} {count:,}" for name, count in most[:NAMED])
            found.append(f"missing cells in {len(self.missing)} columns: {names}{', ...' if len(most) > NAMED else ''}")
        if self.rare:
            found.append(f"{self.rare:,} cells hold rare levels, which count as unseen (data.rare)")
        found += [f"{name} was left out: {why}" for name, why in self.left_out.items()]
        return found


def load_table(config: TableData, frame: Any = None) -> Table:
    """The table that `config` describes, from its file, or from a pandas `frame`.

    Raises UserError, one line, for a target that is missing, constant, or not known in each row; for unknown columns;
    and where no row or no column is left.
    """
    name, numbers, texts = _frames(config, frame)
    _refuse_unknown(config, numbers.names)
    columns = {name: _column(config, name, numbers, texts) for name in numbers.names}
    target, classes = _target(config, columns[config.target], numbers.rows)
    chosen, left_out, ids = _chosen(config, columns)
    kept = _complete(chosen, numbers.rows) if config.missing == "drop" else np.ones(len(target), bool)
    chosen = [_kept(column, kept) for column in chosen]
    target = target[kept]
    _refuse_constant(config.target, target, classes)
    _warn_of_numbers(config, target, numbers.points)
    orders = [tuple(order.split("<")) for order in config.ordered]
    schema = schema_of(config.target, chosen, orders, ids, config.rare)._replace(classes=classes)
    rows = rows_of(schema, {column.name: column for column in chosen})
    return Table(
        name=name,
        schema=schema,
        rows=rows,
        target=target,
        left_out=left_out,
        missing={column.name: int((~column.known).sum()) for column in chosen if not column.known.all()},
        rare=int((rows.codes < 0).sum()),
        dropped=int((~kept).sum()),
        fingerprint=_fingerprint(schema, rows, target),
    )


def _frames(config: TableData, frame: Any) -> tuple[str, Frame, Frame]:
    if frame is None and config.source in EMBEDDED and not _is_file(config):
        both = embedded(config.source)
        return config.source, both, both
    source = find_table(config.source, config.root) if frame is None else frame
    return (source.stem if frame is None else config.source), *read_table(source)


def _is_file(config: TableData) -> bool:
    """Whether a file of the user has the name of an embedded table."""
    try:
        return find_table(config.source, config.root).is_file()
    except UserError:
        return False


def read_table(source: Any) -> tuple[Frame, Frame]:
    """The columns of a file or a pandas frame, twice (see `sources.frames_of`)."""
    if hasattr(source, "columns"):
        both = from_pandas(source, unnamed_index=False)
        twice = next((name for name in both.names if both.names.count(name) > 1), None)
        if twice is not None:
            raise UserError(f"the frame has two columns called {twice!r}; give each a name of its own")
        if not len(both.rows):
            raise UserError("the frame holds no rows; give one with values")
        return both, both
    return frames_of(source)


def _refuse_unknown(config: TableData, names: Sequence[str]) -> None:
    asked = {"target": (config.target,), "columns": config.columns, "left_out": config.left_out}
    asked |= {"categorical": config.categorical, "na_levels": config.na_levels}
    for field, wanted in asked.items():
        for name in wanted:
            if name not in names:
                near = difflib.get_close_matches(name, names, n=1)
                listed = ", ".join(names[:NAMED]) + (", ..." if len(names) > NAMED else "")
                hint = f"did you mean {near[0]}?" if near else f"there are {listed}"
                raise UserError(f"data.{field}: there is no column {name}; {hint}")


def _column(config: TableData, name: str, numbers: Frame, texts: Frame) -> Column:
    index = numbers.names.index(name)
    as_text = name in config.categorical or (name == config.target and config.classes)
    return read_column(
        name, numbers.columns[index], texts.columns[index], numbers.rows, numbers.decimal, as_text=as_text,
        na_level=name in config.na_levels,
    )  # fmt: skip


def _target(config: TableData, column: Column, rows: np.ndarray) -> tuple[np.ndarray, tuple[str, ...]]:
    """The target of each row, and the classes where it is a class."""
    unknown = np.flatnonzero(~column.known)
    if len(unknown):
        more = f" and {len(unknown) - 1:,} others" if len(unknown) > 1 else ""
        raise UserError(
            f"the target {column.name} is missing in row {rows[unknown[0]]}{more}; fill it, or leave them out"
        )
    if column.kind == "number":
        negative = np.flatnonzero(column.numbers < 0)
        if config.log_target and len(negative):
            value = column.numbers[negative[0]]
            raise UserError(f"data.log_target: {column.name} is {value:g} in row {rows[negative[0]]}; leave it out")
        return column.numbers, ()
    classes = tuple(sorted(set(column.texts)))
    if len(classes) > MOST_CLASSES:
        raise UserError(
            f"the target {column.name} holds text with {len(classes):,} different values, such as "
            f"{column.texts[0][:40]!r}; give a column of numbers, or of at most {MOST_CLASSES} classes"
        )
    return np.searchsorted(classes, column.texts.astype(str)).astype(np.int32), classes


def _chosen(config: TableData, columns: Mapping[str, Column]) -> tuple[list[Column], dict[str, str], str | None]:
    """The columns that predict, why others that the user did not rule out are left out, and the one of ids."""
    ruled_out = {config.target, *config.left_out, *(set(columns) - set(config.columns) if config.columns else ())}
    left_out: dict[str, str] = {}
    chosen, ids = [], None
    for name, column in columns.items():
        asked = name in config.columns or name in config.categorical
        if name in ruled_out:
            continue
        if not asked and is_id(column):
            left_out[name], ids = "it only names the rows", ids or name
        elif why := uninformative(column, asked):
            left_out[name] = why
        elif column.kind == "number" or not config.numeric_only:
            chosen.append(column)
    if not chosen:
        reasons = "; ".join(f"{name}: {why}" for name, why in list(left_out.items())[:NAMED])
        raise UserError(
            f"no column is left to predict from{f' ({reasons})' if reasons else ''}; see --data.columns, "
            "--data.left-out and --data.numeric-only"
        )
    return chosen, left_out, ids


def _complete(columns: Sequence[Column], rows: np.ndarray) -> np.ndarray:
    """Which rows have no missing cell; UserError, with the columns that cost most, where none has."""
    known = np.stack([column.known for column in columns], axis=1)
    complete = np.asarray(known.all(axis=1))
    if not complete.any():
        lost = sorted(
            zip((~known).sum(axis=0).tolist(), (column.name for column in columns), strict=True), reverse=True
        )
        worst = ", ".join(f"{name} ({count:,} of {len(rows):,})" for count, name in lost[:3])
        raise UserError(f"no row is without a missing value; most lack {worst}: leave these out by --data.left-out")
    return complete


def _refuse_constant(name: str, target: np.ndarray, classes: tuple[str, ...]) -> None:
    if len(np.unique(target)) == 1:
        value = classes[int(target[0])] if classes else f"{target[0]:g}"
        raise UserError(f"the target {name} is {value} in every row: there is nothing to predict; name another column")


def _warn_of_numbers(config: TableData, target: np.ndarray, points: Mapping[str, int]) -> None:
    """Warn of a target whose differences float32 loses, and of numbers whose points may be of thousands."""
    largest, spread = float(np.abs(target).max()), float(target.std())
    if not config.log_target and target.dtype == np.float64 and 0 < spread < np.spacing(np.float32(largest)) / LOST:
        warn(
            f"{config.target} goes to {largest:g} with a standard deviation of {spread:.3g}, and a net computes in "
            "float32: subtract a constant from it"
        )
    if points:
        named = ", ".join(list(points)[:NAMED])
        warn(f"numbers such as 1.234 are read as decimals in {named}; write thousands without points")


def _kept(column: Column, kept: np.ndarray) -> Column:
    return column._replace(numbers=column.numbers[kept], texts=column.texts[kept])


def _fingerprint(schema: Schema, rows: Rows, target: np.ndarray) -> str:
    content = hashlib.sha256(repr(schema).encode())
    for array in (*rows, target):
        content.update(array_digest(array).encode())
    return content.hexdigest()[:16]
