"""The cell states of a recurrent layer over time."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from research.report.curves import legend
from research.report.style import INK, line, new_figure, png, time_axis

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LINES_SHOWN = 4  # cells drawn as lines; more are hard to distinguish


def memory(times: np.ndarray, cells: np.ndarray, series: np.ndarray | Sequence[float], title: str) -> bytes:
    """PNG of `cells` [T, H] over `times` (datetime64 [T]) below the `series` [T] that they read, called `title`.

    The cells are ordered by the time of their maximum, so that similar cells are neighbours. Below them a few cells are
    drawn as lines: of each part of that order the one with the greatest standard deviation.
    """
    states = np.asarray(cells, np.float64)
    order = by_phase(states)
    shown = most_swinging(states[:, order])
    with new_figure(5.4, 6.2) as figure:
        top, middle, bottom = figure.subplots(3, 1, sharex=True, height_ratios=[1, 2.2, 1.3])
        top.plot(times, series, color=INK)
        top.set_title(title)
        _heat(middle, times, states[:, order], [(row, f"cell {order[row]}") for row in shown])
        for number, row in enumerate(shown):
            colour, dashes = line(number)
            bottom.plot(times, states[:, order[row]], color=colour, linestyle=dashes, label=f"cell {order[row]}")
        bottom.set_title("some of them")
        time_axis(bottom)
        legend(figure, 4)
        return png(figure)


def by_phase(cells: np.ndarray) -> np.ndarray:
    """The order [H] of `cells` [T, H] by the phase of their first Fourier component over the whole time.

    Single spikes hardly change that phase. Constant cells come first.
    """
    wave = np.exp(2j * np.pi * np.arange(len(cells)) / len(cells))
    phase = np.angle(cells.T @ wave) % (2 * np.pi)
    return np.argsort(np.where(np.ptp(cells, axis=0) > 0, phase, -1.0), kind="stable")


def most_swinging(cells: np.ndarray) -> list[int]:
    """Of each quarter of the columns of `cells` [T, H] the index of the one with the greatest standard deviation."""
    quarters = np.array_split(np.arange(cells.shape[1]), min(LINES_SHOWN, cells.shape[1]))
    return [int(quarter[cells[:, quarter].std(axis=0).argmax()]) for quarter in quarters]


def _heat(axes: "Axes", times: np.ndarray, cells: np.ndarray, named: Sequence[tuple[int, str]]) -> None:
    """Draw `cells` [T, H] as colours, a row per cell from the top; `named` lists the rows with a label."""
    # ColorBrewer's RdBu suits colour-blind readers; the 0.99 quantile keeps a few outliers from bleaching the rest.
    limit = float(np.quantile(np.abs(cells), 0.99))
    look: dict[str, Any] = {"cmap": "RdBu_r", "vmin": -limit, "vmax": limit, "shading": "nearest"}
    shades = axes.pcolormesh(times, np.arange(cells.shape[1]), cells.T, **look)
    axes.invert_yaxis()
    axes.grid(False)
    axes.set_yticks([row for row, _ in named], [name for _, name in named], fontsize=7.5)
    axes.set_title(f"all {cells.shape[1]} cells, by the time at which they are highest")
    axes.figure.colorbar(shades, ax=axes, extend="both")
