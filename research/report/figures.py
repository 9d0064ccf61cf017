"""Figures of a classifier: calibration, confusion matrix, mistakes, and all that its report shows."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from research.report.curves import History, learning_curves, legend
from research.report.formats import percent
from research.report.style import COLOURS, INK, QUIET, new_figure, png, shortened

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ANNOTATED = 20  # classes up to which the confusion matrix has room for its counts
NUMBERED = 15  # bins up to which a bar has room for its number


def classification(
    histories: Sequence[History],
    best_epochs: Sequence[int],
    evaluation: Mapping[str, Any],
    pictures: np.ndarray | None = None,
) -> dict[str, bytes]:
    """All figures of a classifier's report by name, as PNG; `page.render` takes them as they are.

    `evaluation` is a classification as a dict; `pictures` [M, H, W, C] (uint8) are those of its mistakes, in their
    order. Figures without data (no history, no mistakes, no pictures) are left out.
    """
    mistakes, classes = evaluation["mistakes"], evaluation["classes"]
    figures = {
        "reliability": reliability(evaluation["reliability"]),
        "confusion_matrix": confusion_matrix(evaluation["confusion"], classes),
    }
    if any(len(history["epoch"]) for history in histories):
        figures["learning_curves"] = learning_curves(histories, best_epochs)
    if pictures is not None and len(pictures):
        truths, predictions = ([classes[index] for index in mistakes[key]] for key in ("truth", "predicted"))
        figures["mistakes"] = mistakes_gallery(pictures, truths, predictions, mistakes["probability"])
    return figures


def reliability(curve: Mapping[str, Any]) -> bytes:
    """PNG of accuracy over confidence in bins, with 95% intervals, and below it the examples of each bin.

    `curve` is {"edges": [bins + 1], "confidence", "accuracy", "low95", "high95", "count": [bins]}. A calibrated model
    lies on the diagonal.
    """
    from matplotlib.ticker import PercentFormatter  # slow to import

    with new_figure(4.6, 4.8) as figure:
        upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
        upper.plot([0, 1], [0, 1], color=QUIET, linewidth=0.8, linestyle="--", label="calibrated")
        _accuracies(upper, curve)
        upper.set(title="accuracy of predictions by their confidence", ylim=(-0.02, 1.02), xlim=(0, 1))
        _bin_counts(lower, np.asarray(curve["edges"]), np.asarray(curve["count"]))
        lower.set_xlabel("confidence (probability of the predicted class)")
        for axis in (upper.xaxis, lower.xaxis, upper.yaxis):
            axis.set_major_formatter(PercentFormatter(1.0))
        legend(figure)
        return png(figure)


def _accuracies(axes: "Axes", curve: Mapping[str, Any]) -> None:
    """Draw the accuracy of each bin with its interval."""
    accuracy = np.asarray(curve["accuracy"])
    # An interval may end within rounding inside of the accuracy itself, at 0 and 100%.
    lengths = np.maximum(0.0, [accuracy - curve["low95"], curve["high95"] - accuracy])
    look = {"fmt": "o", "color": COLOURS[0], "elinewidth": 1.2, "capsize": 2.5}
    axes.errorbar(curve["confidence"], accuracy, lengths, label="this model, 95% interval", **look)


def _bin_counts(axes: "Axes", edges: np.ndarray, count: np.ndarray) -> None:
    """Draw the examples of each bin on a logarithmic scale; their numbers are written where there is room."""
    bars = axes.bar(edges[:-1], count, np.diff(edges), align="edge", color="#b5c9d8", edgecolor=QUIET, linewidth=0.5)
    if len(count) <= NUMBERED:
        axes.bar_label(bars, [f"{number:,}" for number in count], fontsize=7.0)
    axes.set(yscale="log", title="examples in each bin", ylim=(0.5, 5.0 * count.max()))
    axes.yaxis.set_major_formatter("{x:,.0f}")
    axes.yaxis.set_minor_formatter("")


def confusion_matrix(confusion: np.ndarray, classes: Sequence[str]) -> bytes:
    """PNG of `confusion` [K, K] (rows truth, columns predictions), shaded by the logarithm of the counts.

    Up to 20 classes each cell shows its count; zeros stay blank.
    """
    K = len(classes)
    names = [shortened(name, 18) for name in classes]
    side = float(np.clip(1.6 + 0.36 * K, 3.6, 8.8))
    with new_figure(side, side) as figure:
        axes = figure.subplots()
        axes.imshow(np.log1p(confusion), cmap="Blues", vmin=0)
        if K <= ANNOTATED:
            _counts(axes, np.asarray(confusion))
        step = max(1, math.ceil(K / 50))
        axes.set_xticks(
            range(0, K, step), names[::step], rotation=90 if 0.1 * max(map(len, names)) > 0.8 * side / K else 0
        )
        axes.set_yticks(range(0, K, step), names[::step])
        axes.set(xlabel="predicted", ylabel="truth", title="what was taken for what")
        _bare(axes)
        return png(figure)


def mistakes_gallery(
    images: np.ndarray, truths: Sequence[str], predictions: Sequence[str], probabilities: Sequence[float]
) -> bytes:
    """PNG of pictures `images` [M, H, W, C] (uint8, the first 3 or 1 of C), six in a row, with truth and prediction."""
    rows = math.ceil(len(images) / 6)
    short = max(map(len, predictions)) <= 7  # then prediction and probability fit on one line above a picture
    gap, height = (", ", 1.42) if short else ("\n", 1.54)
    with new_figure(6.4, height * rows) as figure:
        for index, axes in enumerate(figure.subplots(rows, 6, squeeze=False).flat):
            axes.set_axis_off()
            if index < len(images):
                draw_picture(axes, images[index])
                prediction = f"said {shortened(predictions[index], 12)}{gap}{percent(probabilities[index], 0)}"
                axes.set_title(f"is {shortened(truths[index], 14)}\n{prediction}", fontsize=7, fontweight="normal")
        return png(figure)


def _counts(axes: "Axes", confusion: np.ndarray) -> None:
    dark = np.log1p(confusion) > 0.65 * np.log1p(confusion.max())
    for row, column in np.argwhere(confusion > 0):
        ink = "white" if dark[row, column] else INK
        axes.text(column, row, f"{confusion[row, column]}", ha="center", va="center", color=ink, fontsize=7.5)


def _bare(axes: "Axes") -> None:
    axes.grid(False)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


def draw_picture(axes: "Axes", image: np.ndarray) -> None:
    """Draw `image` (uint8 [H, W, C]) in gray or colour."""
    image = image[..., : 3 if image.shape[-1] >= 3 else 1]  # of several pictures in one array, the first
    gray = image.shape[-1] == 1
    axes.imshow(image[..., 0] if gray else image, cmap="gray" if gray else None, vmin=0, vmax=255)
