"""Learning curves: metrics over epochs, for one seed or several."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from research.report.formats import is_share
from research.report.style import COLOURS, INK, QUIET, png, sheet

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

History = Mapping[str, Any]


def learning_curves(histories: Sequence[History], best_epochs: Sequence[int] = ()) -> bytes:
    """PNG of each metric over epochs, training beside validation: every seed a thin line, their mean a thick one.

    Each history (one per seed) is {"epoch": [E], "train": {metric: [E]}, "validation": {metric: [E]}}; values that are
    None or not finite leave gaps. `best_epochs`, one per history, are marked on the validation curves. The metrics
    drawn are those of the first history, in its order.
    """
    metrics = list(dict.fromkeys(name for part in ("train", "validation") for name in histories[0].get(part, {})))
    with sheet(5.4, 0.6 + 2.1 * len(metrics)) as figure:
        panels = figure.subplots(len(metrics), 1, sharex=True, squeeze=False)[:, 0]
        for axes, metric in zip(panels, metrics, strict=True):
            draw_curves(axes, histories, "train", metric, QUIET, "--", "training")
            draw_curves(axes, histories, "validation", metric, COLOURS[0], "-", "validation")
            for history, best in zip(histories, best_epochs, strict=False):
                _mark_best(axes, history, metric, best)
            name_axes(axes, metric, metric)
        panels[-1].set_xlabel("epoch")
        legend(figure)
        return png(figure)


def draw_curves(
    axes: "Axes", histories: Sequence[History], part: str, metric: str, colour: str, line: Any, label: str
) -> None:
    """Draw `metric` of `part` ("train" or "validation") of all seeds and their mean; nothing where it was not taken."""
    curves = [(_series(h, "epoch"), _series(h[part], metric)) for h in histories if metric in h.get(part, {})]
    if not curves:
        return
    # A single epoch has no line: markers show it, and where the epochs are while they are few.
    marker = "." if max(len(values) for _, values in curves) <= 40 else ""
    if len(curves) > 1:
        for epochs, values in curves:
            axes.plot(epochs, values, color=colour, linestyle=line, linewidth=0.6, alpha=0.5)
        label = f"{label}, mean of {len(curves)} seeds"
    # As soon as one seed stops, a mean over the others would jump: it ends with the shortest.
    shared = min(len(values) for _, values in curves)
    mean = np.mean([values[:shared] for _, values in curves], axis=0)
    axes.plot(curves[0][0][:shared], mean, color=colour, linestyle=line, marker=marker, label=label)


def name_axes(axes: "Axes", metric: str, title: str) -> None:
    """Title the panel of `metric` over epochs; shares in percent, epochs as whole numbers."""
    from matplotlib.ticker import MaxNLocator, PercentFormatter  # slow to import

    axes.set_title(title)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    if is_share(metric):
        axes.yaxis.set_major_formatter(PercentFormatter(1.0))


def legend(figure: "Figure") -> None:
    """One legend above all panels, each label once."""
    found = [axes.get_legend_handles_labels() for axes in figure.axes]
    entries = {label: handle for handles, labels in found for handle, label in zip(handles, labels, strict=True)}
    if entries:
        figure.legend(entries.values(), entries.keys(), loc="outside upper left", ncols=2)


def _series(values: Mapping[str, Any], name: str) -> np.ndarray:
    found = np.asarray(values[name], np.float64)
    return np.where(np.isfinite(found), found, np.nan)


def _mark_best(axes: "Axes", history: History, metric: str, best: int) -> None:
    epochs, validation = _series(history, "epoch"), history.get("validation", {})
    if metric in validation and best in epochs:
        value = _series(validation, metric)[epochs == best][:1]
        axes.plot([best], value, "o", markersize=8, markerfacecolor="none", color=INK, label="best epoch")
