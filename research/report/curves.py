"""Learning curves: metrics over epochs, for one seed or several, of one model or of many."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from research.evaluation.metrics import metric_of
from research.report.formats import metric_label
from research.report.style import COLOURS, INK, QUIET, line, new_figure, png

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

History = Mapping[str, Any]

_PARTS = {"train": "training", "validation": "validation"}


def learning_curves(histories: Sequence[History], best_epochs: Sequence[int] = ()) -> bytes:
    """PNG of each metric over epochs, training beside validation: every seed a thin line, their mean a thick one.

    Each history (one per seed) is {"epoch": [E], "train": {metric: [E]}, "validation": {metric: [E]}}; values that are
    None or not finite leave gaps. `best_epochs`, one per history, are marked on the validation curves. The metrics
    drawn are those of the first history, in its order.
    """
    metrics = list(dict.fromkeys(name for part in ("train", "validation") for name in histories[0].get(part, {})))
    with new_figure(5.4, 0.6 + 2.1 * len(metrics)) as figure:
        panels = figure.subplots(len(metrics), 1, sharex=True, squeeze=False)[:, 0]
        for axes, metric in zip(panels, metrics, strict=True):
            draw_curves(axes, histories, "train", metric, QUIET, "--", "training")
            draw_curves(axes, histories, "validation", metric, COLOURS[0], "-", "validation")
            for history, best in zip(histories, best_epochs, strict=False):
                _mark_best(axes, history, metric, best)
            name_axes(axes, metric, metric_label(metric))
        panels[-1].set_xlabel("epoch")
        legend(figure)
        return png(figure)


def losses(histories: Mapping[str, Sequence[History]], metric: str = "loss") -> bytes:
    """PNG of `metric` over epochs of all models in one figure: a panel for training and one for validation.

    `histories` gives those of each model, one per seed, as `learning_curves` takes them. Both panels have one scale,
    logarithmic where the values span more than a decade. A part that no model has is left out.
    """
    parts = [part for part in ("train", "validation") if any(metric in h.get(part, {}) for h in _all(histories))]
    with new_figure(5.4, 0.7 + 2.4 * len(parts) + 0.1 * len(histories)) as figure:
        panels = figure.subplots(len(parts), 1, sharex=True, sharey=True, squeeze=False)[:, 0]
        for axes, part in zip(panels, parts, strict=True):
            for place, name in enumerate(histories):
                draw_curves(axes, histories[name], part, metric, *line(place), name)
            name_axes(axes, metric, f"{metric_label(metric)} on {_PARTS[part]} windows")
        _logarithmic(panels.tolist())
        panels[-1].set_xlabel("epoch")
        legend(figure)
        return png(figure)


def draw_curves(
    axes: "Axes", histories: Sequence[History], part: str, metric: str, colour: str, stroke: Any, label: str
) -> None:
    """Draw `metric` of `part` ("train" or "validation") of all seeds and their mean; nothing where it was not taken."""
    curves = [(_series(h, "epoch"), _series(h[part], metric)) for h in histories if metric in h.get(part, {})]
    if not curves:
        return
    # A single epoch has no line: markers show it, and where the epochs are while they are few.
    marker = "." if max(len(values) for _, values in curves) <= 40 else ""
    if len(curves) > 1:
        for epochs, values in curves:
            axes.plot(epochs, values, color=colour, linestyle=stroke, linewidth=0.6, alpha=0.5)
        label = f"{label}, mean of {len(curves)} seeds"
    # As soon as one seed stops, a mean over the others would jump: it ends with the shortest.
    shared = min(len(values) for _, values in curves)
    mean = np.mean([values[:shared] for _, values in curves], axis=0)
    axes.plot(curves[0][0][:shared], mean, color=colour, linestyle=stroke, marker=marker, label=label)


def name_axes(axes: "Axes", metric: str, title: str) -> None:
    """Title the panel of `metric` over epochs; shares in percent, epochs as whole numbers."""
    from matplotlib.ticker import MaxNLocator, PercentFormatter  # slow to import

    axes.set_title(title)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    if metric_of(metric).unit == "share":
        axes.yaxis.set_major_formatter(PercentFormatter(1.0))


def legend(figure: "Figure", columns: int = 2) -> None:
    """One legend above all panels, each label once, in so many columns."""
    found = [axes.get_legend_handles_labels() for axes in figure.axes]
    entries = {label: handle for handles, labels in found for handle, label in zip(handles, labels, strict=True)}
    if entries:
        figure.legend(entries.values(), entries.keys(), loc="outside upper left", ncols=columns)


def _logarithmic(panels: "Sequence[Axes]") -> None:
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


def _all(histories: Mapping[str, Sequence[History]]) -> list[History]:
    return [history for found in histories.values() for history in found]


def _series(values: Mapping[str, Any], name: str) -> np.ndarray:
    found = np.asarray(values[name], np.float64)
    return np.where(np.isfinite(found), found, np.nan)


def _mark_best(axes: "Axes", history: History, metric: str, best: int) -> None:
    epochs, validation = _series(history, "epoch"), history.get("validation", {})
    if metric in validation and best in epochs:
        value = _series(validation, metric)[epochs == best][:1]
        axes.plot([best], value, "o", markersize=8, markerfacecolor="none", color=INK, label="best epoch")
