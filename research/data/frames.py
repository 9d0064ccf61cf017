"""CSV and Parquet files as columns, before times and numbers are read from them."""

import codecs
import csv
import functools
import io
import re
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from research.data.decimals import column_mark, file_mark, is_text, points_mark
from research.errors import UserError, printable

UNKNOWN = ["", "NA", "N/A", "NaN", "nan", "NULL", "null", "None"]  # cells of CSV files without a value
# pandas and pyarrow raise these for damaged files; the warning is for rows that are longer than the header.
BROKEN = (
    OSError,
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    RuntimeError,
    ArithmeticError,
    MemoryError,
    Warning,
)


class Frame(NamedTuple):
    """The columns of a file (pandas Series [N]), with printable names.

    rows: the rows' numbers in the file [N], as a spreadsheet counts them: in CSV files row 1 is the header, in others
    the first row of values. decimal: the file's decimal mark (see `decimals.file_mark`). encoding: of a CSV file.
    points: {column: its numbers} where all are such as 1.234, and nothing shows that these are decimals.
    """

    names: tuple[str, ...]
    columns: list[Any]
    rows: np.ndarray
    decimal: str = "."
    encoding: str = "utf-8-sig"
    points: Mapping[str, int] = MappingProxyType({})


def read_frame(
    path: Path, where: str, text: Callable[[tuple[str, ...]], set[int]], *, unnamed_index: bool = True
) -> Frame:
    """The columns of a .csv or .parquet file. In a CSV file, the columns with indices `text(names)` stay text.

    A CSV file is UTF-8 or UTF-16, with or without a byte-order mark, or else Windows-1252. Its delimiter is a comma, a
    semicolon, a tab or a bar. Where numbers have decimal commas, all its columns stay text. Raises UserError for a file
    that is empty or damaged, for rows that are too long, and for two columns of the same name.
    """
    try:
        frame = _csv(path, where, text) if path.suffix.lower() == ".csv" else _parquet(path, unnamed_index)
    except (*BROKEN, csv.Error) as error:
        message = "a row has more cells than the header" if isinstance(error, Warning) else str(error)
        reason = printable(" ".join(message.split()))[:120] or type(error).__name__
        raise UserError(f"{where} cannot be read ({reason}); write it again") from error
    twice = next((name for name in frame.names if frame.names.count(name) > 1), None)
    if twice is not None:
        raise UserError(f"{where} has two columns called {twice!r}; give each a name of its own")
    if not len(frame.rows):
        raise UserError(f"{where} holds no rows; give a file with values")
    return frame


def _csv(path: Path, where: str, text: Callable[[tuple[str, ...]], set[int]]) -> Frame:
    encoding = encoding_of(path)
    head, delimiter, skipped = header_of(path, encoding)
    if not head.strip():
        raise UserError(f"{where} {'has no header in row 1' if head else 'is empty'}; its first row names the columns")
    names = tuple(printable(name.strip()) for name in next(csv.reader(io.StringIO(head), delimiter=delimiter)))
    verbatim = text(names)
    cells = functools.partial(_cells, path, encoding, delimiter, skipped, len(names), verbatim)
    decimal, frame, pointed = _marked(cells, verbatim, delimiter)
    points = {names[index]: int(frame[index].count()) for index in pointed}
    blank = np.stack([(frame[index].isna() | (frame[index] == "")).to_numpy() for index in frame], axis=1)
    rows = np.flatnonzero(~blank.all(axis=1))
    used = [index for index, name in enumerate(names) if name or not blank[:, index].all()]
    columns = [frame[index].iloc[rows] for index in used]
    return Frame(tuple(names[index] for index in used), columns, rows + 2, decimal, encoding, points)


def _marked(cells: Callable[[set[int]], Any], verbatim: set[int], delimiter: str) -> tuple[str, Any, list[int]]:
    """The decimal mark of a CSV file, its `cells`, as text where the mark makes a difference, and `points_mark`'s."""
    frame = cells(verbatim)
    others = [frame[index] for index in frame if index not in verbatim and is_text(frame[index])]
    marks = set(map(column_mark, others))
    floats = [] if delimiter == "," or "." in marks else _thousands_perhaps(frame)
    texts = cells({*verbatim, *floats}) if floats else frame
    mark, pointed = points_mark([texts[index] for index in floats])
    points = bool(_of_fractions(frame))
    if mark == "?" or pointed:
        points = delimiter == ";"  # unknown, like the commas
    decimal = file_mark(others, semicolons=delimiter == ";", points=points)
    if "," in {decimal, *marks}:
        return decimal, cells(set(frame.columns)), []
    if "?" in (decimal, mark):
        return "?", texts, []
    return decimal, frame, [floats[index] for index in pointed]


