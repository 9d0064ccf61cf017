"""The reference of a series, which scales a net's inputs and outputs: (value - expected) / spread.

The expected value is the training mean, or that of each time of day. Min-max scaling has the least training value (or
the middle of the range) as the expected value, and the range (or half of it) as the spread.
"""

import io
from collections.abc import Sequence
from typing import Literal, NamedTuple, get_args

import numpy as np

from research.data.series.archives import BROKEN
from research.data.series.durations import format_duration
from research.data.series.months import months_in
from research.data.series.profiles import Kind, ProfileSpec, Statistic, daily_sums, profiles, slots_of
from research.data.series.series_set import Series
from research.errors import UserError

Scaling = Literal["standard", "minmax", "minmax_symmetric", "none"]

FLAT = 1e-6  # of a series' standard deviation: smaller residuals are rounding errors, and no scale to divide by


class Reference(NamedTuple):
    """The expected values and spreads of S series, in their units; see `experiment.series.build` for their data.

    names: of the S series. table: float64 [S, slots, F], with one slot ("mean"), one for each step of the day ("day"),
    or those of Monday to Sunday ("weekday"); with min-max scaling, the value that becomes 0. spread: float64 [S, F],
    the standard deviation of training around the table; with min-max scaling, the difference that becomes 1. opening:
    bool [S, 7, slots of a day] (see `seasons.opening_of`) where steps without a value are skipped.
    """

    names: tuple[str, ...]
    step: np.timedelta64  # in seconds or months
    profile: ProfileSpec
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
    """Fit the mean of each series over all training steps ("mean"), or over the same step of each day ("day").

    "weekday" shrinks the mean of each weekday towards that of all days, since a weekday has few values: it is
    blend * own mean + (1 - blend) * mean of all days. An unknown weekday has the mean of all days; an unknown step has
    that of the nearest step around the clock. The statistic "median" takes medians over days in place of means. With
    `smooth` > 0, in steps, a Gaussian smooths the day around the clock.

    spread is the root mean square of the residuals (for "mean" the standard deviation, ddof 0), or of the centred
    values where no residual is left. The scaling "minmax" maps training values to [0, 1] (as scikit-learn's
    MinMaxScaler), "minmax_symmetric" to [-1, 1], and "none" leaves them as they are.

    Raises UserError for "day" and "weekday" of a series with fewer than two days, where a day's reference would be
    that day itself; for another scaling than "standard" of "day" or "weekday"; and for these with steps of months.
    """
    spec = ProfileSpec(kind, blend, statistic, smooth)
    if scaling != "standard":
        return _from_range(train, step, spec, scaling)
    if kind != "mean" and months_in(step):
        raise UserError(f"steps of {format_duration(step)} have no time of day; take --data.reference mean, not {kind}")
    tables, spreads = [], []
    for one in train:
        days = daily_sums(one, step, kind)
        if kind != "mean" and days.known() < 2:
            name = f"series {one.name}" if one.name else "the series"
            raise UserError(f"{name} has fewer than two training days; take --data.reference mean, or more of it")
        table = profiles(days, spec)(None)
        around = _deviation(one.values - table[slots_of(one.times, step, kind)])
        whole = _deviation(one.values - np.nanmean(one.values, axis=0))
        tables.append(table)
        spreads.append(np.where(around > FLAT * whole, around, whole))
    return Reference(tuple(one.name for one in train), step, spec, np.stack(tables), np.stack(spreads))


def _from_range(train: Sequence[Series], step: np.timedelta64, spec: ProfileSpec, scaling: Scaling) -> Reference:
    """The reference of min-max scaling, or of none."""
    if spec.kind != "mean":
        raise UserError(
            f"data.scaling {scaling} has no reference; set --data.reference mean, or --data.scaling standard"
        )
    low = np.stack([np.nanmin(one.values, axis=0) for one in train])
    spread = np.stack([np.nanmax(one.values, axis=0) for one in train]) - low
    if scaling == "minmax_symmetric":
        low, spread = low + spread / 2, spread / 2
    if scaling == "none":
        low, spread = np.zeros_like(low), np.ones_like(spread)
    return Reference(tuple(one.name for one in train), step, spec, low[:, None], spread)


def expected(reference: Reference, series: int, times: np.ndarray) -> np.ndarray:
    """The expected values [T, F] of the series with index `series` at `times` (datetime64 [T], local).

    `times` between the steps of training have the value of the step that they lie in.
    """
    return reference.table[series][slots_of(times, reference.step, reference.profile.kind)]


def leave_one_day_out(reference: Reference, train: Sequence[Series]) -> tuple[np.ndarray, ...]:
    """The expected values of each training day, from a profile of all other days: [T, F] for each series.

    Training residuals then look like those of unseen days. Where there is no other day, `reference` itself counts.
    """
    result = []
    for index, one in enumerate(train):
        days = daily_sums(one, reference.step, reference.profile.kind)
        slots = slots_of(one.times, reference.step, reference.profile.kind)
        values = expected(reference, index, one.times)
        table = profiles(days, reference.profile)
        for day, rows in enumerate(days.rows()):
            others = table(day)[slots[rows]]
            values[rows] = np.where(np.isnan(others), values[rows], others)
        result.append(values)
    return tuple(result)


def series_index(reference: Reference, name: str) -> int:
    """The index of series `name` in `reference`. Raises UserError if it was not in training."""
    if name in reference.names:
        return reference.names.index(name)
    names = ", ".join(map(repr, reference.names[:8])) + (", ..." if len(reference.names) > 8 else "")
    raise UserError(f"series {name!r} was not in training, which had {names}; name it as there, or leave it out")


def _deviation(residuals: np.ndarray) -> np.ndarray:
    return np.sqrt(np.nanmean(residuals**2, axis=0))


def reference_bytes(reference: Reference) -> bytes:
    """`reference` as the bytes of an .npz file, equal for equal references. Nothing is pickled."""
    file = io.BytesIO()
    np.savez(
        file,
        opening=np.zeros(0, bool) if reference.opening is None else reference.opening,
        names=np.array(reference.names),
        step=reference.step,
        kind=np.array(reference.profile.kind),
        blend=reference.profile.blend,
        statistic=np.array(reference.profile.statistic),
        smooth=reference.profile.smooth,
        table=reference.table,
        spread=reference.spread,
    )
    return file.getvalue()


def reference_from_bytes(content: bytes, where: str) -> Reference:
    """The reference that `reference_bytes` wrote to `content`. Raises UserError, naming `where`, for other content."""
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in ("names", "step", "table", "spread", *ProfileSpec._fields)}
            opening = archive["opening"] if "opening" in archive.files and archive["opening"].size else None
        names = tuple(str(name) for name in arrays["names"])
        table, spread = arrays["table"].astype(np.float64), arrays["spread"].astype(np.float64)
        kind: Kind | None = next((known for known in get_args(Kind) if known == arrays["kind"]), None)
        statistic: Statistic | None = next((s for s in get_args(Statistic) if s == arrays["statistic"]), None)
        if kind is None or statistic is None or table.shape[::2] != spread.shape or len(names) != len(table):
            raise ValueError("its arrays do not belong together")
        spec = ProfileSpec(kind, float(arrays["blend"]), statistic, float(arrays["smooth"]))
        step = arrays["step"]  # older runs, without steps of months, saved a number of seconds
        step = step[()] if step.dtype.kind == "m" else np.timedelta64(int(step), "s")
        return Reference(names, step, spec, table, spread, opening)
    except (*BROKEN, KeyError) as error:
        raise UserError(f"{where} holds no reference of series; restore it, or train again") from error
