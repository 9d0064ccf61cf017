"""Several runs in one figure: how they learned, and how they end on the test examples."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from research.report.curves import History, draw_curves, legend, name_axes
from research.report.style import COLOURS, LINES, MARKERS, QUIET, png, sheet

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PANELS = ("loss", "accuracy")


def comparison(runs: Mapping[str, Sequence[History]], tests: Mapping[str, Mapping[str, Any]]) -> bytes:
    """PNG of several runs: validation loss and accuracy over epochs, and test accuracy with its 95% interval.

    `runs` gives the histories of each run (one per seed) as `learning_curves` takes them; `tests`, under the same
    names, {"mean", "low95", "high95", "values"} of the test accuracy, the ends None where unknown. Raises KeyError
    when a run has no entry in `tests`.
    """
    with sheet(5.4, 1.3 + 2.1 * len(PANELS) + 0.3 * len(runs)) as figure:
        *curves, last = figure.subplots(len(PANELS) + 1, 1, height_ratios=[2.1] * len(PANELS) + [0.4 + 0.3 * len(runs)])
        for axes, metric in zip(curves, PANELS, strict=True):
            for place, (name, histories) in enumerate(runs.items()):
                colour, line = COLOURS[place % len(COLOURS)], LINES[place % len(LINES)]
                draw_curves(axes, histories, "validation", metric, colour, line, name)
            name_axes(axes, metric, f"validation {metric}")
        curves[-1].set_xlabel("epoch")
        _ends(last, {name: tests[name] for name in runs})
        legend(figure)
        return png(figure)


def _ends(axes: "Axes", tests: Mapping[str, Mapping[str, Any]]) -> None:
    from matplotlib.ticker import PercentFormatter  # slow to import

    for row, test in enumerate(tests.values()):
        colour, marker = COLOURS[row % len(COLOURS)], MARKERS[row % len(MARKERS)]
        if test["low95"] is not None and test["high95"] is not None:
            axes.plot([test["low95"], test["high95"]], [row, row], color=colour)
        axes.plot(test["values"], [row] * len(test["values"]), "|", color=QUIET, markersize=9)
        axes.plot([test["mean"]], [row], marker, color=colour, markersize=6)
    axes.set_yticks(range(len(tests)), list(tests))
    axes.set_ylim(len(tests) - 0.5, -0.5)
    axes.grid(False, axis="y")
    axes.xaxis.set_major_formatter(PercentFormatter(1.0))
    axes.set_title("test accuracy, with 95% interval")
