"""Windows of context and horizon, as the rows at which they start: no window is copied.

The windows of a series begin at every `stride`-th row from the first, as those of Keras'
`timeseries_dataset_from_array` do with sequence_length = context + horizon, sequence_stride = stride.
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
    """Series one below the other, R rows in all, and the N rows at which windows begin.

    values: float64 [R, F], 0 where unknown. known: bool [R, F]. expected: float64 [R, F], what the reference says.
    calendar: float32 [R, C]. times: datetime64[s] [R], local. series: int32 [R], the place of each row's series in the
    reference. spread: float64 [S, F], by that place. starts: int32 [N], ascending; no window crosses a series' end.
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
        """How far values are from what is expected, in spreads, 0 where unknown: float32 [R, F], what a net reads.

        The difference is taken in float64: float32 has steps of 4 at 48,000,000.
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
    drawn: np.ndarray | None = None,
    where: str = "the series",
) -> np.ndarray:
    """The rows of one series at which windows of `context` + `horizon` steps begin: int64 [N], ascending.

    `known` bool [T, F]. "drop" leaves out windows in which anything is unknown, "mask" those in which no target is
    known. Left out, too, is a context that ends on a value `drawn` (bool [T]) on a line towards one it must not know.
    Raises UserError for a series that is shorter than one window.
    """
    length = context + horizon
    if len(known) < length:
        raise UserError(
            f"{where} is {len(known):,} steps long; it must be {length:,} at least, {context:,} of context and "
            f"{horizon:,} of horizon: give more of it, or shorter ones"
        )
    starts = np.arange(0, len(known) - length + 1, stride)
    if missing == "drop":
        kept = _sum_over(~np.logical_and.reduce(known, axis=1), starts, length) == 0
    else:
        kept = _sum_over(np.logical_or.reduce(known, axis=1), starts + context, horizon) > 0
    if drawn is not None:
        kept &= ~drawn[starts + context - 1]
    return starts[kept]


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
    """The windows of all series of one part, `where`; none for a part without series.

    `expectations` [T, F] of each series, in the place of what the reference says (see `reference.left_out`). Raises
    UserError for a series shorter than one window, for one that the reference does not know, and where no window is
    left at all.
    """
    if expectations is None:
        expectations = [expected(reference, series_index(reference, one.name), one.times) for one in series]
    starts, end = [np.zeros(0, np.int64)], 0
    for one in series:
        name = f"the {where} part of series {one.name}" if one.name else f"the {where} part"
        known = np.isfinite(one.values)
        starts.append(end + window_starts(known, context, horizon, stride, missing, drawn=one.drawn, where=name))
        end += len(known)
    if series and not sum(map(len, starts)):
        raise _windowless(series, context, horizon, where)
    return joined(series, reference, expectations, calendar, np.concatenate(starts))


def joined(
    series: Sequence[Series],
    reference: Reference,
    expectations: Sequence[np.ndarray],
    calendar: Sequence[str],
    starts: np.ndarray,
) -> Windows:
    """`series` one below the other, with `expectations` [T, F] of each and windows at the rows `starts`."""
    channels = reference.spread.shape[1]
    values = np.concatenate([np.zeros((0, channels)), *(one.values for one in series)])
    times = np.concatenate([np.zeros(0, "datetime64[s]"), *(one.times for one in series)])
    places = [np.full(len(one.times), series_index(reference, one.name), np.int32) for one in series]
    return Windows(
        np.nan_to_num(values),
        np.isfinite(values),
        np.concatenate([np.zeros((0, channels)), *expectations]),
        reference.spread,
        calendar_features(times, calendar),
        times,
        np.concatenate([np.zeros(0, np.int32), *places]),
        starts.astype(np.int32),
    )


def _sum_over(flags: np.ndarray, starts: np.ndarray, length: int) -> np.ndarray:
    """How many of `flags` [T] are set in the `length` rows from each of `starts` on."""
    before = np.concatenate([[0], np.cumsum(flags)])
    return before[starts + length] - before[starts]


def _windowless(series: Sequence[Series], context: int, horizon: int, where: str) -> UserError:
    known = [true_runs(np.logical_and.reduce(np.isfinite(one.values), axis=1)) for one in series]
    longest = max((int((ends - begins).max()) for begins, ends in known if len(begins)), default=0)
    return UserError(
        f"the {where} part has no window of {context:,} + {horizon:,} steps: at most {longest:,} in a row are known; "
        "take shorter ones, fill gaps (--data.fill), or keep windows with them (--data.missing mask)"
    )
