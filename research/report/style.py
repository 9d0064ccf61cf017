"""The style of all figures: suited to colour-blind readers and to printing in gray."""

import contextlib
import io
import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

# Okabe and Ito 2008, "Color Universal Design", ordered so that neighbours also differ in lightness. Each colour has a
# line style and a marker, which distinguish the lines in gray.
COLOURS = ("#0072B2", "#E69F00", "#000000", "#009E73", "#CC79A7", "#56B4E9")
LINES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)), (0, (1, 3)))
MARKERS = ("o", "s", "^", "D", "v", "P")
DPI = 160  # sharp on paper and on dense screens; a page shows the figure at its size in inches
INK, QUIET, RULE = "#1a1a1a", "#666666", "#d9d9d9"

_STYLE = {
    "font.family": "DejaVu Sans",  # comes with matplotlib: the same letters, so the same bytes, everywhere
    "font.size": 9.0,
    "text.parse_math": False,  # a dollar sign in a class name is a dollar sign
    "axes.titlesize": 9.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelcolor": INK,
    "axes.edgecolor": QUIET,
    "axes.linewidth": 0.6,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": RULE,
    "grid.linewidth": 0.5,
    "xtick.color": QUIET,
    "ytick.color": QUIET,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "lines.linewidth": 1.5,
    "lines.markersize": 4.0,
    "legend.frameon": False,
    "image.interpolation": "nearest",
    "figure.dpi": DPI,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
}


@contextlib.contextmanager
def new_figure(width: float, height: float) -> Iterator["Figure"]:
    """An empty figure of `width` x `height` inches in our style; the style holds inside the `with` only.

    Draw on it and take `png(figure)` before leaving. Neither pyplot nor the user's matplotlibrc is involved.
    """
    import matplotlib.style  # matplotlib is slow to import; only needed where a figure is drawn
    from matplotlib.figure import Figure

    with matplotlib.style.context(["default", _STYLE]):
        yield Figure(figsize=(width, height), layout="constrained")


def png(figure: "Figure") -> bytes:
    """The figure as PNG; the same figure gives the same bytes (nothing is stamped with a date or a version)."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    content = io.BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"Glyph \d+ ")  # a letter that the font lacks is drawn as a box
        FigureCanvasAgg(figure).print_png(content, metadata={"Software": None})  # savefig draws everything twice
    return content.getvalue()


def shortened(text: str, length: int) -> str:
    """`text` on one line, shortened to `length` characters with an ellipsis."""
    text = " ".join(text.split())
    return text if len(text) <= length else text[: length - 1] + "…"


def line(number: int) -> tuple[str, Any]:
    """Colour and line style of the curve `number` (from 0); the first 36 differ."""
    return COLOURS[number % len(COLOURS)], LINES[(number + number // len(COLOURS)) % len(LINES)]


def time_axis(axes: "Axes") -> None:
    """Label the x axis with times: hours, and the date where a day begins."""
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter  # slow to import

    locator = AutoDateLocator(minticks=3, maxticks=8)
    formatter = ConciseDateFormatter(locator, show_offset=False)
    formatter.zero_formats[3] = "%d %b"
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(formatter)


def amount_axis(axis: "Axis", limits: tuple[float, float], ticks: int, logarithmic: bool = False) -> None:
    """About `ticks` ticks with thousands separators on an axis with these `limits`, on a logarithmic scale if asked."""
    from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter  # slow to import

    if logarithmic:
        (axis.axes.set_xscale if axis is axis.axes.xaxis else axis.axes.set_yscale)("log")
        span = limits[1] / limits[0]
        steps = (1.0, 2.0, 5.0) if span < 20 else (1.0, 3.0) if span < 300 else (1.0,)
        axis.set_major_locator(LogLocator(subs=steps))
        axis.set_minor_formatter(NullFormatter())
    else:
        axis.set_major_locator(MaxNLocator(ticks))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}".replace("-", "−")))


def log_axis(axes: "Axes", low: float, high: float) -> None:
    """Make the y axis, of values from `low` to `high`, logarithmic, with plain numbers as its labels."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter  # slow to import

    narrow = high < 100 * low  # powers of ten alone would give too few ticks
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0) if narrow else (1.0,)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())
