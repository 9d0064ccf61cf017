"""On the real traffic of a freeway: the numbers that were known before this was written."""

import os

import numpy as np
import pytest

from research.data.series.load import load_series
from research.data.series.reference import fit_reference
from research.data.series.windows import build_windows

FLOW = "Lane 1 Flow (Veh/5 Minutes)"


def load(source, **changes):
    return load_series(source, os.environ["RESEARCH_DATA"], **changes)


def errors(windows, context, horizon, forecast):
    """Absolute errors [N, P] of `forecast` [R], what each row is forecast to be."""
    rows = windows.starts[:, None] + context + np.arange(horizon)
    return np.abs(windows.values[rows, 0] - forecast[rows])


@pytest.fixture(scope="module")
def hourly():
    return load("traffic_pems", day_first=True, values=(FLOW,), resample="1h", aggregate="sum", validation=0)


def test_hourly_windows_that_span_no_missing_day(hourly):
    reference = fit_reference(hourly.parts["train"], hourly.step, "day")
    counts = [len(build_windows(hourly.parts[part], reference, 6, 24).starts) for part in ("train", "test")]
    assert counts == [349, 201]
    rows = sum(int(np.isfinite(hourly.parts[part][0].values).sum()) for part in ("train", "test"))
    assert rows - 30 + 1 == 979  # windows, were the gaps ignored
    days = hourly.findings.gaps[0].total + hourly.findings.gaps[1].total
    assert days % 288 == 0 and hourly.findings.rows == 12 * rows


@pytest.mark.parametrize(("kind", "known"), [("day", 52.0), ("weekday", 51.0)])
def test_means_over_days(hourly, kind, known):
    reference = fit_reference(hourly.parts["train"], hourly.step, kind)
    windows = build_windows(hourly.parts["test"], reference, 6, 24)
    assert round(float(errors(windows, 6, 24, windows.expected[:, 0]).mean()), 1) == known


def test_the_last_value_and_the_day_before(hourly):
    reference = fit_reference(hourly.parts["train"], hourly.step, "mean")
    windows = build_windows(hourly.parts["test"], reference, 6, 24)
    rows = windows.starts[:, None] + 6 + np.arange(24)
    last = np.abs(windows.values[rows, 0] - windows.values[rows[:, :1] - 1, 0]).mean()
    assert round(float(last), 1) == 512.6
    before = np.r_[np.full(24, np.nan), np.where(windows.known, windows.values, np.nan)[:-24, 0]]
    each = errors(windows, 6, 24, before)
    whole = ~np.isnan(each).any(axis=1)
    assert round(float(each[whole].mean()), 1) == 57.6 and whole.sum() == 147


def test_five_minutes_one_step_ahead():
    found = load("traffic_pems", day_first=True, values=(FLOW,), validation=0)
    reference = fit_reference(found.parts["train"], found.step, "day")
    windows = build_windows(found.parts["test"], reference, 12, 1)
    assert len(windows.starts) == 4248
    assert 7.5 < errors(windows, 12, 1, windows.expected[:, 0]).mean() < 8.0


def test_wide_and_long_files_of_the_405():
    wide = load("traffic_i405/metr_la_i405_week_speed.csv")
    assert len(wide.columns) == 15 and wide.step == np.timedelta64(5, "m") and wide.findings.summary() is None
    assert sum(len(wide.parts[part][0].times) for part in wide.parts) == 7 * 288
    long = load("traffic_i405/i405_s_orange_county_5min_2025-06.csv", series=("link_id", "station_id"))
    assert long.columns == ("speed_mph", "flow_veh_h") and len(long.parts["train"]) == 11
    assert {str(one.times[0]) for one in long.parts["train"]} == {"2025-06-16T07:00:00", "2025-06-02T00:00:00"}
    assert {"L405S-001/1222782", "L405S-012"} < {one.name for one in long.parts["train"]}
