"""Unusable series: some of many are left out and named, a single one is refused."""

from collections.abc import Mapping, Sequence

import numpy as np

from research.data.series.clock import days_and_seconds
from research.data.series.findings import Finding
from research.data.series.profiles import Kind
from research.data.series.series_set import Series, SeriesSet
from research.errors import UserError

Parts = Mapping[str, tuple[Series, ...]]
DAYS = 2  # least training days of a daily profile: with one day, the profile would be that day itself
SHORTER = "give more of it, or take a shorter --data.context and --data.horizon"


def without_flat(parts: Parts, columns: Sequence[str], where: str) -> tuple[Parts, tuple[Finding, ...]]:
    """`parts` without the series whose training values are unknown or all equal; and those left out.

    Raises UserError, with the first of them, if no series is left. `without_short` counts them.
    """
    flat = {one.name: found for one in parts["train"] if (found := _flat(one, columns))}
    faults = {name: f"column {column!r}: {fault}" for name, (column, fault) in flat.items()}
    if faults and len(faults) == len(parts["train"]):
        advice = "name the other columns (--data.columns), or give more of it"
        raise _unusable(faults, len(faults), where, advice if len(columns) > 1 else "give more of it")
    usable = {part: _others(each, faults) for part, each in parts.items()}
    single = len(columns) == 1
    return usable, tuple(Finding(where, name, "" if single else column, 1, 1, "") for name, (column, _) in flat.items())


def without_short(data: SeriesSet, context: int, horizon: int, share: float, kind: Kind = "mean") -> SeriesSet:
    """`data` without the series that are shorter than a window in training, and the parts of others that are.

    With a reference of `kind` "day" or "weekday", training needs two days, too. Findings name what is left out. Raises
    UserError, with the first of them, where there is but one series, and where they, with those that `without_flat`
    left out, are more than `share` of all, or all of a part.
    """
    parts, found = dict(data.parts), []
    faults: dict[str, str] = {}
    for part in parts:
        short = {one.name: fault for one in parts[part] if (fault := _short(one, context, horizon, part, kind))}
        if short and len(short) == len(parts[part]) < len(data.parts["train"]):
            raise _unusable(short, len(short), f"{data.name}, {part}", SHORTER)
        faults |= {name: fault for name, fault in short.items() if name not in faults}
        found += [Finding(part, name, "", 1, 1, "") for name in short]
        for one in parts if part == "train" else (part,):
            parts[one] = _others(parts[one], short)
    flat = {one.series: f"{one.column or data.columns[0]} is empty or flat in training" for one in data.findings.flat}
    other = "name other --data.columns, " if flat and len(data.columns) > 1 else ""
    _refuse_many(flat | faults, len(data.parts["train"]) + len(flat), share, data.name, other)
    return data._replace(parts=parts, findings=data.findings._replace(short=tuple(found)))


def _flat(one: Series, columns: Sequence[str]) -> tuple[str, str] | None:
    """The first column of a training part without information, and its fault; None where all have some."""
    for column, values in zip(columns, one.values.T, strict=True):
        known = values[np.isfinite(values)]
        if not len(known):
            return column, "no training value is known"
        if not (known != known[0]).any():
            return column, f"all training values are {known[0]:g}"
    return None


def _short(one: Series, context: int, horizon: int, part: str, kind: Kind) -> str:
    length = context + horizon
    if len(one.times) < length:
        return (
            f"the {part} part is {len(one.times):,} steps long; it must be {length:,} at least, {context:,} of context "
            f"and {horizon:,} of horizon"
        )
    known = np.isfinite(one.values).any(axis=1)
    few = kind != "mean" and part == "train" and len(np.unique(days_and_seconds(one.times[known])[0])) < DAYS
    return f"--data.reference {kind} needs {DAYS} training days" if few else ""


def _refuse_many(faults: Mapping[str, str], count: int, share: float, where: str, other: str) -> None:
    """Raises UserError for `faults`, by the series' names, of more than `share` of `count` series, or of the one.

    The advice includes the `other` one.
    """
    if faults and (count == 1 or len(faults) > share * count):
        allowed = (
            f"--data.left-out {share:g} allows {int(share * count):,}; leave them out of the file, allow more, {other}"
        )
        raise _unusable(faults, count, where, f"{allowed if count > 1 else ''}{SHORTER}")


def _unusable(faults: Mapping[str, str], count: int, where: str, advice: str) -> UserError:
    """The error for `faults`, by the series' names, of `count` series."""
    name, fault = next(iter(faults.items()))
    named = f"series {name}, {fault}" if name else fault
    if count == 1:
        return UserError(f"{where}: {named}; {advice}")
    return UserError(f"{where}: {len(faults):,} of {count:,} series cannot be used ({named}); {advice}")


def _others(series: tuple[Series, ...], names: Mapping[str, str]) -> tuple[Series, ...]:
    return tuple(one for one in series if one.name not in names)
