"""Looking at rows and at their regular grid for what a user should know of."""

import numpy as np

from research.data.series.findings import Finding
from research.data.series.gaps import failing_zeros, stretches
from research.data.series.grids import Grid, Rows
from research.data.series.zones import is_change, shown_time, wall_clock

Kinds = dict[str, list[Finding]]  # by the names of the fields of SeriesFindings


def of_rows(file: str, columns: tuple[str, ...], found: Rows, zone: str | None, *, zeros_missing: bool) -> Kinds:
    """Values of `found` that are empty, and zeros where they stand for missing values."""
    times = wall_clock(found.instants, zone)
    flags = {"unknown": np.isnan(found.values), "unknown_zeros": (found.values == 0) & zeros_missing}
    return {kind: _by_column(file, found.name, columns, flag, times) for kind, flag in flags.items()}


def of_grid(
    file: str, columns: tuple[str, ...], name: str, grid: Grid, zone: str | None, *, zeros_missing: bool
) -> Kinds:
    """Gaps in `grid`, repeated and moved rows, changes of the clock, and zeros of a sensor that fails."""
    times = wall_clock(grid.instants, zone)
    step = int((grid.instants[1] - grid.instants[0]).astype(np.int64)) if len(times) > 1 else 0
    clock = np.zeros(len(times), bool)
    for flags in (grid.members == 0, grid.members == 2):
        for start, end in zip(*stretches(flags), strict=True):
            clock[start:end] |= zone is None and is_change(times[start], int(end - start) * step)
    zeros = np.stack([failing_zeros(column) for column in grid.values.T], axis=1) & (not zeros_missing)
    zoned = np.diff(times - grid.instants, prepend=times[:1] - grid.instants[:1]).astype(np.int64) != 0
    found = {
        "gaps": _one(file, name, (grid.members == 0) & ~clock, times),
        "repeated": _one(file, name, (grid.members > 1) & ~clock, times, grid.members - 1),
        "moved": _one(file, name, grid.moved, times),
        "clock": _one(file, name, clock, times),
        "zoned": _one(file, name, zoned, times),
    }
    return found | {"zeros": _by_column(file, name, columns, zeros, times)}


def of_filling(
    file: str, columns: tuple[str, ...], name: str, times: np.ndarray, before: np.ndarray, after: np.ndarray
) -> list[Finding]:
    """The values [T, F] that are unknown in `before` and known in `after`."""
    return _by_column(file, name, columns, np.isnan(before) & ~np.isnan(after), times)


def _by_column(file: str, name: str, columns: tuple[str, ...], flags: np.ndarray, times: np.ndarray) -> list[Finding]:
    alone = len(columns) == 1
    return [
        finding
        for place, column in enumerate(columns)
        for finding in _one(file, name, flags[:, place], times, column="" if alone else column)
    ]


def _one(
    file: str, name: str, flags: np.ndarray, times: np.ndarray, weights: np.ndarray | None = None, column: str = ""
) -> list[Finding]:
    """What is flagged, [T], as one finding, each counted once or by its weight; none where nothing is."""
    if not flags.any():
        return []
    count = int(flags.sum() if weights is None else weights[flags].sum())
    return [Finding(file, name, column, count, len(stretches(flags)[0]), shown_time(times[flags.argmax()]))]
