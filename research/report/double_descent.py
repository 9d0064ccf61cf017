"""The report of double descent: curves with their peaks as figures, a table of peaks, and the page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from rich.table import Table

from research.report import formats, pictures, sections
from research.report.curves import legend
from research.report.style import INK, QUIET, log_axis, new_figure, png
from research.report.tables import table
from research.report.templating import environment

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Unit = Literal["share", "number", "plain"]
NO_PEAK = "none"
FEW = 20  # positions up to which each is marked


@dataclass(frozen=True, eq=False)
class Curve:
    """A line of a panel: the mean of `values` [S, X], with a thin line for each of several seeds.

    stroke  the line style
    stop    mark the minimum of the mean, where early stopping would end
    """

    label: str
    values: np.ndarray
    colour: str
    stroke: Any = "-"
    stop: bool = False


@dataclass(frozen=True, eq=False)
class Panel:
    """One panel: curves over positions [X], on a logarithmic axis where they span more than a decade.

    unit   shares are in percent, numbers on a logarithmic axis, plain numbers on a linear one

    marks  {label: position} of vertical lines
    """

    title: str
    axis: str
    positions: np.ndarray
    curves: Sequence[Curve]
    unit: Unit
    marks: Mapping[str, float]


@dataclass(frozen=True, eq=False)
class Section:
    """A part of the page: what was done (`text`), its figure under `name`, how to read it, and a table of numbers."""

    title: str
    name: str
    text: str
    caption: str
    panels: Sequence[Panel]
    numbers: Table


def figure(panels: Sequence[Panel]) -> bytes:
    """PNG of `panels`, one below the other."""
    with new_figure(5.6, 0.5 + 2.5 * len(panels)) as drawn:
        axes = drawn.subplots(len(panels), 1, squeeze=False)[:, 0]
        for each, panel in zip(axes, panels, strict=True):
            _draw(each, panel)
        legend(drawn)
        return png(drawn)


def _draw(axes: "Axes", panel: Panel) -> None:
    from matplotlib.ticker import FuncFormatter, NullFormatter, PercentFormatter  # slow to import

    for curve in panel.curves:
        _draw_curve(axes, panel.positions, curve)
    for label, position in panel.marks.items():
        axes.axvline(position, color=QUIET, linewidth=0.8, linestyle=":", label=label)
    if panel.positions[-1] > 10 * panel.positions[0]:  # a logarithmic axis of less has too few ticks
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
        axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_title(panel.title)
    axes.set_xlabel(panel.axis)
    if panel.unit == "share":
        axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        axes.set_ylim(bottom=0)
    elif panel.unit == "number":
        values = np.concatenate([curve.values for curve in panel.curves])
        log_axis(axes, float(values.min()), float(values.max()))


def _draw_curve(axes: "Axes", positions: np.ndarray, curve: Curve) -> None:
    colour, marker = curve.colour, "." if len(positions) <= FEW else ""
    if len(curve.values) > 1:
        axes.plot(positions, curve.values.T, color=colour, linestyle=curve.stroke, linewidth=0.5, alpha=0.4)
    mean = curve.values.mean(axis=0)
    axes.plot(positions, mean, color=colour, linestyle=curve.stroke, marker=marker, label=curve.label)
    if curve.stop:
        best = int(mean.argmin())
        style = {"marker": "o", "markersize": 7, "markerfacecolor": "none", "linestyle": "none"}
        axes.plot(positions[best], mean[best], color=INK, label="early stopping", **style)


def peak_table(peaks: Sequence[Mapping[str, Any]]) -> Table:
    """The peaks of a record, one row for each curve: means over seeds, and where they are."""
    titles = ("Curve", "First minimum", "Peak", "Peak at, 95%", "Second minimum", "Least")
    return table(titles, [_peak_row(peak) for peak in peaks])


def _peak_row(peak: Mapping[str, Any]) -> tuple[str, ...]:
    unit, least = peak["unit"], f"{_value(peak['unit'], peak['least'])}\nat {_position(peak['least_at'])}"
    if peak["position"] is None:
        return peak["curve"], NO_PEAK, NO_PEAK, NO_PEAK, NO_PEAK, least
    first, height, second = (_value(unit, peak[name]["mean"]) for name in ("first", "height", "second"))
    std = f"\n± {_value(unit, peak['height']['std'])}"
    first_at, _, second_at = peak["positions"]
    ends = f"{_position(peak['position'])}\n{_position(peak['low95'])} to {_position(peak['high95'])}"
    at = (f"{first}\nat {_position(first_at)}", f"{height}{std}", ends, f"{second}\nat {_position(second_at)}")
    return peak["curve"], *at, least


def _value(unit: Unit, value: float) -> str:
    return formats.percent(value, 1) if unit == "share" else formats.measure(value)


def _position(value: float) -> str:
    return formats.count(value) if value >= 10 else f"{value:.3g}"


def render(
    record: Mapping[str, Any], command: str, config: Mapping[str, Any], parts: Sequence[Section], figures: Mapping
) -> str:
    """The page as text: `parts` with their `figures` {name: PNG}, and where the numbers come from."""
    empty = table((), ())
    return (
        environment()
        .get_template("double_descent.html")
        .render(
            record=record,
            command=command,
            headline=None,
            facts=_facts(record),
            metrics=empty,
            seeds=empty,
            layers=empty,
            drawings={},
            pictures={name: pictures.picture(content) for name, content in figures.items()},
            parts_of_page=parts,
            peaks=peak_table(record["peaks"]),
            settings=sections.settings(config),
            origin=sections.origin(record),
        )
    )


def _facts(record: Mapping[str, Any]) -> list[tuple[str, str]]:
    seeds = record["seeds"]
    return [
        ("seeds", f"{len(seeds)}, from {seeds[0]}"),
        ("computed in", formats.seconds(record["seconds"]["total"])),
        ("device", record["device"]),
    ]
