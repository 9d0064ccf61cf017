"""Figures of an attack by few pixels."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from research.report import formats
from research.report.figures import draw_picture
from research.report.style import COLOURS, INK, MARKERS, QUIET, line, new_figure, png, shortened

COLUMNS = 6


class Flip(NamedTuple):
    """A flipped picture: uint8 [H, W, C] as it was and `changed`, (row, column) of the pixels, class probabilities [K].

    `before` and `after` are the probabilities.
    """

    picture: np.ndarray
    changed: np.ndarray
    places: tuple[tuple[int, ...], ...]
    before: np.ndarray
    after: np.ndarray

    @property
    def label(self) -> int:
        """The class that the net named, which was the true one."""
        return int(self.before.argmax())

    @property
    def named(self) -> int:
        """The class that the net names now."""
        return int(self.after.argmax())


def point(flip: Flip, classes: Sequence[str]) -> bytes:
    """PNG: a picture, the same with its pixel changed, and what the net made of both."""
    with new_figure(6.4, 2.5) as figure:
        left, middle, right = figure.subplots(1, 3, width_ratios=(1, 1, 1.25))
        for axes, picture, probabilities in (
            (left, flip.picture, flip.before),
            (middle, flip.changed, flip.after),
        ):
            axes.axis("off")
            draw_picture(axes, picture)
            best = int(probabilities.argmax())
            axes.set_title(f"{shortened(classes[best], 14)}, {probabilities[best]:.0%} sure", fontsize=9, color=INK)
        _circle(middle, flip.places, flip.changed.shape[:2])
        most = np.argsort(-np.maximum(flip.before, flip.after))[:4][::-1]
        at = np.arange(len(most))
        right.barh(at + 0.2, flip.before[most], 0.38, color=COLOURS[0], label="before")
        right.barh(at - 0.2, flip.after[most], 0.38, color=COLOURS[1], label="after")
        right.set_yticks(at, [shortened(classes[int(index)], 12) for index in most])
        right.set(title="probability", xlim=(0, 1))
        right.xaxis.set_major_formatter(_percent())
        right.legend(fontsize=8, loc="lower right")
        return png(figure)


def fewest(shares: Mapping[int, float]) -> bytes:
    """PNG: the share of pictures by the fewest pixels that flip them; `shares` are flipped ones by number of pixels."""
    needed = np.diff([0.0, *shares.values(), 1.0])
    with new_figure(4.2, 2.4) as figure:
        axes = figure.subplots()
        bars = axes.bar(range(len(needed)), needed, 0.6, color=[*[COLOURS[0]] * len(shares), QUIET])
        axes.bar_label(bars, [f"{share:.0%}" for share in needed], fontsize=8)
        axes.set_xticks(range(len(needed)), [*map(str, shares), f"over {max(shares)}, if any"])
        axes.set(xlabel="fewest pixels that flip a picture", title="pictures", ylim=(0, 1.15 * needed.max()))
        axes.yaxis.set_major_formatter(_percent())
        return png(figure)


def filter_changes(shown: Mapping[int, np.ndarray], rows: Sequence[Mapping[str, Any]]) -> bytes:
    """PNG of pictures with the pixel circled that changes a filter most; `shown` are uint8 [H, W, C] by number."""
    changed = [shown[row["picture"]].copy() for row in rows]
    for picture, row in zip(changed, rows, strict=True):
        picture[row["row"], row["column"]] = row["values"]
    titles = [f"{row['before']:.3g} → {row['after']:.3g}" for row in rows]
    return _sheet(changed, [((row["row"], row["column"]),) for row in rows], titles)


def success(results: Sequence[Mapping[str, Any]], queries: Mapping[int, Sequence[int | None]]) -> bytes:
    """PNG: the share of flipped pictures by the number of pixels beside random changes, and against the queries.

    `results` are those of attack.json; `queries` holds for each number of pixels the queries of each picture, None
    where nothing flipped it.
    """
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
            axes.yaxis.set_major_formatter(_percent())
        return png(figure)


def gallery(flips: Sequence[Flip], classes: Sequence[str]) -> bytes:
    """PNG of changed pictures, each changed pixel circled, with the class before and the one that the net now names."""
    titles = [
        f"{shortened(classes[flip.label], 10)} → {shortened(classes[flip.named], 10)}\n{flip.after.max():.0%} sure"
        for flip in flips
    ]
    return _sheet([flip.changed for flip in flips], [flip.places for flip in flips], titles)


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


def _sheet(shown: Sequence[np.ndarray], spots: Sequence[Sequence[Sequence[int]]], titles: Sequence[str]) -> bytes:
    rows = -(-len(shown) // COLUMNS)
    with new_figure(6.4, 1.55 * rows) as figure:
        grid = np.atleast_1d(figure.subplots(rows, COLUMNS)).ravel()
        for axes in grid:
            axes.axis("off")
        for axes, picture, own, title in zip(grid, shown, spots, titles, strict=False):
            draw_picture(axes, picture)
            _circle(axes, own, picture.shape[:2])
            axes.set_title(title, fontsize=7.5, loc="center", fontweight="normal", color=INK)
        return png(figure)


def _circle(axes: Any, spots: Sequence[Sequence[int]], shape: Sequence[int]) -> None:
    for row, column in spots:
        for colour, width in (("white", 2.4), (COLOURS[1], 1.2)):
            axes.plot(column, row, "o", ms=4 + max(shape) / 14, mfc="none", mec=colour, mew=width)


def _percent() -> Any:
    from matplotlib.ticker import PercentFormatter  # slow to import

    return PercentFormatter(1.0)


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
