"""Tables of a forecast fit 80 columns and show the model with its baselines."""

import numpy as np
import pytest
from rich.console import Console

from research.report import forecast_grids, tables


def printed(grid, width: int = 80) -> str:
    console = Console(width=width, color_system=None, force_terminal=False)
    with console.capture() as capture:
        console.print(tables.filled(grid))
    return capture.get()


@pytest.mark.parametrize("F", [1, 30])
def test_tables_fit_80_columns_with_all_their_words(forecast_evaluation_of, F):
    evaluation = forecast_evaluation_of(F=F)
    for table in ("forecast_metrics", "by_horizon", "by_column", "intervals"):
        grid = getattr(forecast_grids, table)(evaluation, "veh/h")
        text = printed(grid)
        assert max(map(len, text.splitlines())) <= 80
        assert {len(row) for row in grid.rows} == {len(grid.titles)}
        for word in " ".join([*grid.titles, *(" ".join(row) for row in grid.rows)]).split():
            assert word in text, table


def test_the_model_stands_above_its_baselines_in_the_unit_of_the_series(forecast_evaluation_of):
    grid = forecast_grids.forecast_metrics(forecast_evaluation_of(), "veh/h", "lstm")
    assert grid.titles == ("Forecast", "MAE, veh/h", "RMSE, veh/h", "MAPE", "sMAPE", "MASE")
    assert grid.rows[0] == ("lstm", "49.00", "68.60", "8.17%", "7.90%", "0.754")
    assert [row[:2] for row in grid.rows[1:]] == [
        ("last value", "512.6"),
        ("seasonal naive (day)", "57.60"),
        ("historical average", "52.01"),
    ]
    assert grid.note == "201 windows of 15 test days: few"


def test_what_is_unknown_is_a_dash(forecast_evaluation_of):
    evaluation = forecast_evaluation_of()
    evaluation["overall"] |= {"mape": float("nan"), "mase": None}
    assert forecast_grids.forecast_metrics(evaluation).rows[0][3:] == ("–", "7.90%", "–")


@pytest.mark.parametrize(
    ("P", "hours"),
    [
        (1, [1]),
        (9, list(range(1, 10))),
        (24, [1, 3, 6, 9, 12, 15, 18, 21, 24]),
        (288, [1, 36, 72, 108, 144, 180, 216, 252, 288]),
    ],
)
def test_chosen_horizons_are_the_first_the_last_and_even_between(forecast_evaluation_of, P, hours):
    assert [step + 1 for step in forecast_grids.shown_steps(P)] == hours
    evaluation = forecast_evaluation_of(P=P)
    grid = forecast_grids.by_horizon(evaluation, "veh/h")
    assert len(grid.rows) == len(hours) and grid.titles[:2] == ("Ahead", "model")
    last = [found["per_horizon"]["mae"][-1] for found in (evaluation, *evaluation["baselines"].values())]
    assert [float(cell) for cell in grid.rows[-1][1:]] == pytest.approx(last, rel=1e-3)


def test_of_many_columns_those_with_the_greatest_mase_are_shown_unknown_last(forecast_evaluation_of):
    evaluation = forecast_evaluation_of(F=30)
    evaluation["per_column"]["mase"][:5] = np.nan
    grid, mase = forecast_grids.by_column(evaluation), evaluation["per_column"]["mase"]
    shown = [evaluation["columns"].index(row[0]) for row in grid.rows]
    assert len(shown) == 20 and np.all(np.diff(mase[shown]) <= 0) and "20 of 30" in grid.note and "MASE" in grid.note
    assert mase[shown].min() >= np.nanmax(np.delete(mase, shown))
    evaluation["per_column"]["mase"][:] = np.nan
    assert "MAE" in forecast_grids.by_column(evaluation).note.split()
    few = forecast_evaluation_of(F=3)
    assert [row[0] for row in forecast_grids.by_column(few).rows] == list(few["columns"])


def test_intervals_say_what_they_promise_and_what_they_hold(forecast_evaluation_of):
    grid = forecast_grids.intervals(forecast_evaluation_of(), "veh/h")
    assert dict(grid.rows) == {
        "meant to hold": "90.0%",
        "promised by 9 days of calibration, on average": "90.0%",
        "by these alone, at least (19 of 20)": "71.7%",
        "hold": "90.4%",
        "hold in the worst hour, 07:00–08:00": "81.2%",
        "mean interval width, veh/h": "201.4",
        "interval Winkler score, veh/h": "276.1",
    }
    assert grid.note == "split conformal by hour of day"
    evaluation = forecast_evaluation_of()
    evaluation["intervals"]["worst_hour"] = None  # of steps of days or months
    assert not any("worst hour" in row[0] for row in forecast_grids.intervals(evaluation).rows)
    assert forecast_grids.intervals(forecast_evaluation_of() | {"intervals": None}).rows == []


def test_where_there_are_no_intervals_it_is_said_why(forecast_evaluation_of):
    found = forecast_evaluation_of() | {"intervals": None, "no_intervals": "90% takes 9 held-out days"}
    assert forecast_grids.intervals(found).rows == [("none", "90% takes 9 held-out days")]
