"""Forecasts of every window of a split, the targets, and the forecasts of the baselines."""

import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from research.batches import Apply
from research.data.series.reference import expected, series_index
from research.data.series.seasons import season_of, seasons_of
from research.data.series.series_set import Series
from research.data.series.windowed_series import WindowedSeries
from research.data.series.windows import Windows
from research.evaluation.baselines import SeasonalNaive, last_value, seasonal_naive
from research.experiment.series.build import SPLITS, SeriesPlan, windowed
from research.experiment.series.net import Sizes

Tree = Any
BATCH_SIZE = 256  # windows


class Targets(NamedTuple):
    """The targets of each window of a split [N, P, F], NaN where unknown, their times [N, P], and the reference."""

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


def raw_forecasts(plan: SeriesPlan, variables: Tree, split: str) -> np.ndarray:
    """The net's forecasts of every window of `split`: [N, P, F, Q], float64, in the series' own unit."""
    return forecast_of(plan.apply, variables, plan.windows[split], plan.sizes)


def forecast_of(apply: Apply, variables: Tree, windows: Windows, sizes: Sizes) -> np.ndarray:
    """Forecasts of all `windows` by a net with `variables`: [N, P, F, Q], float64, in the series' own unit."""
    targets = targets_of(windows, sizes)
    answers = _outputs(apply, variables, windowed(windows, sizes))
    return targets.expected[..., None] + targets.spread[:, None, :, None] * answers


def _outputs(apply: Apply, variables: Tree, rows: WindowedSeries) -> np.ndarray:
    """The net's outputs for all windows of `rows`, in spreads from the reference: float64 [N, P, F, Q]."""
    starts = np.asarray(rows.starts)
    size = min(BATCH_SIZE, len(starts))
    padded = np.concatenate([starts, np.full(-len(starts) % size, starts[-1])])  # one shape, compiled once
    found = [np.asarray(_forecast(apply, variables, rows, part)) for part in padded.reshape(-1, size)]
    return np.concatenate(found)[: len(starts)].astype(np.float64)


@functools.partial(jax.jit, static_argnums=0)
def _forecast(apply: Apply, variables: Tree, rows: WindowedSeries, starts: jax.Array) -> jax.Array:
    return apply(variables, rows.windows(jnp.asarray(starts))[0], None)[0]


def baseline_forecasts(plan: SeriesPlan, split: str) -> tuple[dict[str, np.ndarray], SeasonalNaive]:
    """{name: forecasts [N, P, F]} of the last value, the season before and the mean of each time of day, and of the
    daily profile where the net forecasts differences from one.

    All rows before a window are used, those of earlier splits included. The means are over all rows before test.
    """
    windows, sizes = plan.windows[split], plan.sizes
    series = plan.data.parts[split]
    average = np.concatenate([expected(plan.average, _series_index(plan, one), one.times) for one in series])
    rows = windows.starts[:, None] + sizes.context + np.arange(sizes.horizon)
    longer = [_with_history(plan, split, one) for one in series]
    lengths, history = (np.array([len(each.times) for each in some]) for some in (series, longer))
    history -= lengths
    number = np.repeat(np.arange(len(lengths)), lengths)[windows.starts]  # which of the part's series
    values, times = (np.concatenate([getattr(one, name) for one in longer]) for name in ("values", "times"))
    starts = windows.starts + np.cumsum(history)[number]
    firsts = (np.cumsum(history + lengths) - history - lengths)[number]
    known = (values, starts, firsts, sizes.context)
    naive = seasonal_naive(*known, *seasons_of(times, plan.data.step), average[rows])
    named = {"last value": last_value(*known, average[rows]), season_name(plan): naive.forecasts}
    named["time-of-day mean" if plan.average.profile.kind == "day" else "mean"] = average[rows]  # of under two days
    if plan.config.data.reference != "mean":
        named["daily profile"] = windows.expected[rows].astype(np.float64)
    return named, naive


def season_name(plan: SeriesPlan) -> str:
    """The name of the seasonal naive forecast with its season: `seasonal naive (day)`."""
    return f"seasonal naive ({season_of(plan.data.step).name})"


def _series_index(plan: SeriesPlan, one: Series) -> int:
    return series_index(plan.average, one.name)


def _with_history(plan: SeriesPlan, split: str, one: Series) -> Series:
    """`one`, preceded by the rows of the same series in earlier splits."""
    earlier = [each for part in SPLITS[: SPLITS.index(split)] for each in plan.data.parts[part]]
    found = [each for each in (*earlier, one) if each.name == one.name]
    times, values = (np.concatenate([getattr(each, name) for each in found]) for name in ("times", "values"))
    return Series(one.name, times, values)