def _of_fractions(frame: Any) -> list[int]:
    from pandas.api.types import is_float_dtype  # slow to import

    return [index for index in frame if is_float_dtype(frame[index]) and (frame[index] % 1 > 0).any()]


def _thousands_perhaps(frame: Any) -> list[int]:
    """The indices of columns of fractions whose points may be of thousands; none where any shows decimals.

    Numbers below 1, from 1,000 on, and with more than three digits behind the point are decimals.
    """
    chosen = _of_fractions(frame)
    for index in chosen:
        numbers = frame[index].dropna().abs()
        fractions = numbers[numbers % 1 > 0]
        if (fractions < 1).any() or numbers.max() >= 1000 or (fractions.round(3) != fractions).any():
            return []
    return chosen


def _cells(
    path: Path, encoding: str, delimiter: str, skipped: int, count: int, verbatim: set[int], text: set[int]
) -> Any:
    """The cells below the header as a pandas frame. Columns in `text` are text; cells of `verbatim` ones stay as is."""
    import pandas as pd  # slow to import

    with warnings.catch_warnings():
        warnings.simplefilter("error", pd.errors.ParserWarning)  # for a first row that is too long
        return pd.read_csv(
            path,
            sep=delimiter,
            header=0,
            skiprows=skipped,
            names=list(range(count)),
            index_col=False,
            dtype=dict.fromkeys(text, str),
            keep_default_na=False,
            na_values={index: UNKNOWN for index in range(count) if index not in verbatim},
            skip_blank_lines=False,
            skipinitialspace=True,
            encoding=encoding,
            encoding_errors="backslashreplace",
            low_memory=False,
        )


def _parquet(path: Path, unnamed_index: bool) -> Frame:
    import pandas as pd

    return from_pandas(pd.read_parquet(path, engine="pyarrow"), unnamed_index=unnamed_index)


def from_pandas(frame: Any, *, unnamed_index: bool = True) -> Frame:
    """The columns of a pandas frame, and its index unless that only counts the rows; ValueError for damaged text.

    Without `unnamed_index`, an index without a name is left out, too: it is what a selection of rows leaves.
    """
    import pandas as pd
    import pyarrow

    if not isinstance(frame.index, pd.RangeIndex):
        frame = frame.reset_index(drop=not unnamed_index and set(frame.index.names) == {None})
    columns = [frame.iloc[:, index] for index in range(frame.shape[1])]
    try:
        for column in columns:
            if pd.api.types.is_string_dtype(column):
                column.astype(object)  # only now pyarrow refuses bytes that are no text
    except pyarrow.ArrowException as error:
        raise ValueError(str(error)) from error
    names = tuple(printable(str(name)) for name in frame.columns)
    texts = {name: column for name, column in zip(names, columns, strict=True) if is_text(column)}
    decimal, points = file_mark(list(texts.values()), semicolons=False, points=False), {}
    if decimal == ".":
        decimal, pointed = points_mark(list(texts.values()))
        points = {name: int(texts[name].count()) for name in (list(texts)[index] for index in pointed)}
    return Frame(names, columns, np.arange(len(frame)) + 1, decimal, points=points)


CHUNK = 1 << 20  # bytes
DELIMITERS = "\t;|,"  # the comma last: it may stand within a cell


def encoding_of(path: Path) -> str:
    """ "utf-8-sig" (with a byte-order mark or without), or "utf-16", "utf-16-le" or "utf-16-be", or else "cp1252"."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    with path.open("rb") as file:
        head = file.read(CHUNK)
        if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return "utf-16"
        for offset, name in ((1, "utf-16-le"), (0, "utf-16-be")):  # no byte-order mark: every other byte is zero
            if head[offset::2].count(0) > len(head) / 4 and head[1 - offset :: 2].count(0) < len(head) / 100:
                return name
        try:
            while head:
                decoder.decode(head)
                head = file.read(CHUNK)
            decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return "cp1252"
    return "utf-8-sig"


def header_of(path: Path, encoding: str) -> tuple[str, str, int]:
    """The header line of a CSV file, its delimiter, and the number of lines before the header.

    There may be one such line: `sep=;`, by which spreadsheets name the delimiter.
    """
    with path.open(encoding=encoding, errors="backslashreplace", newline="") as file:
        first, second = file.readline(CHUNK), file.readline(CHUNK)
        if named := re.fullmatch(r'"?sep=(.)"?\s*', first.removeprefix("\ufeff"), re.IGNORECASE | re.DOTALL):
            return second, named[1], 1
    lines = [re.sub(r'"[^"]*"', "", line) for line in (first, second) if line.strip()]
    return first, max(DELIMITERS, key=lambda mark: min(line.count(mark) for line in lines)) if lines else ",", 0
