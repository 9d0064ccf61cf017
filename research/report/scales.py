"""Axes that carry more than numbers on a line: times of day, and values over several decades."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def clock(axes: "Axes") -> None:
    """Times along the axis: hours, and the date where a day begins."""
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter  # slow to import

    locator = AutoDateLocator(minticks=3, maxticks=8)
    formatter = ConciseDateFormatter(locator, show_offset=False)
    formatter.zero_formats[3] = "%d %b"
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(formatter)


def logarithmic(panels: "Sequence[Axes]") -> None:
    """A logarithmic scale of values for all `panels` where their lines are positive and span more than a decade."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter  # slow to import

    values = np.concatenate(
        [np.asarray(line.get_ydata(), np.float64) for axes in panels for line in axes.lines] or [[]]
    )
    found = values[np.isfinite(values)]
    if not found.size or found.min() <= 0 or found.max() <= 10 * found.min():
        return
    narrow = found.max() < 100 * found.min()  # then powers of ten alone would be too few ticks
    for axes in panels:
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if narrow else (1.0,)))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
        axes.yaxis.set_minor_formatter(NullFormatter())
