"""Several runs in one figure: where they end, beside what is published, and how they learned."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from research.report.curves import History, draw_curves, name_axes
from research.report.rungs import Rung, accuracy, published
from research.report.style import INK, MARKERS, QUIET, RULE, line, png, sheet, shortened

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PANELS = ("accuracy", "loss")
RUNG, PANEL = 0.64, 2.0  # inches of height
SMALL = 8.0  # points


def comparison(rungs: Mapping[str, Rung], histories: Mapping[str, Sequence[History]]) -> bytes:
    """PNG of several runs: a rung each with its test accuracy, and their validation metrics over epochs below.

    A rung shows the test accuracy of every seed, the mean with its 95% interval, the mean on the training pictures and
    the published band. `histories` gives those of each run, one per seed, as `learning_curves` takes them. Raises
    KeyError when a run has none.
    """
    heights = [RUNG * len(rungs), *(PANEL for _ in PANELS)]
    with sheet(5.4, 1.1 + sum(heights)) as figure:
        ladder, *curves = figure.subplots(len(heights), 1, height_ratios=heights)
        _ladder(ladder, rungs)
        several = ", mean and each seed" if any(len(found) > 1 for found in histories.values()) else ""
        for axes, metric in zip(curves, PANELS, strict=True):
            for place, name in enumerate(rungs):
                draw_curves(axes, histories[name], "validation", metric, *line(place), name)
            name_axes(axes, metric, f"validation {metric}{several}")
        curves[-1].set_xlabel("epoch")
        _key(figure, list(rungs.values()))
        return png(figure)


def _ladder(axes: "Axes", rungs: Mapping[str, Rung]) -> None:
    """A row for each run: its name, with the line that it has in the other panels, and below it the accuracies."""
    from matplotlib.ticker import PercentFormatter  # slow to import

    low, high = _reach(list(rungs.values()))
    axes.set(xlim=(low, high), ylim=(len(rungs) - 0.5, -0.5), title="test accuracy")
    for row, (name, rung) in enumerate(rungs.items()):
        (colour, stroke), across = line(row), axes.get_yaxis_transform()
        axes.plot([0.0, 0.07], [row - 0.28] * 2, color=colour, linestyle=stroke, transform=across)
        axes.text(0.085, row - 0.28, shortened(name, 38), va="center", transform=across)
        axes.text(1.0, row - 0.28, accuracy(rung.test), ha="right", va="center", transform=across)
        if rung.published:
            _published(axes, row + 0.05, rung.published)
        _accuracies(axes, row + 0.05, rung, colour, MARKERS[row % len(MARKERS)])
    axes.set_yticks([])
    axes.spines["left"].set_visible(False)
    axes.xaxis.set_major_formatter(PercentFormatter(1.0))


def _published(axes: "Axes", height: float, band: tuple[float, float]) -> None:
    axes.fill_betweenx([height - 0.14, height + 0.14], *band, facecolor=RULE, edgecolor=RULE, linewidth=3)
    (left, right), middle = axes.get_xlim(), sum(band) / 2
    share = (middle - left) / (right - left)
    side = "left" if share < 0.15 else "right" if share > 0.85 else "center"  # the words stay inside the panel
    place = {"left": band[0], "right": band[1], "center": middle}[side]
    axes.text(place, height + 0.31, f"published: {published(band)}", ha=side, va="center", fontsize=SMALL, color=QUIET)


def _accuracies(axes: "Axes", height: float, rung: Rung, colour: str, marker: str) -> None:
    test, level = rung.test, [height] * 2
    if test["low95"] is not None and test["high95"] is not None:
        axes.plot([test["low95"], test["high95"]], level, color=colour)
    axes.plot(test["mean"], height, marker, color=colour, markersize=6)
    if len(test["values"]) > 1:
        axes.plot(test["values"], [height] * len(test["values"]), "|", color=INK, markersize=10, markeredgewidth=0.8)
    if rung.train is not None:
        axes.plot([test["mean"], rung.train], level, color=colour, linewidth=0.8, linestyle=":")
        axes.plot(rung.train, height, marker, color=colour, markerfacecolor="white", markersize=6, clip_on=False)


def _reach(rungs: Sequence[Rung]) -> tuple[float, float]:
    """From the least to the greatest share that is drawn, and a little more; intervals end at 0 and 1 at the latest."""
    ends = [end for rung in rungs for end in (rung.test["low95"], rung.test["high95"], rung.train) if end is not None]
    ends += [value for rung in rungs for value in (*rung.test["values"], *(rung.published or ()))]
    low, high = max(min(ends), 0.0), min(max(ends), 1.0)
    room = 0.03 * (high - low) or 0.01
    return low - room, high + room


def _key(figure: "Figure", rungs: Sequence[Rung]) -> None:
    """What the signs of the ladder mean."""
    from matplotlib.lines import Line2D  # slow to import
    from matplotlib.patches import Patch

    signs: dict[str, Line2D | Patch] = {"mean, 95% interval": Line2D([], [], color=QUIET, marker="o", markersize=6)}
    if any(len(rung.test["values"]) > 1 for rung in rungs):
        seed = {"marker": "|", "markersize": 10, "markeredgewidth": 0.8}
        signs["each seed"] = Line2D([], [], color=INK, linestyle="", **seed)
    hollow = {"marker": "o", "markersize": 6, "markerfacecolor": "white"}
    signs["on training pictures"] = Line2D([], [], color=QUIET, linestyle=":", linewidth=0.8, **hollow)
    if any(rung.published for rung in rungs):
        signs["published"] = Patch(color=RULE)
    figure.legend(signs.values(), signs.keys(), loc="outside upper left", ncols=4, fontsize=SMALL, columnspacing=1.2)
