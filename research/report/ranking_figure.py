"""Forecasters and baselines in one figure: their errors, intervals and seeds, and published errors."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from research.report.formats import is_number, metric_label
from research.report.ranking import Entry, error, is_baseline, ranked
from research.report.style import COLOURS, INK, QUIET, new_figure, png, shortened

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ROW = 0.46  # inches of height
SMALL = 8.0  # points
PUBLISHED = "#b8b8b8"
BEHIND_WORDS = {"facecolor": "white", "edgecolor": "none", "pad": 1.0}  # hides lines behind the words
FARTHEST = 3.0  # times the least error; a greater error is an arrow at the edge, so that the others keep their room


def ranking_figure(rows: Sequence[Entry], unit: str = "") -> bytes:
    """PNG of the test MAE of `rows`, as `ranking.ranking` takes them, best first, each with its number.

    Baselines are gray, and a dashed line marks the best of them, unless it is off the axis. An error of more than three
    times the least is an arrow at the right edge.
    """
    order = [row for row in ranked(rows) if is_number(row["mean"])]
    low, high = _reach(order)
    with new_figure(5.4, 1.2 + ROW * len(order)) as figure:
        axes = figure.subplots()
        axes.set(xlim=(low, high), ylim=(len(order) - 0.3, -0.6), title=f"test {metric_label('mae', unit)}", yticks=[])
        axes.spines["left"].set_visible(False)
        best = next((row["mean"] for row in order if is_baseline(row)), high)
        if best < high:
            axes.axvline(best, color=QUIET, linewidth=0.8, linestyle="--", label="best baseline")
        for height, row in enumerate(order):
            across = axes.get_yaxis_transform()
            look = {"color": QUIET if is_baseline(row) else INK, "va": "center", "bbox": BEHIND_WORDS}
            axes.text(0.0, height - 0.25, shortened(row["name"], 44), transform=across, **look)
            axes.text(1.0, height - 0.25, error(row), ha="right", transform=across, **look)
            _row(axes, height + 0.1, row, high)
        _key(figure, order, high)
        return png(figure)


def _row(axes: "Axes", height: float, row: Entry, high: float) -> None:
    colour, marker = (QUIET, "s") if is_baseline(row) else (COLOURS[0], "o")
    if is_number(row["published"]) and row["published"] <= high:
        axes.plot(row["published"], height, "|", color=PUBLISHED, markersize=15, markeredgewidth=6)
    if row["mean"] > high:
        axes.plot(0.985, height, ">", color=colour, transform=axes.get_yaxis_transform(), markersize=6, clip_on=False)
        return
    if is_number(row["low95"]) and is_number(row["high95"]):
        axes.plot([row["low95"], row["high95"]], [height] * 2, color=colour)
    axes.plot(row["mean"], height, marker, color=colour, markersize=6)
    if len(row["values"]) > 1:
        axes.plot(row["values"], [height] * len(row["values"]), "|", color=INK, markersize=10, markeredgewidth=0.8)


def _reach(order: Sequence[Entry]) -> tuple[float, float]:
    """The limits of the axis: the least and the greatest error drawn, and a small margin."""
    limit = FARTHEST * order[0]["mean"]
    drawn = [row for row in order if row["mean"] <= limit]
    ends = [
        end for row in drawn for end in (row["mean"], row["low95"], row["high95"], row["published"], *row["values"])
    ]
    ends = [end for end in ends if is_number(end) and end <= limit]
    room = 0.04 * (max(ends) - min(ends)) or 0.05 * abs(max(ends)) or 1.0
    return max(min(ends) - room, 0.0), max(ends) + room


def _key(figure: "Figure", order: Sequence[Entry], high: float) -> None:
    """The legend of what is drawn; the dashed line of the best baseline brings its own label."""
    from matplotlib.lines import Line2D  # slow to import

    signs = {"forecaster, 95% interval": Line2D([], [], color=COLOURS[0], marker="o", markersize=6)}
    if any(is_baseline(row) for row in order):
        signs["baseline"] = Line2D([], [], color=QUIET, marker="s", markersize=6)
    signs |= {str(line.get_label()): line for line in figure.axes[0].lines if line.get_linestyle() == "--"}
    if any(len(row["values"]) > 1 and row["mean"] <= high for row in order):
        seed = {"marker": "|", "markersize": 10, "markeredgewidth": 0.8}
        signs["each seed"] = Line2D([], [], color=INK, linestyle="", **seed)
    if any(is_number(row["published"]) and row["published"] <= high for row in order):
        signs["published"] = Line2D([], [], color=PUBLISHED, marker="|", linestyle="", markersize=10, markeredgewidth=6)
    figure.legend(signs.values(), signs.keys(), loc="outside upper left", ncols=3, fontsize=SMALL, columnspacing=1.2)
