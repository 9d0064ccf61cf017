"""The forecasts of several runs in one figure: every run in every window, each in a look of its own."""

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

from research.report import forecast_comparison_figure
from research.report.forecast_comparison_figure import Window, forecast_comparison


def window(title, steps=24, runs=3):
    times = np.datetime64("2016-03-04T00", "h") + np.arange(steps)
    truth = np.sin(np.arange(steps) / 4) * 100
    truth[steps // 2] = np.nan if steps > 1 else truth[0]
    return Window(title, times, truth, {f"run{number}": np.nan_to_num(truth) + 5 * number for number in range(runs)})


def test_every_run_and_the_truth_are_in_every_window(monkeypatch):
    drawn = []
    keep = lambda figure: FigureCanvasAgg(figure).draw() or drawn.append(figure) or b""  # noqa: E731
    monkeypatch.setattr(forecast_comparison_figure, "png", keep)
    forecast_comparison([window("a typical window"), window("the hardest window")], "veh/h")
    panels = drawn[0].axes
    assert [axes.get_title(loc="left") for axes in panels] == ["a typical window", "the hardest window"]
    for axes in panels:
        assert [line.get_label() for line in axes.lines] == ["truth", "run0", "run1", "run2"]
        assert len({(line.get_color(), line.get_linestyle()) for line in axes.lines}) == 4
        assert axes.get_ylabel() == "veh/h"
    assert [text.get_text() for text in drawn[0].legends[0].get_texts()] == ["truth", "run0", "run1", "run2"]


@pytest.mark.parametrize("steps", [1, 2, 300])
def test_a_window_of_any_length(steps):
    assert forecast_comparison([window("short", steps)]).startswith(b"\x89PNG")
