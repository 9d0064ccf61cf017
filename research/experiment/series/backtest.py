"""What was forecast from every window of a split, beside what came, and what the baselines had said."""

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from research.data.series.reference import expected, series_index
from research.data.series.series_set import Series
from research.data.series.windows import Windows
from research.evaluation.baselines import SeasonalNaive, last_value, seasonal_naive
from research.experiment.series.build import SPLITS, Parts, stretches_of
from research.experiment.series.net import Sizes
from research.models.apply import Apply
from research.training.state import Stretches
from research.training.step import cut

Tree = Any
AT_ONCE = 256  # windows per call
DAY = np.timedelta64(1, "D")


class Targets(NamedTuple):
    """Of each window of a split: what came [N, P, F], NaN where unknown, when [N, P], and what was to be expected."""

    truth: np.ndarray
    times: np.ndarray
    expected: np.ndarray
    spread: np.ndarray  # [N, F]

    @property
    def days(self) -> np.ndarray:
        """The day of each window's first target [N]."""
        return self.times[:, 0].astype("datetime64[D]")


def targets_of(windows: Windows, sizes: Sizes) -> Targets:
    """The targets of all windows of a split."""
    rows = windows.starts[:, None] + sizes.context + np.arange(sizes.horizon)
    truth = np.where(windows.known[rows], windows.values[rows], np.nan)
    spread = windows.spread[windows.series[windows.starts]]
    return Targets(truth, windows.times[rows], windows.expected[rows], spread)


def raw_forecasts(parts: Parts, params: Tree, split: str) -> np.ndarray:
    """What the net says of every window of `split`: [N, P, F, Q], float64, in the series' own unit."""
    return forecast_of(parts.training.apply, params, parts.windows[split], parts.sizes)


def forecast_of(apply: Apply, params: Tree, windows: Windows, sizes: Sizes) -> np.ndarray:
    """What a net with `params` says of all `windows`: [N, P, F, Q], float64, in the series' own unit."""
    targets = targets_of(windows, sizes)
    answers = _answers(apply, params, stretches_of(windows, sizes))
    return targets.expected[..., None] + targets.spread[:, None, :, None] * answers


def _answers(apply: Apply, params: Tree, rows: Stretches) -> np.ndarray:
    """What the net answers to all stretches of `rows`, in spreads from what is expected: float64 [N, P, F, Q]."""
    starts = np.asarray(rows.starts)
    size = min(AT_ONCE, len(starts))
    padded = np.concatenate([starts, np.full(-len(starts) % size, starts[-1])])  # so that one shape is compiled
    found = [np.asarray(_forecast(apply, params, rows, part)) for part in padded.reshape(-1, size)]
    return np.concatenate(found)[: len(starts)].astype(np.float64)


@functools.partial(jax.jit, static_argnums=0)
def _forecast(apply: Apply, params: Tree, rows: Stretches, starts: jax.Array) -> jax.Array:
    return apply(params, cut(rows, jnp.asarray(starts))[0], None)


def baseline_forecasts(parts: Parts, split: str) -> tuple[dict[str, np.ndarray], SeasonalNaive]:
    """{name: forecasts [N, P, F]} of the last value, of the day before, and of the mean of each time of day; of the
    daily profile, too, where the net is told one.

    The rows before a window are used as far as they are there: those of earlier parts, too, where no time is missing in
    between. The means are of all that comes before test.
    """
    windows, sizes = parts.windows[split], parts.sizes
    average = np.concatenate(
        [expected(parts.average, _place(parts, one), one.times) for one in parts.data.parts[split]]
    )
    rows = windows.starts[:, None] + sizes.context + np.arange(sizes.horizon)
    before = [_history(parts, split, one) for one in parts.data.parts[split]]
    values = np.concatenate(
        [part for pair in zip(before, parts.data.parts[split], strict=True) for part in _values(pair)]
    )
    lengths = np.array([len(one.times) for one in parts.data.parts[split]])
    history = np.array([len(past) for past in before])
    number = np.repeat(np.arange(len(lengths)), lengths)[windows.starts]  # which of the part's series
    starts = windows.starts + np.cumsum(history)[number]
    firsts = (np.cumsum(history + lengths) - history - lengths)[number]
    season = max(1, int(DAY / parts.data.step))
    known = (values, starts, firsts, sizes.context)
    naive = seasonal_naive(*known, season, average[rows])
    named = {"last value": last_value(*known, average[rows]), "seasonal naive (day)": naive.forecasts}
    named["time-of-day mean"] = average[rows]
    if parts.config.data.reference != "mean":
        named["daily profile"] = windows.expected[rows].astype(np.float64)
    return named, naive


def _values(pair: tuple[np.ndarray, Series]) -> tuple[np.ndarray, np.ndarray]:
    return pair[0], pair[1].values


def _place(parts: Parts, one: Series) -> int:
    return series_index(parts.average, one.name)


def _history(parts: Parts, split: str, one: Series) -> np.ndarray:
    """The values [T, F] of earlier parts of the same series that `one` follows without a break."""
    found = np.zeros((0, one.values.shape[1]))
    begins = one.times[0]
    for part in reversed(SPLITS[: SPLITS.index(split)]):
        earlier = next((each for each in parts.data.parts.get(part, ()) if each.name == one.name), None)
        if earlier is None or not len(earlier.times) or earlier.times[-1] + parts.data.step != begins:
            break
        found, begins = np.concatenate([earlier.values, found]), earlier.times[0]
    return found
