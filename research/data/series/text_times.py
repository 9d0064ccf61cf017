"""Times written as text, in the usual forms: local clock times and their offsets from UTC."""

import re
import warnings
from typing import Any

import numpy as np

from research.data.series.months import keeps_to_months, month_of
from research.errors import UserError

FORMS = 4  # most forms of one column: some programs omit 0:00 at midnight, or seconds that are 0
# The end of a time of day (so that -2016 is no offset from UTC), and the offset itself, of at most 15:59.
MINUS = "\u2212"  # the typographic minus sign, which ISO 8601 parsers do not read
CLOCK = (
    r"(?::\d\d(?:[.,]\d+)?|\d\s?[AaPp][Mm]|^\d{4}-\d\d-\d\d[T ]\d\d"
    r"|^\d{4}-?\d\d-?\d\dT\d\d(?:\d\d){0,2}(?:[.,]\d+)?)"
)
OFFSET = rf"\s*((?:UTC|GMT)?[+{MINUS}-](?:0\d|1[0-5])(?::?[0-5]\d){{0,2}}|[Zz]|UTC|GMT)(?:\[[\w/+-]+\])?$"
ISO = r"\d{4}-\d\d?(?:-\d\d?(?:[T ]\d\d?(?::?\d\d(?::?\d\d(?:\.\d+)?)?)?)?)?"
# (pattern, its ISO 8601 replacement) of other forms. Months, quarters and years stand for their first day.
YEAR = r"^((?:18|19|20|21)\d\d)"
REWRITTEN = (
    (r"(:\d\d:\d\d),(\d+)$", r"\1.\2"),  # seconds with a decimal comma
    (YEAR + r"$", r"\1-01-01"),
    (YEAR + r"[/.-]?(\d\d)$", r"\1-\2-01"),
    (YEAR + r"(\d\d)(\d\d)$", r"\1-\2-\3"),
    (YEAR + r"(\d\d)(\d\d)[T ]?(\d\d)$", r"\1-\2-\3 \4"),
    (YEAR + r"(\d\d)(\d\d)[T ]?(\d\d)(\d\d)$", r"\1-\2-\3 \4:\5"),
    (YEAR + r"(\d\d)(\d\d)[T ]?(\d\d)(\d\d)(\d\d)$", r"\1-\2-\3 \4:\5:\6"),
    (r"^(\d\d?)[/.-](\d{4})$", r"\2-\1-01"),
    (r"^([^\W\d]{3,9})[ -](\d{4})$", r"1 \1 \2"),
    (r"^(\d{4})[ -]?Q1$", r"\1-01-01"),
    (r"^(\d{4})[ -]?Q2$", r"\1-04-01"),
    (r"^(\d{4})[ -]?Q3$", r"\1-07-01"),
    (r"^(\d{4})[ -]?Q4$", r"\1-10-01"),
)
EITHER_ORDER = r"(?:0?[1-9]|1[0-2])[/.-](?:0?[1-9]|1[0-2])[/.-]\d{4}\b.*"  # day and month may change places
ANY_REWRITTEN = "|".join(re.sub(r"\((?!\?)", "(?:", pattern) for pattern, _ in REWRITTEN)
MIDNIGHT = r"(?:^\d{4}-\d\d?-\d\d?[T ]24|[T ]24:00(?::00(?:\.0+)?)?)$"  # the end of a day, ISO 8601's 24:00


def text_times(
    texts: Any, rows: np.ndarray, where: str, day_first: bool
) -> tuple[np.ndarray, np.ndarray | None, tuple[tuple[str, int, int], ...]]:
    """The times of a pandas column of stripped text ("" where unknown); `rows` [N] are the row numbers for messages.

    Returns local clock times, datetime64[ms] [N] (NaT where unknown); their offsets from UTC, timedelta64[s] [N], or
    None where no text has one; and notes (field of SeriesFindings, number of times, index of the first). Raises
    UserError, by the row, for the first text that is no time, and for a time without an offset where others have one.
    """
    bare, offsets = _without_offsets(texts, rows, where)
    if bare.str.contains(ANY_REWRITTEN).any():
        for pattern, iso in REWRITTEN:
            bare = bare.str.replace(pattern, iso, regex=True)
    midnight = bare.str.contains(MIDNIGHT).to_numpy(bool)
    if midnight.any():
        bare = bare.where(~midnight, bare.str.replace("24(?=[:0.]*$)", "00", regex=True))
    found = _parsed(bare, day_first)
    wrong = np.isnat(found) & (texts != "").to_numpy()
    if wrong.any():
        first = int(wrong.argmax())
        raise _unreadable(bare.iloc[first], f"{where}: row {rows[first]}: {texts.iloc[first][:40]!r}", day_first)
    _refuse_other_order(bare, found, f"{where}: row {rows[0]}", day_first)
    found += midnight * np.timedelta64(1, "D")
    notes = (("midnight", int(midnight.sum()), int(midnight.argmax())),) if midnight.any() else ()
    return found, offsets, notes


