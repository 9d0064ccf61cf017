"""Tables of a forecast fit 80 columns and show the model with its baselines."""

import numpy as np
import pytest

from research.report import forecast_tables
from research.report.tables import rows_of


@pytest.mark.parametrize("F", [1, 30])
def test_tables_fit_80_columns_with_all_their_words(forecast_evaluation_of, printed, titles_of, F):
    evaluation = forecast_evaluation_of(F=F)
    for name in ("forecast_metrics", "by_horizon", "by_column", "intervals"):
        table = getattr(forecast_tables, name)(evaluation, "veh/h")
        text, cells = printed(table), [*titles_of(table), *sum(rows_of(table), ())]
        assert max(map(len, text.splitlines())) <= 80
        assert all(cells), name
        for word in " ".join(cells).split():
            assert word in text, name


def test_the_model_stands_above_its_baselines_in_the_unit_of_the_series(forecast_evaluation_of, titles_of):
    table = forecast_tables.forecast_metrics(forecast_evaluation_of(), "veh/h", "lstm")
    first, *others = rows_of(table)
    assert titles_of(table) == ["Forecast", "MAE, veh/h", "RMSE, veh/h", "MAPE", "sMAPE", "MASE"]
    assert first == ("lstm", "49.00", "68.60", "8.17%", "7.90%", "0.754")
    assert [row[:2] for row in others] == [
        ("last value", "512.6"),
        ("seasonal naive (day)", "57.60"),
        ("historical average", "52.01"),
    ]
    assert str(table.title) == "201 windows of 15 test days: few"


def test_what_is_unknown_is_a_dash(forecast_evaluation_of):
    evaluation = forecast_evaluation_of()
    evaluation["overall"] |= {"mape": float("nan"), "mase": None}
    assert rows_of(forecast_tables.forecast_metrics(evaluation))[0][3:] == ("–", "7.90%", "–")


@pytest.mark.parametrize(
    ("P", "hours"),
    [
        (1, [1]),
        (9, list(range(1, 10))),
        (24, [1, 3, 6, 9, 12, 15, 18, 21, 24]),
        (288, [1, 36, 72, 108, 144, 180, 216, 252, 288]),
    ],
)
def test_chosen_horizons_are_the_first_the_last_and_even_between(forecast_evaluation_of, titles_of, P, hours):
    assert [step + 1 for step in forecast_tables.shown_steps(P)] == hours
    evaluation = forecast_evaluation_of(P=P)
    table = forecast_tables.by_horizon(evaluation, "veh/h")
    assert len(table.rows) == len(hours) and titles_of(table)[:2] == ["Ahead", "model"]
    last = [found["per_horizon"]["mae"][-1] for found in (evaluation, *evaluation["baselines"].values())]
    assert [float(cell) for cell in rows_of(table)[-1][1:]] == pytest.approx(last, rel=1e-3)


def test_of_many_columns_those_with_the_greatest_mase_are_shown_unknown_last(forecast_evaluation_of):
    evaluation = forecast_evaluation_of(F=30)
    evaluation["per_column"]["mase"][:5] = np.nan
    table, mase = forecast_tables.by_column(evaluation), evaluation["per_column"]["mase"]
    shown = [evaluation["columns"].index(row[0]) for row in rows_of(table)]
    assert len(shown) == 20 and np.all(np.diff(mase[shown]) <= 0)
    assert "20 of 30" in str(table.title) and "MASE" in str(table.title)
    assert mase[shown].min() >= np.nanmax(np.delete(mase, shown))
    evaluation["per_column"]["mase"][:] = np.nan
    assert "MAE" in str(forecast_tables.by_column(evaluation).title).split()
    few = forecast_evaluation_of(F=3)
    assert [row[0] for row in rows_of(forecast_tables.by_column(few))] == list(few["columns"])


def test_intervals_say_what_they_promise_and_what_they_hold(forecast_evaluation_of):
    table = forecast_tables.intervals(forecast_evaluation_of(), "veh/h")
    assert dict(rows_of(table)) == {
        "meant to hold": "90.0%",
        "promised by 9 days of validation, on average": "90.0%",
        "at least, for 19 of 20 such sets of days": "71.7%",
        "hold": "90.4%",
        "hold in the worst hour, 07:00–08:00": "81.2%",
        "mean interval width, veh/h": "201.4",
        "interval Winkler score, veh/h": "276.1",
    }
    assert str(table.title) == "split conformal by hour of day"
    evaluation = forecast_evaluation_of()
    evaluation["intervals"]["worst_hour"] = None  # of steps of days or months
    assert not any("worst hour" in row[0] for row in rows_of(forecast_tables.intervals(evaluation)))
    assert rows_of(forecast_tables.intervals(forecast_evaluation_of() | {"intervals": None})) == []


def test_where_there_are_no_intervals_it_is_said_why(forecast_evaluation_of):
    found = forecast_evaluation_of() | {"intervals": None, "no_intervals": "90% takes 9 held-out days"}
    assert rows_of(forecast_tables.intervals(found)) == [("none", "90% takes 9 held-out days")]
