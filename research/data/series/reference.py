"""What is to be expected of a series before any net looks at it: its training mean, or that of each time of day.

What a net reads and answers is scaled: (value - expected) / spread. Min-max scaling has the least training value, or
the middle of their range, in the place of what is expected, and the range, or half of it, in that of the spread.
"""

import io
from collections.abc import Sequence
from typing import Literal, NamedTuple, get_args

import numpy as np

from research.data.series.archives import BROKEN
from research.data.series.durations import format_duration
from research.data.series.months import months_in
from research.data.series.profiles import Kind, Shape, Statistic, by_day, profiles, slots_of
from research.data.series.series_set import Series
from research.errors import UserError

Scaling = Literal["standard", "minmax", "minmax_symmetric", "none"]

FLAT = 1e-6  # of a series' own deviation: residuals below it are rounding, and no scale to divide by


class Reference(NamedTuple):
    """Fitted on series of the past alone, in their unit; see `experiment.series.build` for whose.

    table: float64 [S, slots, F]; one slot ("mean"), one for each step of a day ("day"), or those of Monday to Sunday
    ("weekday"); with min-max scaling the value that is 0. spread: float64 [S, F], the standard deviation of training
    around it; with min-max scaling the distance from 0 to 1. names: those of the S series.
    opening: bool [S, 7, slots of a day], see `opening.opening_of`, where steps without a value are passed over.
    """

    names: tuple[str, ...]
    step: np.timedelta64  # in seconds or months
    shape: Shape
    table: np.ndarray
    spread: np.ndarray
    opening: np.ndarray | None = None


def fit_reference(
    train: Sequence[Series],
    step: np.timedelta64,
    kind: Kind,
    blend: float = 0.5,
    *,
    statistic: Statistic = "mean",
    smooth: float = 0.0,
    scaling: Scaling = "standard",
) -> Reference:
    """The mean of each series over all training steps ("mean"), or over those of the same step of the day ("day").

    "weekday" is blend * the mean of the same step of the same day of the week + (1 - blend) * that of all days: shrunk,
    for there are few of each. Where a weekday was never known it is the mean of all days; a step of the day that was
    not is that of the nearest one around the clock. The statistic "median" takes medians over the days in place of
    means; by `smooth`, in steps, the day is smoothed around the clock (Gaussian). spread is the root mean square of
    what is left (for "mean" the standard deviation, ddof 0); where nothing is left, that of the values. By `scaling`
    the training values are from 0 to 1 ("minmax", as scikit-learn's MinMaxScaler has it), -1 to 1, or as they are.

    Raises UserError for "day" and "weekday" of a series with fewer than two days: they would tell each day of itself;
    for any other scaling than "standard" of anything but "mean"; and for steps of months, which have no time of day.
    """
    shape = Shape(kind, blend, statistic, smooth)
    if scaling != "standard":
        return _of_range(train, step, shape, scaling)
    if kind != "mean" and months_in(step):
        raise UserError(f"steps of {format_duration(step)} have no time of day; take --data.reference mean, not {kind}")
    tables, spreads = [], []
    for one in train:
        days = by_day(one, step, kind)
        if kind != "mean" and days.known() < 2:
            name = f"series {one.name}" if one.name else "the series"
            raise UserError(f"{name} has fewer than two training days; take --data.reference mean, or more of it")
        table = profiles(days, shape)(None)
        around = _deviation(one.values - table[slots_of(one.times, step, kind)])
        whole = _deviation(one.values - np.nanmean(one.values, axis=0))
        tables.append(table)
        spreads.append(np.where(around > FLAT * whole, around, whole))
    return Reference(tuple(one.name for one in train), step, shape, np.stack(tables), np.stack(spreads))


