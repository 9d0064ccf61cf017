"""The memory cells of a recurrent net over a season, run along the series as in training."""

from typing import Any

import jax.numpy as jnp
import numpy as np

from research.data.series.seasons import season_of
from research.experiment.series.build import SeriesPlan, windowed
from research.models.network import Network
from research.models.recurrent import Recurrent
from research.models.taps import run_taps

Tree = Any


def memories_of(plan: SeriesPlan, params: Tree, split: str) -> dict[str, dict[str, Any]]:
    """{layer: {"times" [T], "cells" [T, H], "series" [T], "title"}} of each recurrent layer of the net; {} without any.

    T windows that follow each other for a season (`seasons.season_of`); for each, the cells are those at its end,
    when the forecast is made.
    """
    taps = carried_taps(plan.net)
    windows = plan.windows[split]
    chosen = _a_season(windows.starts, season_of(plan.data.step).steps)
    if not taps or len(chosen) < 2:
        return {}
    inputs, _, _ = windowed(windows, plan.sizes).windows(jnp.asarray(windows.starts[chosen]))
    found = run_taps(plan.net, params, inputs, list(taps.values()))
    last = windows.starts[chosen] + plan.sizes.context - 1
    column = plan.data.columns[0]
    return {
        layer: {
            "times": windows.times[last],
            "cells": np.asarray(found[tap])[:, -1],
            "series": np.where(windows.known[last, 0], windows.values[last, 0], np.nan),
            "title": f"{column}, and what {tap} holds",
        }
        for layer, tap in taps.items()
    }


def carried_taps(net: Network) -> dict[str, str]:
    """{recurrent layer: tap of its state}: an LSTM's memory cells, else the hidden states."""
    layers = {name: layer for name, layer in zip(net.names, net.layers, strict=True) if isinstance(layer, Recurrent)}
    return {name: f"{name}/cell" if "cell" in layer.extra_taps() else name for name, layer in layers.items()}


def _a_season(starts: np.ndarray, steps: int) -> np.ndarray:
    """The indices of the first consecutive windows over a season, or of the longest such run."""
    breaks = np.flatnonzero(np.diff(starts) != np.min(np.diff(starts), initial=len(starts) + 1)) + 1
    runs = np.split(np.arange(len(starts)), breaks)
    longest = max(runs, key=len)
    run = next((run for run in runs if starts[run[-1]] - starts[run[0]] >= steps), longest)
    return run[starts[run] - starts[run[0]] <= steps]
