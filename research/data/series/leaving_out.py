"""Series from which nothing can be learned: a few of many are left out and reported, a single one is refused."""

from collections.abc import Mapping, Sequence

import numpy as np

from research.data.series.clock import days_and_seconds
from research.data.series.findings import Finding
from research.data.series.profiles import Kind
from research.data.series.series_set import Series, SeriesSet
from research.errors import UserError

Parts = Mapping[str, tuple[Series, ...]]
DAYS = 2  # fewest training days of a daily profile: that of a single day would be the day itself


def without_flat(parts: Parts, columns: Sequence[str], share: float, where: str) -> tuple[Parts, tuple[Finding, ...]]:
    """`parts` without series whose training values are all unknown or all equal, and a finding for each of these.

    Raises UserError, naming the first, where there is only one series, or where more than `share` of all are flat.
    """
    faults = {one.name: fault for one in parts["train"] if (fault := _flat(one, columns))}
    if faults:
        advice = "name the other columns (--data.columns), or give more of it"
        _refuse_many(faults, len(parts["train"]), share, where, advice if len(columns) > 1 else "give more of it")
    usable = {part: _others(members, faults) for part, members in parts.items()}
    return usable, tuple(Finding(where, name, "", 1, 1, "") for name in faults)


def without_short(data: SeriesSet, context: int, horizon: int, share: float, kind: Kind = "mean") -> SeriesSet:
    """`data` without series whose training part is shorter than a window, and without other parts that are shorter.

    With a reference of `kind` "day" or "weekday", training needs two days, too. Findings name what is left out. Raises
    UserError, naming the first, where there is only one series, or where more than `share` of a part are short.
    """
    parts, findings = dict(data.parts), []
    for part in parts:
        faults = {one.name: fault for one in parts[part] if (fault := _short(one, context, horizon, part, kind))}
        if faults:
            advice = "give more of it, or take a shorter --data.context and --data.horizon"
            _refuse_many(faults, len(parts[part]), share, data.name, advice)
        findings += [Finding(part, name, "", 1, 1, "") for name in faults]
        for changed in parts if part == "train" else (part,):
            parts[changed] = _others(parts[changed], faults)
    return data._replace(parts=parts, findings=data.findings._replace(short=tuple(findings)))


def _flat(one: Series, columns: Sequence[str]) -> str:
    """The fault of a training part with an unknown or constant column; "" without a fault."""
    for column, values in zip(columns, one.values.T, strict=True):
        known = values[np.isfinite(values)]
        if not len(known):
            return f"column {column!r}: no training value is known"
        if not (known != known[0]).any():
            return f"column {column!r}: all training values are {known[0]:g}"
    return ""


def _short(one: Series, context: int, horizon: int, part: str, kind: Kind) -> str:
    """The fault of a part that is too short; "" without a fault."""
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
    """Raises UserError for `faults` {series: fault} of more than `share` of `count` series, or of a single series."""
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