def _without_offsets(texts: Any, rows: np.ndarray, where: str) -> tuple[Any, np.ndarray | None]:
    offsets = texts.str.extract(CLOCK + OFFSET, expand=False)
    if not offsets.notna().any():
        return texts, None
    bare = (offsets.isna() & (texts != "")).to_numpy()
    if bare.any():
        raise UserError(f"{where}: row {rows[bare.argmax()]} has no offset from UTC as others have; give it to all")
    seconds = {offset: offset_of(offset) for offset in offsets.dropna().unique()} | {np.nan: np.timedelta64(0, "s")}
    return texts.str.replace(OFFSET, "", regex=True), offsets.map(seconds).to_numpy("timedelta64[s]")


def offset_of(offset: str) -> np.timedelta64:
    """An offset from UTC that is written as -08:00, -08 or Z."""
    digits = re.sub(r"\D", "", offset).ljust(6, "0")
    seconds = int(digits[:2]) * 3600 + int(digits[2:4]) * 60 + int(digits[4:6])
    return np.timedelta64(-seconds if set(offset) & {"-", MINUS} else seconds, "s")


def format_offset(offset: np.timedelta64) -> str:
    """An offset from UTC as -08:00."""
    seconds = int(offset / np.timedelta64(1, "s"))
    minutes, rest = divmod(abs(seconds), 60)
    return f"{'-' if seconds < 0 else '+'}{minutes // 60:02}:{minutes % 60:02}{f':{rest:02}' if rest else ''}"


def _parsed(texts: Any, day_first: bool) -> np.ndarray:
    """Parse texts in up to `FORMS` forms: each form is guessed from the first text not read yet. datetime64[ms] [N]."""
    import pandas as pd  # slow to import

    found = np.full(len(texts), np.datetime64("NaT", "ms"))
    iso = texts.str.fullmatch(ISO).to_numpy(bool)
    for _ in range(FORMS):
        left = np.flatnonzero(np.isnat(found) & (texts != "").to_numpy())
        form = "" if not len(left) else "ISO8601" if iso[left[0]] else _form(texts.iloc[left[0]], day_first)
        if not form:
            break
        alike = left[iso[left]] if form == "ISO8601" else left
        found[alike] = pd.to_datetime(texts.iloc[alike], format=form, errors="coerce").to_numpy("datetime64[ms]")
        if np.isnat(found[left[0]]):
            break
    return found


def _refuse_other_order(texts: Any, found: np.ndarray, where: str, day_first: bool) -> None:
    """Raises UserError where `texts` can be read in both orders of day and month, and only the other makes a series."""
    if not len(texts) or not texts.str.fullmatch(EITHER_ORDER).all():
        return
    other = _parsed(texts, not day_first)
    if not np.isnat(other).any() and other_order_is_meant(found, other):
        order, turn = ("month/day", "leave out") if day_first else ("day/month", "give")
        raise UserError(
            f"{where}: times such as {texts.iloc[0][:40]!r} follow each other as {order} alone; {turn} --data.day-first"
        )


def _form(text: str, day_first: bool) -> str:
    """The strptime format of `text`, "" if it is no time. Formats with a zone are refused: pandas would lose it."""
    from pandas.tseries.api import guess_datetime_format

    year_first = re.match(r"\d{4}", text, re.ASCII) is not None
    half = re.search(r"\s*[AP]M$", text, re.IGNORECASE)  # pandas recognizes AM and PM at some hours only
    bare = text[: half.start()] if half else text
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # pandas warns where the first number contradicts `day_first`
        try:
            form = guess_datetime_format(bare, dayfirst=day_first and not year_first) or ""
        except (ValueError, OverflowError):
            form = ""
    whole = "%Y" in form and "%d" in form and re.search("%[mbB]", form) and not re.search("%[zZ]", form)
    if not whole or (not year_first and "%m" in form and (form.index("%d") < form.index("%m")) != day_first):
        return ""
    return form.replace("%H", "%I") + re.sub("[AP]M", "%p", half[0], flags=re.IGNORECASE) if half else form


