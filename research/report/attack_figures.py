"""Figures of an attack by few pixels."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from research.report import formats
from research.report.figures import draw_picture
from research.report.style import COLOURS, INK, MARKERS, QUIET, line, new_figure, png, shortened

if TYPE_CHECKING:
    pass

COLUMNS = 6


class Flip(NamedTuple):
    """A picture before and after (uint8 [H, W, C]), the (row, column) of its changed pixels, and the classes."""

    before: np.ndarray
    after: np.ndarray
    places: tuple[tuple[int, ...], ...]
    label: str
    named: str
    probability: float


def success(results: Sequence[Mapping[str, Any]], queries: Mapping[int, Sequence[int | None]]) -> bytes:
    """PNG: the share of flipped pictures by the number of pixels beside random changes, and against the queries.

    `results` are those of attack.json; `queries` holds for each number of pixels the queries of each picture, None
    where nothing flipped it.
    """
    from matplotlib.ticker import PercentFormatter  # slow to import

    with new_figure(6.4, 2.9) as figure:
        left, right = figure.subplots(1, 2)
        at = np.arange(len(results))
        for index, result in enumerate(results):
            low, high = result["share"] - result["low95"], result["high95"] - result["share"]
            bar = {"yerr": [[max(low, 0)], [max(high, 0)]], "capsize": 3, "color": COLOURS[0], "marker": MARKERS[0]}
            left.errorbar(
                index, result["share"], linestyle="none", label="" if index else "search, 95% interval", **bar
            )
        chance = [result["flipped_by_random"] / result["pictures"] for result in results]
        left.plot(at, chance, MARKERS[1], color=COLOURS[1], label="random pixels, as many")
        left.set(
            xlabel="pixels that may change", title="pictures flipped", xlim=(-0.5, len(results) - 0.5), ylim=(0, None)
        )
        left.set_xticks(at, [str(result["pixels"]) for result in results])
        left.legend(loc="lower right", fontsize=8)
        for index, (pixels, each) in enumerate(queries.items()):
            known = np.sort([count for count in each if count is not None])
            shares = np.arange(1, len(known) + 1) / len(each)
            colour, stroke = line(index)
            label = formats.pixels(pixels)
            right.step(
                [*known, *known[-1:]],
                [*shares, *shares[-1:]],
                where="post",
                color=colour,
                linestyle=stroke,
                label=label,
            )
        right.set(xlabel="queries of a picture", title="flipped after so many queries", ylim=(0, None))
        right.legend(fontsize=8)
        for axes in (left, right):
            axes.yaxis.set_major_formatter(PercentFormatter(1.0))
        return png(figure)


def gallery(flips: Sequence[Flip]) -> bytes:
    """PNG of changed pictures, each changed pixel circled, with the class before and the one that the net now names."""
    rows = -(-len(flips) // COLUMNS)
    with new_figure(6.4, 1.55 * rows) as figure:
        grid = np.atleast_1d(figure.subplots(rows, COLUMNS)).ravel()
        for axes in grid:
            axes.axis("off")
        for axes, flip in zip(grid, flips, strict=False):
            draw_picture(axes, flip.after)
            for row, column in flip.places:
                radius = max(flip.after.shape[:2]) / 14
                for colour, width in (("white", 2.4), (COLOURS[1], 1.2)):
                    axes.plot(column, row, "o", ms=4 + radius, mfc="none", mec=colour, mew=width)
            names = f"{shortened(flip.label, 10)} → {shortened(flip.named, 10)}\n{flip.probability:.0%} sure"
            axes.set_title(names, fontsize=7.5, loc="center", fontweight="normal", color=INK)
        return png(figure)


def places(found: Sequence[Sequence[int]], shape: tuple[int, int]) -> bytes:
    """PNG: how many of the `found` pixels (row, column) lie at each place of pictures of `shape` [H, W]."""
    counts = np.zeros(shape, int)
    for row, column in found:
        counts[row, column] += 1
    return _map(counts, "changed pixels")


def vulnerability(flips: Sequence[np.ndarray]) -> bytes:
    """PNG: the mean number of the 256 values that flip a picture, at each place; `flips` are int [H, W] a picture."""
    return _map(np.mean(flips, axis=0), "values that flip, mean")


def matrix(turned: np.ndarray, classes: Sequence[str]) -> bytes:
    """PNG of how many pictures of each class (a row) were turned into each other one (a column): int [K, K]."""
    side = 1.6 + 0.3 * len(classes)
    with new_figure(min(side + 0.6, 6.4), min(side, 6.0)) as figure:
        axes = figure.subplots()
        axes.imshow(turned, cmap="Blues")
        names = [shortened(name, 12) for name in classes]
        axes.set_xticks(range(len(classes)), names, rotation=90)
        axes.set_yticks(range(len(classes)), names)
        axes.set(xlabel="named after the change", ylabel="true class")
        axes.grid(False)
        for row, column in np.argwhere(turned > 0):
            ink = "white" if turned[row, column] > 0.6 * turned.max() else INK
            axes.text(column, row, str(turned[row, column]), ha="center", va="center", color=ink, fontsize=7)
        return png(figure)


def _map(values: np.ndarray, title: str) -> bytes:
    with new_figure(3.4, 2.9) as figure:
        axes = figure.subplots()
        shown = axes.imshow(values, cmap="Blues", vmin=0)
        figure.colorbar(shown, ax=axes, shrink=0.8)
        axes.set(title=title, xlabel="column", ylabel="row")
        axes.title.set_fontsize(8.5)
        axes.grid(False)
        axes.tick_params(colors=QUIET)
        return png(figure)
