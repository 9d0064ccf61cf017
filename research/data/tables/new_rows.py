"""The rows of another table, read as those of the training were."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from research.data.frames import Frame
from research.data.tables.columns import Column, read_column
from research.data.tables.load import NAMED, read_table
from research.data.tables.table import Rows, Schema, rows_of
from research.errors import UserError


class NewRows(NamedTuple):
    """Rows of another file: their ids, where it has the column, else their numbers in the file; and the cells of unseen
    levels by column.
    """

    rows: Rows
    labels: tuple[str, ...]
    named: bool  # whether the labels are ids
    unseen: Mapping[str, int]


def read_rows(schema: Schema, path_or_frame: Any) -> NewRows:
    """The rows of another file in the columns of `schema`, by name.

    Raises UserError for a column that is missing, and for text where numbers were.
    """
    numbers, texts = read_table(path_or_frame)
    wanted = [*schema.numeric, *(name for name in schema.categorical if name not in schema.numeric)]
    absent = [name for name in wanted if name not in numbers.names]
    if absent:
        raise UserError(f"there is no column {', '.join(absent[:NAMED])}, which the net was trained on; add it")
    columns = {}
    for name in wanted:
        as_text = name in schema.categorical
        index = numbers.names.index(name)
        column = read_column(
            name, numbers.columns[index], texts.columns[index], numbers.rows, numbers.decimal, as_text=as_text,
            na_level=as_text and "NA" in schema.levels[schema.categorical.index(name)],
        )  # fmt: skip
        columns[name] = column if as_text or column.kind == "number" else _all_missing(column, numbers.rows)
    rows = rows_of(schema, columns)
    unseen = {name: int((rows.codes[:, index] < 0).sum()) for index, name in enumerate(schema.categorical)}
    ids = _ids(schema.ids, numbers, texts)
    labels = tuple(map(str, numbers.rows)) if ids is None else ids
    return NewRows(rows, labels, ids is not None, {name: count for name, count in unseen.items() if count})


def _ids(name: str | None, numbers: Frame, texts: Frame) -> tuple[str, ...] | None:
    """The cells of the column that names the rows, where the file has it."""
    if name is None or name not in texts.names:
        return None
    index = texts.names.index(name)
    column = read_column(
        name, numbers.columns[index], texts.columns[index], numbers.rows, ".", as_text=True, na_level=True
    )
    return tuple("" if cell is None else str(cell) for cell in column.texts)


def _all_missing(column: Column, rows: np.ndarray) -> Column:
    """A column of numbers without any number; UserError where it holds text."""
    texts = np.flatnonzero([cell is not None and not _is_number(cell) for cell in column.texts])
    if len(texts):
        raise UserError(
            f"column {column.name}, row {rows[texts[0]]}: {str(column.texts[texts[0]])[:40]!r} is no number, and the "
            "column held numbers in training; mend it"
        )
    return column._replace(kind="number")


def _is_number(cell: str) -> bool:
    try:
        return np.isfinite(float(cell))
    except ValueError:
        return False
