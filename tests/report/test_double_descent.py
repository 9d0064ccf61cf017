"""The report of double descent: figures of several panels, the table of peaks, and the page."""

import numpy as np
import pytest

from research.report import pictures
from research.report.double_descent import Curve, Panel, Section, figure, peak_table, render
from research.report.tables import rows_of, table

AT = np.array([1, 10, 100])
SEEDS = np.array([[0.3, 0.5, 0.2], [0.4, 0.6, 0.1]])
INTERVAL = {"mean": 0.5, "std": 0.1}
PEAK = {
    "curve": "<b>net</b>",
    "unit": "share",
    "position": 12.3,
    "low95": 8.0,
    "high95": 19.0,
    "positions": [1.0, 12.0, 100.0],
    "height": INTERVAL,
    "first": {"mean": 0.25},
    "second": {"mean": 0.125},
    "least": 0.1,
    "least_at": 100.0,
}
RECORD = {
    "experiment": "a & b",
    "seeds": [3, 4],
    "peaks": [PEAK],
    "seconds": {"total": 61.0},
    "data": {"fingerprint": "f"},
    "device": "CPU",
    "commit": "c",
    "versions": {"jax": "1"},
}


def panel(unit, values=SEEDS, **of_curve):
    return Panel("title", "epochs", AT, [Curve("label", values, "#0072B2", **of_curve)], unit, {"n = 10": 10.0})


@pytest.mark.parametrize("unit", ["share", "number", "plain"])
def test_a_figure_has_a_row_for_each_panel(unit):
    one, two = (pictures.picture(figure([panel(unit, stop=True)] * count)) for count in (1, 2))
    assert one["width"] == two["width"] < 560 and two["height"] > 1.7 * one["height"]


def test_the_same_panels_give_the_same_bytes_and_other_numbers_others():
    assert figure([panel("share")]) == figure([panel("share")]) != figure([panel("share", SEEDS + 0.1)])


def test_the_table_of_peaks():
    none = {"curve": "other", "unit": "number", "position": None, "least": 1234.5, "least_at": 4.0}
    peak, without = rows_of(peak_table([PEAK, none]))
    assert peak[1:] == ("25.0%\nat 1", "50.0%\n± 10.0%", "12\n8 to 19", "12.5%\nat 100", "10.0%\nat 100")
    assert without == ("other", "none", "none", "none", "none", "1,234\nat 4")


def test_the_page_is_escaped_and_complete():
    section = Section("A <title>", "name", "text & more", "caption", [panel("share")], table(("a",), [("1",)]))
    page = render(RECORD, "python x", {"seed": 3}, [section], {"name": figure(section.panels)})
    assert "&lt;b&gt;net&lt;/b&gt;" in page and "A &lt;title&gt;" in page and "text &amp; more" in page
    assert page.count("data:image/png") == 1 and "2, from 3" in page and "1 min 01 s" in page
