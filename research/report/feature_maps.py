"""The convolution demonstration: a picture, a kernel with its numbers, and the feature maps of the picture."""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from research.report.formats import shape
from research.report.style import QUIET, new_figure, png

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def feature_maps(picture: np.ndarray, kernel: np.ndarray, maps: Mapping[str, np.ndarray]) -> bytes:
    """PNG of `picture` [H, W] or [H, W, 3], `kernel` [h, w] and at least one feature map [H', W'], each under its name.

    Every title gives the size, and a pixel is equally large in all panels, so that strides and pooling show. All maps
    share one gray scale, symmetric about zero: equal grays are equal responses.
    """
    rows = math.ceil((2 + len(maps)) / 3)
    side = max(max(values.shape[:2]) for values in (picture, *maps.values()))
    reach = max(float(np.max(np.abs(values))) for values in maps.values()) or 1.0
    with new_figure(6.4, 2.2 * rows) as figure:
        panels = list(figure.subplots(rows, 3, squeeze=False).flat)
        for axes in panels:
            axes.set_axis_off()
        _panel(panels[0], "picture", picture, side, float(picture.min()), float(picture.max()))
        _kernel(panels[1], kernel)
        shown = [
            _panel(axes, name, maps[name], side, -reach, reach) for axes, name in zip(panels[2:], maps, strict=False)
        ]
        figure.colorbar(shown[0], ax=panels, shrink=0.5, aspect=30, label="response of the kernel")
        return png(figure)


def _panel(axes: "Axes", name: str, values: np.ndarray, side: int, low: float, high: float) -> Any:
    height, width = values.shape[:2]
    left, top = (side - width) / 2, (side - height) / 2
    axes.set_title(f"{name}\n{shape(values.shape[:2])}")
    image = axes.imshow(values, cmap="gray", vmin=low, vmax=high, extent=(left, left + width, top + height, top))
    axes.plot(
        [left, left + width, left + width, left, left], [top, top, top + height, top + height, top], color=QUIET, lw=0.6
    )
    axes.set(xlim=(-0.5, side + 0.5), ylim=(side + 0.5, -0.5))
    return image


def _kernel(axes: "Axes", kernel: np.ndarray) -> None:
    axes.set_title(f"kernel\n{shape(kernel.shape)}")
    reach = float(np.max(np.abs(kernel))) or 1.0
    digits = 3 if max(kernel.shape) < 5 else 2  # characters that fit a cell
    axes.imshow(kernel, cmap="gray", vmin=-reach, vmax=reach)
    for (row, column), value in np.ndenumerate(kernel):
        ink = "black" if value > -0.1 * reach else "white"
        axes.text(
            column,
            row,
            f"{value:.{digits}g}".replace("-", "\N{MINUS SIGN}"),
            ha="center",
            va="center",
            color=ink,
            fontsize=min(10, 36 / max(kernel.shape)),
        )
