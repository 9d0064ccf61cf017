"""Series in .npz files: arrays `values` and `times`, and the names of columns and series."""

import lzma
import struct
import tokenize
import zipfile
import zlib
from pathlib import Path

import numpy as np

from research.data.series.repeats import refuse_repeated
from research.data.series.tables import LARGEST, ReadOptions, Table, chosen_columns
from research.data.series.timestamps import Timestamps, check_years
from research.errors import UserError, printable

# Errors of numpy and zipfile for damaged files, for .npy files named .npz, and for sizes beyond all memory.
BROKEN = (
    *(OSError, EOFError, ValueError, TypeError, RuntimeError, MemoryError, OverflowError, AttributeError),
    *(struct.error, zipfile.BadZipFile, zlib.error, lzma.LZMAError, tokenize.TokenError, SyntaxError, RecursionError),
)

ONE_AXIS = "give several series as values [S, T, F], whose times [T] are the same"


def read_archive(path: Path, where: str, options: ReadOptions, trained: tuple[str, ...] = ()) -> Table:
    """The series in the file at `path`: values [T, F] of one, or [S, T, F] of several, and times datetime64 [T].

    `columns` [F] and `series` [S] may name them; the default names are 0, 1 ... Nothing is unpickled. Rows are counted
    from 1. `trained` are the columns of the training file, as in `read_table`. Raises UserError for arrays that are
    missing, damaged or of another shape.
    """
    if options.time or options.series:
        flag = "time" if options.time else "series"
        raise UserError(f"--data.{flag} names a column of tables; {where} holds arrays: leave it out")
    values, times, names, series = _shaped(_arrays(path, where), where)
    if np.isnat(times).any():
        raise UserError(f"{where}: row {np.isnat(times).argmax() + 1} has no time; give it one, or leave the row out")
    check_years(times, np.arange(len(times)) + 1, where)
    beyond = (np.abs(values) > LARGEST).any(axis=(0, 2))
    if beyond.any():
        raise UserError(f"{where}: row {beyond.argmax() + 1} has values beyond {LARGEST:g}; put NaN for unknown ones")
    chosen = chosen_columns(names, options, trained, where) or range(len(names))
    count, length, _ = values.shape
    for rows in values:
        refuse_repeated(times, np.zeros(length), rows, np.arange(length) + 1, where, lambda: ONE_AXIS)
    return Table(
        where,
        tuple(names[column] for column in chosen),
        np.repeat(series, length),
        Timestamps(np.tile(times, count), False),
        values[..., list(chosen)].reshape(count * length, -1),
        np.tile(np.arange(length) + 1, count),
    )


def _arrays(path: Path, where: str) -> dict[str, np.ndarray]:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in ("values", "times", "columns", "series") if name in archive.files}
            present = ", ".join(archive.files) or "nothing"
    except BROKEN as error:
        reason = printable(" ".join(str(error).split()))[:80] or type(error).__name__
        raise UserError(f"{where} is not a sound .npz file ({reason}); write it again") from error
    missing = [name for name in ("values", "times") if name not in arrays]
    if missing:
        raise UserError(f"{where} has no {' and no '.join(missing)} (it has {printable(present)}); series need both")
    return arrays


def _shaped(arrays: dict[str, np.ndarray], where: str) -> tuple[np.ndarray, np.ndarray, tuple[str, ...], np.ndarray]:
    """Values float64 [S, T, F], times datetime64[ms] [T], the names of the columns [F] and of the series [S]."""
    values, times = arrays["values"], arrays["times"]
    if values.dtype.kind not in "iuf" or times.dtype.kind != "M":
        raise UserError(f"{where}: values are {values.dtype} and times {times.dtype}; give numbers and datetime64")
    values = values.astype(np.float64).reshape((1,) * (values.ndim < 3) + values.shape + (1,) * (values.ndim == 1))
    if values.ndim != 3 or times.shape != values.shape[1:2] or not values.size:
        raise UserError(
            f"{where}: values have shape {arrays['values'].shape} and times {times.shape}; they must be [T, F], or "
            "[S, T, F] of several series, and [T]"
        )
    names = arrays.get("columns", np.arange(values.shape[2]))
    series = arrays.get("series", np.arange(values.shape[0]) if arrays["values"].ndim == 3 else np.array([""]))
    labels = [tuple(printable(str(name)) for name in array.reshape(-1)) for array in (names, series)]
    for label, kind, count in zip(labels, ("columns", "series"), (values.shape[2], values.shape[0]), strict=True):
        if len(label) != count or len(set(label)) != count:
            raise UserError(f"{where}: {kind} holds {len(label)} names for {count}; give each a name of its own")
    return values, times.astype("datetime64[ms]"), labels[0], np.array(labels[1])
