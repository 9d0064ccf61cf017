"""Windows of context and horizon, stored as their first rows: no window is copied.

The windows of a series begin at every `stride`-th row, like those of Keras' `timeseries_dataset_from_array` with
sequence_length = context + horizon and sequence_stride = stride.
"""

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np

from research.data.series.clock import calendar_features
from research.data.series.gaps import true_runs
from research.data.series.reference import Reference, expected, series_index
from research.data.series.series_set import Series
from research.errors import UserError

Missing = Literal["drop", "mask"]


class Windows(NamedTuple):
    """The concatenated series, R rows in all, and the N rows at which windows begin.

    values: float64 [R, F], 0 where unknown. known: bool [R, F]. expected: float64 [R, F], from the reference. spread:
    float64 [S, F], of the reference's S series. calendar: float32 [R, C]. times: datetime64[s] [R], local. series:
    int32 [R], the index of each row's series in the reference. starts: int32 [N], ascending; no window crosses the end
    of a series.
    """

    values: np.ndarray
    known: np.ndarray
    expected: np.ndarray
    spread: np.ndarray
    calendar: np.ndarray
    times: np.ndarray
    series: np.ndarray
    starts: np.ndarray

    @property
    def scaled(self) -> np.ndarray:
        """(values - expected) / spread, 0 where unknown, float32 [R, F]: the inputs of a net.

        The difference is computed in float64, because float32 has steps of 4 at 48,000,000.
        """
        differences = (self.values - self.expected) / self.spread[self.series]
        return np.where(self.known, differences, 0.0).astype(np.float32)


def window_starts(
    known: np.ndarray,
    context: int,
    horizon: int,
    stride: int = 1,
    missing: Missing = "drop",
    *,
    interpolated: np.ndarray | None = None,
    where: str = "the series",
) -> np.ndarray:
    """The rows of one series at which windows of `context` + `horizon` steps begin: int64 [N], ascending.

    known: bool [T, F]. missing: "drop" leaves out windows with any unknown value, "mask" those without a known target.
    interpolated: bool [T]; no context ends on such a step, because its value depends on a later one. Raises UserError
    for a series that is shorter than one window.
    """
    length = context + horizon
    if len(known) < length:
        raise UserError(
            f"{where} is {len(known):,} steps long; it must be {length:,} at least, {context:,} of context and "
            f"{horizon:,} of horizon: give more of it, or shorter ones"
        )
    starts = np.arange(0, len(known) - length + 1, stride)
    if missing == "drop":
        usable = _window_sums(~np.logical_and.reduce(known, axis=1), starts, length) == 0
    else:
        usable = _window_sums(np.logical_or.reduce(known, axis=1), starts + context, horizon) > 0
    if interpolated is not None:
        usable &= ~interpolated[starts + context - 1]
    return starts[usable]


def build_windows(
    series: Sequence[Series],
    reference: Reference,
    context: int,
    horizon: int,
    *,
    stride: int = 1,
    missing: Missing = "drop",
    calendar: Sequence[str] = (),
    expectations: Sequence[np.ndarray] | None = None,
    where: str = "train",
) -> Windows:
    """The windows of all series of the part called `where`; none for a part without series.

    `expectations` [T, F] of each series take the place of the reference's values (see `leave_one_day_out`). Raises
    UserError for a series shorter than one window, for a series that the reference does not have, and where no window
    is left.
    """
    if expectations is None:
        expectations = [expected(reference, series_index(reference, one.name), one.times) for one in series]
    starts, end = [np.zeros(0, np.int64)], 0
    for one in series:
        name = f"the {where} part of series {one.name}" if one.name else f"the {where} part"
        known = np.isfinite(one.values)
        starts.append(
            end + window_starts(known, context, horizon, stride, missing, interpolated=one.interpolated, where=name)
        )
        end += len(known)
    if series and not sum(map(len, starts)):
        raise _no_window(series, context, horizon, where)
    return concatenate_series(series, reference, expectations, calendar, np.concatenate(starts))


def concatenate_series(
    series: Sequence[Series],
    reference: Reference,
    expectations: Sequence[np.ndarray],
    calendar: Sequence[str],
    starts: np.ndarray,
) -> Windows:
    """The concatenated `series`, with `expectations` [T, F] of each, and windows at the rows `starts` [N]."""
    channels = reference.spread.shape[1]
    values = np.concatenate([np.zeros((0, channels)), *(one.values for one in series)])
    times = np.concatenate([np.zeros(0, "datetime64[s]"), *(one.times for one in series)])
    index = [np.full(len(one.times), series_index(reference, one.name), np.int32) for one in series]
    return Windows(
        np.nan_to_num(values),
        np.isfinite(values),
        np.concatenate([np.zeros((0, channels)), *expectations]),
        reference.spread,
        calendar_features(times, calendar),
        times,
        np.concatenate([np.zeros(0, np.int32), *index]),
        starts.astype(np.int32),
    )


def _window_sums(flags: np.ndarray, starts: np.ndarray, length: int) -> np.ndarray:
    """The number of `flags` [T] that are set in the `length` rows from each of `starts` [N] on: [N]."""
    before = np.concatenate([[0], np.cumsum(flags)])
    return before[starts + length] - before[starts]


def _no_window(series: Sequence[Series], context: int, horizon: int, where: str) -> UserError:
    known = [true_runs(np.logical_and.reduce(np.isfinite(one.values), axis=1)) for one in series]
    longest = max((int((ends - begins).max()) for begins, ends in known if len(begins)), default=0)
    return UserError(
        f"the {where} part has no window of {context:,} + {horizon:,} steps: at most {longest:,} in a row are known; "
        "take shorter ones, fill gaps (--data.fill), or keep windows with them (--data.missing mask)"
    )
