"""Findings in the files of series: gaps, repeated times, clock changes, zeros, and how each was treated."""

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from research.data.series.clock import is_change, shown_time, wall_clock
from research.data.series.gaps import failing_zeros, true_runs
from research.data.series.grids import Grid, Rows


class Finding(NamedTuple):
    """`total` steps, rows or values of one series of one file. `series` and `column` are "" where there is only one.

    runs: the number of runs of neighbouring steps. first: the local time of the first step.
    """

    file: str
    series: str
    column: str
    total: int
    runs: int
    first: str


class SeriesFindings(NamedTuple):
    """The findings in files of `rows` rows.

    gaps: steps without a row. unknown: empty values. repeated: further rows of the same time, averaged. moved: rows off
    the regular steps, moved to the nearest one. clock: steps skipped or repeated by a clock change without a time zone;
    repeated ones are averaged. zoned: clock changes that a time zone explains. zeros: zeros amid high values, as
    failing sensors write. unknown_zeros: zeros that the options declare missing. filled: unknown values filled by
    linear interpolation. ignored: rows of columns without any number, left out. flat: series left out because their
    training values do not differ. short: series left out because a part, named in `file`, holds no window. offsets:
    times with an offset from UTC, read as local. converted: times moved to the offset from UTC that training had. bare:
    times without an offset where training had one. unix: Unix times, UTC. excel: day numbers of a spreadsheet.
    midnight: times of 24:00, read as 0:00 of the next day. commas: numbers with a decimal comma or thousands
    separators. points: numbers such as 1.234, read as decimals although nothing shows that their points are not of
    thousands. encoding: rows of a file that is not UTF-8.
    """

    rows: int
    gaps: tuple[Finding, ...] = ()
    unknown: tuple[Finding, ...] = ()
    repeated: tuple[Finding, ...] = ()
    moved: tuple[Finding, ...] = ()
    clock: tuple[Finding, ...] = ()
    zoned: tuple[Finding, ...] = ()
    zeros: tuple[Finding, ...] = ()
    unknown_zeros: tuple[Finding, ...] = ()
    filled: tuple[Finding, ...] = ()
    ignored: tuple[Finding, ...] = ()
    offsets: tuple[Finding, ...] = ()
    converted: tuple[Finding, ...] = ()
    bare: tuple[Finding, ...] = ()
    unix: tuple[Finding, ...] = ()
    excel: tuple[Finding, ...] = ()
    midnight: tuple[Finding, ...] = ()
    commas: tuple[Finding, ...] = ()
    points: tuple[Finding, ...] = ()
    encoding: tuple[Finding, ...] = ()
    flat: tuple[Finding, ...] = ()
    short: tuple[Finding, ...] = ()

    def document(self) -> dict[str, Any]:
        """The findings as plain JSON values."""
        kinds = {kind: [finding._asdict() for finding in getattr(self, kind)] for kind in DESCRIPTIONS}
        return {"rows": self.rows} | kinds

    def summary(self) -> str | None:
        """All kinds of findings in one line, with the first of each; None when there is none."""
        return "; ".join(_summary(kind, getattr(self, kind)) for kind in DESCRIPTIONS if getattr(self, kind)) or None

    def how_read(self) -> str | None:
        """The findings about how cells were read, in one line; None when there is none."""
        return SeriesFindings(self.rows, **{kind: getattr(self, kind) for kind in HOW_READ}).summary()


HOW_READ = ("offsets", "converted", "bare", "unix", "excel", "midnight", "commas", "points", "encoding")
DESCRIPTIONS = {
    "gaps": "steps without a row",
    "unknown": "values empty",
    "repeated": "rows of repeated times averaged",
    "moved": "rows moved to the nearest step",
    "clock": "steps skipped or repeated by a change of the clock (--data.time-zone mends that)",
    "zoned": "changes of the clock followed",
    "zeros": "zeros that may be missing values (--data.zeros-missing takes all zeros so)",
    "unknown_zeros": "zeros taken as missing values",
    "filled": "unknown values filled by straight lines",
    "ignored": "rows of columns without a number left out",
    "offsets": "times taken as they read, without their offset from UTC (--data.time-zone converts them)",
    "converted": "times converted to the offset from UTC that training had",
    "bare": "times without an offset from UTC, taken to have that of training",
    "unix": "times read as Unix times, in UTC where no --data.time-zone is named",
    "excel": "times read as a spreadsheet's day numbers",
    "midnight": "times of 24:00 read as 0:00 of the next day",
    "commas": "numbers with a decimal comma, or with signs between the thousands",
    "points": "numbers such as 1.234 read as decimals (write them without the point if it marks thousands)",
    "encoding": "rows of text that is not UTF-8, read as Windows-1252",
    "flat": "series left out that are empty or flat in training",
    "short": "series left out that are too short",
}
SHOWN = 8  # most names in the summary; the document has all
NAMED = ("flat", "short")  # kinds whose series are named one by one


