"""A table as arrays, and its schema, by which other files are read in the same way."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from research.data.tables.columns import Column

LOSSLESS = 2.0**24  # whole numbers up to here are exact in float32


class Schema(NamedTuple):
    """The columns of a table, as plain JSON values.

    numeric: columns read as numbers, less their `shifts`, which keep large ones exact in float32. gaps: which of them
    have missing cells. ordered: for those that are the rank of a text column's level, the levels in their order; empty
    for other columns. categorical: columns read as levels, with the `levels` of each that are not rare. ids: the column
    that names the rows, or None. classes: of a target that is predicted as classes.
    """

    target: str
    numeric: tuple[str, ...]
    shifts: tuple[float, ...]
    gaps: tuple[bool, ...]
    ordered: tuple[tuple[str, ...], ...]
    categorical: tuple[str, ...]
    levels: tuple[tuple[str, ...], ...]
    ids: str | None
    classes: tuple[str, ...]

    def document(self) -> dict[str, Any]:
        """The schema as JSON."""
        return self._asdict()


def read_schema(document: Mapping[str, Any]) -> Schema:
    """The schema that `Schema.document` wrote."""
    fields = dict(document)
    for name in ("ordered", "levels"):
        fields[name] = tuple(map(tuple, fields[name]))
    for name in ("numeric", "shifts", "gaps", "categorical", "classes"):
        fields[name] = tuple(fields[name])
    return Schema(**fields)


class Rows(NamedTuple):
    """Rows of a table as a net reads them.

    numbers: float32 [N, Fn], NaN where missing. codes: int32 [N, Fc], the index of each level, -1 for an unseen one.
    """

    numbers: np.ndarray
    codes: np.ndarray


def schema_of(
    target: str, columns: Sequence[Column], orders: Sequence[tuple[str, ...]], ids: str | None, rare: int = 1
) -> Schema:
    """The schema of the predicting `columns`; `orders` are known orders of levels.

    Levels in fewer than `rare` rows are left out, since no training row could make them common.
    """
    numbers = [column for column in columns if column.kind == "number"]
    texts = [column for column in columns if column.kind == "text"]
    ranked = [(column, order) for column in texts if (order := _order(column, orders))]
    read = [*numbers, *(Column(each.name, "number", _ranks(each.texts, order), each.texts) for each, order in ranked)]
    return Schema(
        target=target,
        numeric=tuple(column.name for column in read),
        shifts=tuple(_shift(column.numbers) for column in read),
        gaps=tuple(not column.known.all() for column in read),
        ordered=(*(() for _ in numbers), *(order for _, order in ranked)),
        categorical=tuple(column.name for column in texts),
        levels=tuple(levels_of(column, rare) for column in texts),
        ids=ids,
        classes=(),
    )


def levels_of(column: Column, rare: int) -> tuple[str, ...]:
    """The levels of a text column in at least `rare` rows, sorted; a missing cell is the level called ""."""
    counts = Counter("" if cell is None else cell for cell in column.texts)
    return tuple(sorted(level for level, count in counts.items() if count >= rare))


def rows_of(schema: Schema, columns: Mapping[str, Column]) -> Rows:
    """The rows of `columns`, by name, as `schema` describes them."""
    numbers = [
        _ranks(columns[name].texts, order) if order else columns[name].numbers - shift
        for name, shift, order in zip(schema.numeric, schema.shifts, schema.ordered, strict=True)
    ]
    codes = [
        _codes(columns[name].texts, levels) for name, levels in zip(schema.categorical, schema.levels, strict=True)
    ]
    count = len(next(iter(columns.values())).numbers)
    stacked = lambda parts, kind: (np.stack(parts, axis=1) if parts else np.zeros((count, 0))).astype(kind)  # noqa: E731
    return Rows(stacked(numbers, np.float32), stacked(codes, np.int32))


def _order(column: Column, orders: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    own = {cell for cell in column.texts if cell is not None}
    return next((order for order in orders if own <= set(order)), ())


def _shift(numbers: np.ndarray) -> float:
    """What to subtract so that float32 keeps the differences of large numbers: 0 for others."""
    known = numbers[np.isfinite(numbers)]
    return float(known.min()) if np.abs(known).max(initial=0.0) > LOSSLESS else 0.0


def _ranks(texts: np.ndarray, order: tuple[str, ...]) -> np.ndarray:
    rank = {level: float(index) for index, level in enumerate(order)}
    return np.array([rank.get(cell, np.nan) for cell in texts])


def _codes(texts: np.ndarray, levels: tuple[str, ...]) -> np.ndarray:
    code = {level: index for index, level in enumerate(levels)}
    return np.array([code.get("" if cell is None else cell, -1) for cell in texts], np.int32)
