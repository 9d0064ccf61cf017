"""What a look at the files of a series found: gaps, repeated stamps, clock changes, zeros, and what was done of it."""

from collections.abc import Iterable
from typing import Any, NamedTuple


class Finding(NamedTuple):
    """So many steps, stamps or values of one series of one file; "" where a file has one series, or all columns.

    places: in how many stretches of neighbouring steps. first: the time of the first of them, local.
    """

    file: str
    series: str
    column: str
    total: int
    places: int
    first: str


class SeriesFindings(NamedTuple):
    """The findings in files of `rows` rows.

    gaps: steps that no row is there for. unknown: values that are empty. repeated: rows of a time that had its row,
    averaged. moved: rows off the regular steps, taken for the nearest. clock: steps of the hour that is skipped or met
    twice when the clock is changed; the latter are averaged. zoned: such changes where a time zone is named, and they
    are neither. zeros: values of zero amid high ones, as failing sensors give. unknown_zeros: zeros that stand for
    missing values, as was said. filled: unknown values on a straight line between their neighbours. ignored: rows of
    columns without any number, which are left out. flat and short: series that are left out, one finding each, as their
    training values do not differ, or as a part of them (in the place of the file) holds no window. offsets: times with
    an offset from UTC, taken as they read. unix: times that are numbers of seconds (or parts of them) since 1970, UTC.
    excel: times that are day numbers of a spreadsheet. midnight: times of 24:00, taken for 0:00 of the next day.
    commas: numbers with a decimal comma, or with signs between the thousands. encoding: rows of a file that is not
    UTF-8.
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
    unix: tuple[Finding, ...] = ()
    excel: tuple[Finding, ...] = ()
    midnight: tuple[Finding, ...] = ()
    commas: tuple[Finding, ...] = ()
    encoding: tuple[Finding, ...] = ()
    flat: tuple[Finding, ...] = ()
    short: tuple[Finding, ...] = ()

    def document(self) -> dict[str, Any]:
        """The findings as plain JSON values."""
        return {"rows": self.rows} | {kind: [found._asdict() for found in getattr(self, kind)] for kind in WORDS}

    def summary(self) -> str | None:
        """All kinds of findings in one line, with the first of each; None when there is none."""
        return "; ".join(_told(kind, getattr(self, kind)) for kind in WORDS if getattr(self, kind)) or None

    def how_read(self) -> str | None:
        """The kinds of findings that tell how cells were read, in one line; None when there is none."""
        return SeriesFindings(self.rows, **{kind: getattr(self, kind) for kind in HOW_READ}).summary()


HOW_READ = ("offsets", "unix", "excel", "midnight", "commas", "encoding")
WORDS = {
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
    "unix": "times read as Unix times, in UTC where no --data.time-zone is named",
    "excel": "times read as a spreadsheet's day numbers",
    "midnight": "times of 24:00 read as 0:00 of the next day",
    "commas": "numbers with a decimal comma, or with signs between the thousands",
    "encoding": "rows of text that is not UTF-8, read as Windows-1252",
    "flat": "series left out that are empty or flat in training",
    "short": "series left out that are too short",
}
SHOWN = 8  # names in the summary; the document has all
NAMED = ("flat", "short")  # kinds of which each is named


def merged(each: Iterable[SeriesFindings]) -> SeriesFindings:
    """The findings of several files as those of one."""
    rows, kinds = 0, dict.fromkeys(WORDS, ())
    for one in each:
        rows += one.rows
        kinds = {kind: (*kinds[kind], *getattr(one, kind)) for kind in WORDS}
    return SeriesFindings(rows, **kinds)


def _told(kind: str, found: tuple[Finding, ...]) -> str:
    first, total = found[0], sum(one.total for one in found)
    if kind in NAMED:
        names = ", ".join(dict.fromkeys(f"{one.series} of {one.file}" for one in found[:SHOWN]))
        return f"{total:,} {WORDS[kind]} ({names}{', ...' if len(found) > SHOWN else ''})"
    place = " ".join(part for part in (first.file, first.series, first.column, first.first) if part)
    return f"{total:,} {WORDS[kind]} (first: {place})"
