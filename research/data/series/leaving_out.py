"""Series of which nothing can be learned: one of many is left out and named, a single one is refused."""

from collections.abc import Mapping, Sequence

import numpy as np

from research.data.series.clock import days_and_seconds
from research.data.series.findings import Finding
from research.data.series.profiles import Kind
from research.data.series.series_set import Series, SeriesSet
from research.errors import UserError

Parts = Mapping[str, tuple[Series, ...]]
DAYS = 2  # of training that a daily profile is made of, at least: of one, it would tell that day of itself


def without_flat(parts: Parts, columns: Sequence[str], share: float, where: str) -> tuple[Parts, tuple[Finding, ...]]:
    """`parts` without the series of which no training value is known, or all are the same; and what is left out.

    Raises UserError, with the first of them, where there is but one series, and where they are more than `share` of
    all.
    """
    faults = {one.name: fault for one in parts["train"] if (fault := _flat(one, columns))}
    if faults:
        advice = "name the other columns (--data.columns), or give more of it"
        _refuse_many(faults, len(parts["train"]), share, where, advice if len(columns) > 1 else "give more of it")
    kept = {part: _others(each, faults) for part, each in parts.items()}
    return kept, tuple(Finding(where, name, "", 1, 1, "") for name in faults)


def without_short(data: SeriesSet, context: int, horizon: int, share: float, kind: Kind = "mean") -> SeriesSet:
    """`data` without the series that are shorter than a window in training, and the parts of others that are.

    With a reference of `kind` "day" or "weekday", training needs two days, too. Findings name what is left out. Raises
    UserError, with the first of them, where there is but one series, and where they are more than `share` of a part.
    """
    parts, found = dict(data.parts), []
    for part in parts:
        faults = {one.name: fault for one in parts[part] if (fault := _short(one, context, horizon, part, kind))}
        if faults:
            advice = "give more of it, or take a shorter --data.context and --data.horizon"
            _refuse_many(faults, len(parts[part]), share, data.name, advice)
        found += [Finding(part, name, "", 1, 1, "") for name in faults]
        for one in parts if part == "train" else (part,):
            parts[one] = _others(parts[one], faults)
    return data._replace(parts=parts, findings=data.findings._replace(short=tuple(found)))


def _flat(one: Series, columns: Sequence[str]) -> str:
    """What is wrong with a training part of which a column says nothing; empty where nothing is."""
    for column, values in zip(columns, one.values.T, strict=True):
        known = values[np.isfinite(values)]
        if not len(known):
            return f"column {column!r}: no training value is known"
        if not (known != known[0]).any():
            return f"column {column!r}: all training values are {known[0]:g}"
    return ""


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


def _refuse_many(faults: Mapping[str, str], count: int, share: float, where: str, advice: str) -> None:
    """Raises UserError for `faults`, by the series' names, of more than `share` of `count` series, or of the one."""
    name, fault = next(iter(faults.items()))
    named = f"series {name}, {fault}" if name else fault
    if count == 1:
        raise UserError(f"{where}: {named}; {advice}")
    if len(faults) > share * count:
        raise UserError(
            f"{where}: {len(faults):,} of {count:,} series cannot be used ({named}), and --data.left-out {share:g} "
            f"allows {int(share * count):,}; leave them out of the file, {advice}, or allow more"
        )


def _others(series: tuple[Series, ...], names: Mapping[str, str]) -> tuple[Series, ...]:
    return tuple(one for one in series if one.name not in names)