DATE = r"\d{4}[./-]\d\d?[./-]\d\d?|\d\d?[./-]\d\d?[./-]\d{4}"
# (pattern, advice) for frequent texts that are no times.
ADVICE = (
    (r"\d+(?:[.,]\d+)?[eE]\+?\d+", "digits are lost; let the spreadsheet show the whole number, and save again"),
    (
        r"\d\d?:\d\d(?::\d\d)?(?:[.,]\d+)?(?:\s?[AaPp][Mm])?",
        "it has no date; name the columns that make one time: --data.time Date Time",
    ),
    (r"\d{5}(?:\.0)? .*", "its date is a spreadsheet's day number; let the spreadsheet show dates, and save again"),
    (rf"(?:{DATE})[T ]\d+[.,]\d+", "write its time of day as 12:30"),
    (rf"(?:{DATE})[T ]\d\d?:\d\d\S* \d.*", "its date has a time of day of its own; write dates alone beside times"),
    (rf"(?:{DATE})\s?(?:[+{MINUS}-]\d\d?:?\d\d|[Zz]|UTC|GMT)", "a date alone takes no offset from UTC; leave it out"),
    (rf".*(?:UTC|GMT)\s?[+{MINUS}-]\d.*", "write offsets from UTC as +01:00"),
    (rf".*\d:\d\d(?::\d\d)?(?:[.,]\d+)?\s*[+{MINUS}-][\d:]+", "write offsets from UTC as +01:00"),
    (
        r".*\d:\d\d\S*\s*(?![AaPp][Mm]$)[^\W\d]{2,}(?:/\w+)*",
        "write the offset from UTC, +01:00, or none and name the place, as in --data.time-zone Europe/Berlin",
    ),
    (r"\d\d?[./-]\d\d?[./-]\d\d(?:\D.*)?", "its year has two digits; write 2016-01-31 23:55"),
)


def _unreadable(text: str, written: str, day_first: bool) -> UserError:
    turn = "leave out --data.day-first if months are" if day_first else "give --data.day-first if days are first"
    days = re.match(r"\d\d?[./-]\d\d?[./-]\d{4}", text)
    usual = "write 2016-01-31 23:55" + (f", or {turn}" if days else "")
    advice = next((words for pattern, words in ADVICE if re.fullmatch(pattern, text)), usual)
    return UserError(f"{written} is no time; {advice}")


# Rules of our own for the order of day and month.
FEWEST = 4  # fewest distinct times that can show their order
NONSENSE = 0.5  # largest share of the steps from first to last that times in the wrong order fill
BETTER = 4  # least ratio of the share in the right order to that in the wrong one


def other_order_is_meant(read: np.ndarray, other: np.ndarray) -> bool:
    """Whether times `read` [N] in one order of day and month make no series, but those in the `other` order do.

    Months read as days give twelve days at most, then nothing for the rest of the year. Days read as months leave most
    of each month empty, or go back in time.
    """
    if len(np.unique(read)) < FEWEST or len(read) != len(other) or np.array_equal(read, other):
        return False
    share = _filled(read)
    empty = share <= NONSENSE and _filled(other) >= BETTER * share
    return empty or (_goes_back(read) and not _goes_back(other))


def _goes_back(times: np.ndarray) -> bool:
    return bool((np.diff(times).astype(np.int64) < 0).any())


def _filled(times: np.ndarray) -> float:
    """The share of steps, at the commonest distance, from the first of `times` to the last that have a time."""
    distinct = np.unique(times.astype("datetime64[s]"))
    positions = month_of(distinct) if keeps_to_months({"": distinct}) else distinct.astype(np.int64)
    kinds, counts = np.unique(np.diff(positions), return_counts=True)
    return len(distinct) / (int(positions[-1] - positions[0]) / int(kinds[counts.argmax()]) + 1)
