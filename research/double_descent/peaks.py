"""The peak of a double descent: where it is, how high, and whether it is more than chance over seeds."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from research.evaluation.intervals import SeedInterval, across_seeds


class Turns(NamedTuple):
    """The indices of a curve's first minimum, of the peak after it, and of the second descent's minimum."""

    first: int
    peak: int
    second: int


@dataclass(frozen=True)
class Peak:
    """A peak over S seeds.

    position       the geometric mean of the seeds' positions, with `low95` and `high95`: Student's t interval of the
                   log position, and at least as wide as to half way to the neighbouring positions, since the curve was
                   not measured between them
    height         the mean over seeds at the peak of the mean curve, and likewise `first` and `second`, the two minima
    positions      of the first minimum, of the peak and of the second descent's minimum of the mean curve
    """

    position: float
    low95: float
    high95: float
    height: SeedInterval
    first: SeedInterval
    second: SeedInterval
    positions: tuple[float, float, float]


def find_peak(positions: Sequence[float] | np.ndarray, curves: np.ndarray) -> Peak | None:
    """The highest peak of `curves` [S, W], S >= 2, over increasing `positions` [W]; None where there is none.

    A peak is there if the rise from the first minimum and the fall to the second are both above zero over seeds, at
    95%: of each seed's log curve, at the turns of the mean log curve of the *other* seeds, so that chance does not
    choose the turns by which it is judged. Values and positions must be positive; ValueError otherwise.
    """
    at, values = np.asarray(positions, np.float64), np.asarray(curves, np.float64)
    _check(at, values)
    logs = np.log(values)
    found = turns(logs.mean(axis=0))
    changes = np.array([_held_out_changes(logs, seed) for seed in range(len(logs))])
    lows = [across_seeds(column.tolist())["low95"] or 0.0 for column in changes.T]
    return None if found is None or min(lows) <= 0 else _described(at, values, found)


def turns(curve: np.ndarray) -> Turns | None:
    """The turns of one `curve` [W] about its most prominent inner maximum that no later value exceeds.

    The prominence is the lesser of the rise from the lowest value before and the fall to the lowest value after. None
    where there is no such maximum: in a monotone curve, in a U, and where the curve ends above all of its peaks.
    """
    if len(curve) < 3:
        return None
    before, after = np.minimum.accumulate(curve)[:-2], np.minimum.accumulate(curve[::-1])[::-1][2:]
    exceeded = np.maximum.accumulate(curve[::-1])[::-1][2:] > curve[1:-1]
    prominence = np.where(exceeded, 0.0, curve[1:-1] - np.maximum(before, after))
    peak = int(prominence.argmax()) + 1
    if prominence[peak - 1] <= 0:
        return None
    return Turns(int(curve[:peak].argmin()), peak, peak + 1 + int(curve[peak + 1 :].argmin()))


def _held_out_changes(logs: np.ndarray, seed: int) -> tuple[float, float]:
    """The rise and the fall of one seed's log curve at the turns of the others' mean; zeros where those have none."""
    found = turns(np.delete(logs, seed, axis=0).mean(axis=0))
    if found is None:
        return 0.0, 0.0
    own = logs[seed]
    return own[found.peak] - own[found.first], own[found.peak] - own[found.second]


def _described(at: np.ndarray, values: np.ndarray, found: Turns) -> Peak:
    inside = slice(found.first + 1, found.second)
    of_seeds = found.first + 1 + values[:, inside].argmax(axis=1)
    logs = across_seeds(np.log(at[of_seeds]).tolist())
    ends = [end if end is not None else logs["mean"] for end in (logs["low95"], logs["high95"])]
    nearest = int(np.abs(np.log(at) - logs["mean"]).argmin())
    beside = [np.sqrt(at[nearest] * at[i]) for i in (max(nearest - 1, 0), min(nearest + 1, len(at) - 1))]
    heights = [across_seeds(values[:, index].tolist()) for index in (found.peak, found.first, found.second)]
    return Peak(
        float(np.exp(logs["mean"])),
        float(min(np.exp(ends[0]), beside[0])),
        float(max(np.exp(ends[1]), beside[1])),
        *heights,
        positions=(float(at[found.first]), float(at[found.peak]), float(at[found.second])),
    )


def _check(at: np.ndarray, values: np.ndarray) -> None:
    if values.ndim != 2 or values.shape[1] != len(at) or len(values) < 2:
        raise ValueError(f"curves {list(values.shape)} over {len(at)} positions: give [S, W] with two seeds or more")
    if not (np.isfinite(values).all() and (values > 0).all()):
        raise ValueError("a curve holds values that are not positive and finite")
    if not (at[0] > 0 and (np.diff(at) > 0).all()):
        raise ValueError("positions must be positive and increasing")
