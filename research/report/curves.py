"""Learning curves: metrics over epochs, for one seed or several, of one model or of many."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from research.evaluation.metrics import metric_of
from research.report.formats import metric_label
from research.report.style import COLOURS, INK, QUIET, line, log_axis, new_figure, png

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

History = Mapping[str, Any]

_PARTS = {"train": "training", "validation": "validation"}


def learning_curves(histories: Sequence[History], best_epochs: Sequence[int] = ()) -> bytes:
    """PNG of each metric over epochs, for training and validation: a thin line per seed, a thick one for their mean.

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


def losses(histories: Mapping[str, Sequence[History]], examples: str = "windows", metric: str = "loss") -> bytes:
    """PNG of `metric` over epochs of all models in one figure: a panel for training and one for validation.

    `histories` holds a list for each model, one history per seed, as `learning_curves` takes them. Both panels share
    one scale, which is logarithmic where the values span more than a decade. A part that no model has is left out.
    `examples` is the plural name of what the losses are of.
    """
    parts = [part for part in ("train", "validation") if any(metric in h.get(part, {}) for h in _all(histories))]
    with new_figure(5.4, 0.7 + 2.4 * len(parts) + 0.1 * len(histories)) as figure:
        panels = figure.subplots(len(parts), 1, sharex=True, sharey=True, squeeze=False)[:, 0]
        for axes, part in zip(panels, parts, strict=True):
            for index, name in enumerate(histories):
                draw_curves(axes, histories[name], part, metric, *line(index), name)
            name_axes(axes, metric, f"{metric_label(metric)} on {_PARTS[part]} {examples}")
        _logarithmic(panels.tolist())
        panels[-1].set_xlabel("epoch")
        legend(figure)
        return png(figure)


def losses_by_kind(
    histories: Mapping[str, Sequence[History]], kinds: Mapping[str, str], examples: str = "windows"
) -> dict[str, bytes]:
    """A figure of `losses` for each kind of loss, by name: `losses` where all have one, else `losses of KIND`.

    `kinds` holds the kind of each model by name, in words; losses of several kinds are not comparable. Models without
    a history, which were not trained, are left out.
    """
    groups: dict[str, dict[str, Sequence[History]]] = {}
    for name, of_run in histories.items():
        if of_run:
            groups.setdefault(kinds[name], {})[name] = of_run
    alike = len(set(kinds.values())) == 1
    return {"losses" if alike else f"losses of {kind}": losses(group, examples) for kind, group in groups.items()}


def draw_curves(
    axes: "Axes", histories: Sequence[History], part: str, metric: str, colour: str, stroke: Any, label: str
) -> None:
    """Draw `metric` of `part` ("train" or "validation") of all seeds and their mean; nothing where no seed has it."""
    curves = [(_series(h, "epoch"), _series(h[part], metric)) for h in histories if metric in h.get(part, {})]
    if not curves:
        return
    # Markers show a single epoch, which has no line, and up to 40 epochs.
    marker = "." if max(len(values) for _, values in curves) <= 40 else ""
    if len(curves) > 1:
        for epochs, values in curves:
            axes.plot(epochs, values, color=colour, linestyle=stroke, linewidth=0.6, alpha=0.5)
        label = f"{label}, mean of {len(curves)} seeds"
    # The mean would jump where a seed stops, so that it ends with the shortest history.
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
    """Draw one legend above all panels, in `columns` columns, with each label once."""
    legends = [axes.get_legend_handles_labels() for axes in figure.axes]
    entries = {label: handle for handles, labels in legends for handle, label in zip(handles, labels, strict=True)}
    if entries:
        figure.legend(entries.values(), entries.keys(), loc="outside upper left", ncols=columns)


def _logarithmic(panels: "Sequence[Axes]") -> None:
    """Set a logarithmic y axis on all `panels` where their lines are positive and span more than a decade."""
    values = np.concatenate(
        [np.asarray(line.get_ydata(), np.float64) for axes in panels for line in axes.lines] or [[]]
    )
    finite = values[np.isfinite(values)]
    if not finite.size or finite.min() <= 0 or finite.max() <= 10 * finite.min():
        return
    for axes in panels:
        log_axis(axes, float(finite.min()), float(finite.max()))


def _all(histories: Mapping[str, Sequence[History]]) -> list[History]:
    return [history for of_model in histories.values() for history in of_model]


def _series(values: Mapping[str, Any], name: str) -> np.ndarray:
    numbers = np.asarray(values[name], np.float64)
    return np.where(np.isfinite(numbers), numbers, np.nan)


def _mark_best(axes: "Axes", history: History, metric: str, best: int) -> None:
    epochs, validation = _series(history, "epoch"), history.get("validation", {})
    if metric in validation and best in epochs:
        value = _series(validation, metric)[epochs == best][:1]
        axes.plot([best], value, "o", markersize=8, markerfacecolor="none", color=INK, label="best epoch")