def merge_findings(files: Iterable[SeriesFindings]) -> SeriesFindings:
    """The findings of several files together."""
    rows, kinds = 0, dict.fromkeys(DESCRIPTIONS, ())
    for findings in files:
        rows += findings.rows
        kinds = {kind: (*kinds[kind], *getattr(findings, kind)) for kind in DESCRIPTIONS}
    return SeriesFindings(rows, **kinds)


def _summary(kind: str, findings: tuple[Finding, ...]) -> str:
    first, total = findings[0], sum(finding.total for finding in findings)
    if kind in NAMED:
        names = ", ".join(dict.fromkeys(f"{finding.series} of {finding.file}" for finding in findings[:SHOWN]))
        return f"{total:,} {DESCRIPTIONS[kind]} ({names}{', ...' if len(findings) > SHOWN else ''})"
    location = " ".join(part for part in (first.file, first.series, first.column, first.first) if part)
    return f"{total:,} {DESCRIPTIONS[kind]} (first: {location})"


Kinds = dict[str, list[Finding]]  # {field of SeriesFindings: findings}


def findings_in_rows(
    file: str, columns: tuple[str, ...], rows: Rows, zone: str | None, *, zeros_missing: bool
) -> Kinds:
    """Empty values of `rows`, and zeros if these stand for missing values."""
    times = wall_clock(rows.instants, zone)
    flags = {"unknown": np.isnan(rows.values), "unknown_zeros": (rows.values == 0) & zeros_missing}
    return {kind: _by_column(file, rows.name, columns, flag, times) for kind, flag in flags.items()}


def findings_in_grid(
    file: str, columns: tuple[str, ...], name: str, grid: Grid, zone: str | None, *, zeros_missing: bool
) -> Kinds:
    """Gaps in `grid`, repeated and moved rows, clock changes, and zeros of failing sensors."""
    times = wall_clock(grid.instants, zone)
    step = int((grid.instants[1] - grid.instants[0]).astype(np.int64)) if len(times) > 1 else 0
    clock = np.zeros(len(times), bool)
    for flags in (grid.members == 0, grid.members == 2):
        for start, end in zip(*true_runs(flags), strict=True):
            clock[start:end] |= zone is None and is_change(times[start], int(end - start) * step)
    zeros = np.stack([failing_zeros(column) for column in grid.values.T], axis=1) & (not zeros_missing)
    zoned = np.diff(times - grid.instants, prepend=times[:1] - grid.instants[:1]).astype(np.int64) != 0
    return {
        "gaps": _flagged(file, name, (grid.members == 0) & ~clock, times),
        "repeated": _flagged(file, name, (grid.members > 1) & ~clock, times, grid.members - 1),
        "moved": _flagged(file, name, grid.moved, times),
        "clock": _flagged(file, name, clock, times),
        "zoned": _flagged(file, name, zoned, times),
        "zeros": _by_column(file, name, columns, zeros, times),
    }


def findings_of_filling(
    file: str, columns: tuple[str, ...], name: str, times: np.ndarray, before: np.ndarray, after: np.ndarray
) -> list[Finding]:
    """The values [T, F] that are unknown in `before` and known in `after`."""
    return _by_column(file, name, columns, np.isnan(before) & ~np.isnan(after), times)


def _by_column(file: str, name: str, columns: tuple[str, ...], flags: np.ndarray, times: np.ndarray) -> list[Finding]:
    single = len(columns) == 1
    return [
        finding
        for index, column in enumerate(columns)
        for finding in _flagged(file, name, flags[:, index], times, column="" if single else column)
    ]


def _flagged(
    file: str, name: str, flags: np.ndarray, times: np.ndarray, weights: np.ndarray | None = None, column: str = ""
) -> list[Finding]:
    """One finding for all flagged steps [T], counted once or by their weights; none if no step is flagged."""
    if not flags.any():
        return []
    count = int(flags.sum() if weights is None else weights[flags].sum())
    return [Finding(file, name, column, count, len(true_runs(flags)[0]), shown_time(times[flags.argmax()]))]