def _of_range(train: Sequence[Series], step: np.timedelta64, shape: Shape, scaling: Scaling) -> Reference:
    if shape.kind != "mean":
        raise UserError(
            f"data.scaling {scaling} has no reference; set --data.reference mean, or --data.scaling standard"
        )
    low = np.stack([np.nanmin(one.values, axis=0) for one in train])
    spread = np.stack([np.nanmax(one.values, axis=0) for one in train]) - low
    if scaling == "minmax_symmetric":
        low, spread = low + spread / 2, spread / 2
    if scaling == "none":
        low, spread = np.zeros_like(low), np.ones_like(spread)
    return Reference(tuple(one.name for one in train), step, shape, low[:, None], spread)


def expected(reference: Reference, series: int, times: np.ndarray) -> np.ndarray:
    """What `reference` says of its series number `series` at `times` (datetime64 [T], local), past or to come: [T, F].

    `times` on other steps than those of training have what the step says that they lie in.
    """
    return reference.table[series][slots_of(times, reference.step, reference.shape.kind)]


def left_out(reference: Reference, train: Sequence[Series]) -> tuple[np.ndarray, ...]:
    """What the reference of all other days says of each day of the series that it was fitted on: [T, F] each.

    Residuals of training then look as those of days that were never seen. Where there is no other day, it is the
    reference itself.
    """
    result = []
    for place, one in enumerate(train):
        days = by_day(one, reference.step, reference.shape.kind)
        slots, found = slots_of(one.times, reference.step, reference.shape.kind), expected(reference, place, one.times)
        table = profiles(days, reference.shape)
        for day, rows in enumerate(days.rows()):
            others = table(day)[slots[rows]]
            found[rows] = np.where(np.isnan(others), found[rows], others)
        result.append(found)
    return tuple(result)


def series_index(reference: Reference, name: str) -> int:
    """The place of series `name` among those of `reference`; UserError where it was not in training."""
    if name in reference.names:
        return reference.names.index(name)
    there = ", ".join(repr(one) for one in reference.names[:8]) + (", ..." if len(reference.names) > 8 else "")
    raise UserError(f"series {name!r} was not in training, which had {there}; name it as there, or leave it out")


def _deviation(residuals: np.ndarray) -> np.ndarray:
    return np.sqrt(np.nanmean(residuals**2, axis=0))


def reference_bytes(reference: Reference) -> bytes:
    """`reference` as the content of an .npz file, the same for the same numbers."""
    file = io.BytesIO()
    np.savez(
        file,
        opening=np.zeros(0, bool) if reference.opening is None else reference.opening,
        names=np.array(reference.names),
        step=reference.step,
        kind=np.array(reference.shape.kind),
        blend=reference.shape.blend,
        statistic=np.array(reference.shape.statistic),
        smooth=reference.shape.smooth,
        table=reference.table,
        spread=reference.spread,
    )
    return file.getvalue()


def reference_from_bytes(content: bytes, where: str) -> Reference:
    """The reference in `content`, exactly as `reference_bytes` was given it.

    Raises UserError, naming `where`, for anything else.
    """
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as archive:
            found = {name: archive[name] for name in ("names", "step", "table", "spread", *Shape._fields)}
            opening = archive["opening"] if "opening" in archive.files and archive["opening"].size else None
        names = tuple(str(name) for name in found["names"])
        table, spread = found["table"].astype(np.float64), found["spread"].astype(np.float64)
        kind: Kind | None = next((one for one in get_args(Kind) if one == found["kind"]), None)
        statistic: Statistic | None = next((one for one in get_args(Statistic) if one == found["statistic"]), None)
        if kind is None or statistic is None or table.shape[::2] != spread.shape or len(names) != len(table):
            raise ValueError("its arrays do not belong together")
        shape = Shape(kind, float(found["blend"]), statistic, float(found["smooth"]))
        step = found["step"]  # of runs from before there were steps of months a number, of seconds
        step = step[()] if step.dtype.kind == "m" else np.timedelta64(int(step), "s")
        return Reference(names, step, shape, table, spread, opening)
    except (*BROKEN, KeyError) as error:
        raise UserError(f"{where} holds no reference of series; restore it, or train again") from error
