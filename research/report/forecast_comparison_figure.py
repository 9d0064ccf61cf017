"""The forecasts of several runs for the same windows in one figure."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from research.report.curves import legend
from research.report.style import INK, line, new_figure, png, time_axis

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FEW_POINTS = 40  # up to so many points each is marked


class Window(NamedTuple):
    """What several runs forecast for one window."""

    title: str
    times: np.ndarray  # datetime64 [P]
    truth: np.ndarray  # [P], NaN where unknown
    forecasts: Mapping[str, np.ndarray]  # by name, [P]


def forecast_comparison(windows: Sequence[Window], unit: str = "") -> bytes:
    """PNG of a panel for each window: the truth in black, and the forecast of each run in its own line style."""
    runs = len(windows[0].forecasts)
    with new_figure(5.4, 0.7 + 1.9 * len(windows) + 0.1 * runs) as figure:
        for axes, window in zip(figure.subplots(len(windows), 1, squeeze=False)[:, 0], windows, strict=True):
            _draw(axes, window)
            axes.set(title=window.title, ylabel=unit)
            time_axis(axes)
        legend(figure)
        return png(figure)


def _draw(axes: "Axes", window: Window) -> None:
    marker = "." if len(window.times) <= FEW_POINTS else ""
    axes.plot(window.times, window.truth, color=INK, marker=marker, linewidth=2.2, alpha=0.5, label="truth")
    for number, (name, forecast) in enumerate(window.forecasts.items()):
        colour, stroke = line(number)
        axes.plot(window.times, forecast, color=colour, linestyle=stroke, marker=marker, linewidth=1.1, label=name)
