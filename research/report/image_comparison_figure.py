"""Classifiers in one figure: their accuracies, published ones, and their learning curves."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from research.report.curves import History, draw_curves, name_axes
from research.report.image_comparison import ComparedRun, accuracy, published
from research.report.style import INK, MARKERS, QUIET, RULE, line, new_figure, png, shortened

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PANELS = ("accuracy", "loss")
ROW, PANEL = 0.64, 2.0  # inches of height
SMALL = 8.0  # points


def comparison_figure(runs: Mapping[str, ComparedRun], histories: Mapping[str, Sequence[History]]) -> bytes:
    """PNG of several runs: a row for each with its test accuracy, and below their validation metrics over epochs.

    A row shows the test accuracy of every seed, the mean with its 95% interval, the mean on the training pictures and
    the published band. `histories` holds a list for each run, one history per seed, as `learning_curves` takes them.
    Raises KeyError when a run has no histories.
    """
    heights = [ROW * len(runs), *(PANEL for _ in PANELS)]
    with new_figure(5.4, 1.1 + sum(heights)) as figure:
        top, *curves = figure.subplots(len(heights), 1, height_ratios=heights)
        _rows(top, runs)
        several = ", mean and each seed" if any(len(of_run) > 1 for of_run in histories.values()) else ""
        for axes, metric in zip(curves, PANELS, strict=True):
            for index, name in enumerate(runs):
                draw_curves(axes, histories[name], "validation", metric, *line(index), name)
            name_axes(axes, metric, f"validation {metric}{several}")
        curves[-1].set_xlabel("epoch")
        _key(figure, list(runs.values()))
        return png(figure)


def _rows(axes: "Axes", runs: Mapping[str, ComparedRun]) -> None:
    """Draw a row for each run: its name beside its line style in the other panels, and below it the accuracies."""
    from matplotlib.ticker import PercentFormatter  # slow to import

    low, high = _reach(list(runs.values()))
    axes.set(xlim=(low, high), ylim=(len(runs) - 0.5, -0.5), title="test accuracy")
    for row, (name, run) in enumerate(runs.items()):
        (colour, stroke), across = line(row), axes.get_yaxis_transform()
        axes.plot([0.0, 0.07], [row - 0.28] * 2, color=colour, linestyle=stroke, transform=across)
        axes.text(0.085, row - 0.28, shortened(name, 38), va="center", transform=across)
        axes.text(1.0, row - 0.28, accuracy(run.test), ha="right", va="center", transform=across)
        if run.published:
            _published(axes, row + 0.05, run.published)
        _accuracies(axes, row + 0.05, run, colour, MARKERS[row % len(MARKERS)])
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.xaxis.set_major_formatter(PercentFormatter(1.0))


def _published(axes: "Axes", height: float, band: tuple[float, float]) -> None:
    axes.fill_betweenx([height - 0.14, height + 0.14], *band, facecolor=RULE, edgecolor=RULE, linewidth=3)
    (left, right), middle = axes.get_xlim(), sum(band) / 2
    share = (middle - left) / (right - left)
    side = "left" if share < 0.15 else "right" if share > 0.85 else "center"  # the words stay inside the panel
    anchor = {"left": band[0], "right": band[1], "center": middle}[side]
    axes.text(anchor, height + 0.31, f"published: {published(band)}", ha=side, va="center", fontsize=SMALL, color=QUIET)


def _accuracies(axes: "Axes", height: float, run: ComparedRun, colour: str, marker: str) -> None:
    test, level = run.test, [height] * 2
    if test["low95"] is not None and test["high95"] is not None:
        axes.plot([test["low95"], test["high95"]], level, color=colour)
    axes.plot(test["mean"], height, marker, color=colour, markersize=6)
    if len(test["values"]) > 1:
        axes.plot(test["values"], [height] * len(test["values"]), "|", color=INK, markersize=10, markeredgewidth=0.8)
    if run.train is not None:
        axes.plot([test["mean"], run.train], level, color=colour, linewidth=0.8, linestyle=":")
        axes.plot(run.train, height, marker, color=colour, markerfacecolor="white", markersize=6, clip_on=False)


def _reach(runs: Sequence[ComparedRun]) -> tuple[float, float]:
    """The limits of the axis: the least and the greatest share drawn, clipped to 0 and 1, and a small margin."""
    ends = [end for run in runs for end in (run.test["low95"], run.test["high95"], run.train) if end is not None]
    ends += [value for run in runs for value in (*run.test["values"], *(run.published or ()))]
    low, high = max(min(ends), 0.0), min(max(ends), 1.0)
    margin = 0.03 * (high - low) or 0.01
    return low - margin, high + margin


def _key(figure: "Figure", runs: Sequence[ComparedRun]) -> None:
    """The legend of the rows."""
    from matplotlib.lines import Line2D  # slow to import
    from matplotlib.patches import Patch

    signs: dict[str, Line2D | Patch] = {"mean, 95% interval": Line2D([], [], color=QUIET, marker="o", markersize=6)}
    if any(len(run.test["values"]) > 1 for run in runs):
        seed = {"marker": "|", "markersize": 10, "markeredgewidth": 0.8}
        signs["each seed"] = Line2D([], [], color=INK, linestyle="", **seed)
    hollow = {"marker": "o", "markersize": 6, "markerfacecolor": "white"}
    signs["on training pictures"] = Line2D([], [], color=QUIET, linestyle=":", linewidth=0.8, **hollow)
    if any(run.published for run in runs):
        signs["published"] = Patch(color=RULE)
    figure.legend(signs.values(), signs.keys(), loc="outside upper left", ncols=4, fontsize=SMALL, columnspacing=1.2)
