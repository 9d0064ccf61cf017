"""What a trained forecaster says of a user's file: its own test forecast again, with the right times, or a clear no."""

import dataclasses

import numpy as np
import pytest

from research import experiment
from research.config import DenseForecaster, Forecast, RecurrentForecaster, SeriesData, SeriesExperiment, Training
from research.errors import UserError

CONTEXT, HORIZON = 5, 8
CONFIG = SeriesExperiment(
    name="hours",
    data=SeriesData(
        context="5h", horizon="8h", calendar=("time_of_day", "day_of_week"), reference="weekday", validation=0.3
    ),
    model=RecurrentForecaster(hidden=(6,)),
    forecast=Forecast(coverage=0.75),  # three days of validation hold it
    train=Training(epochs=3, batch_size=32),
    seeds=2,
)


def columns_of(path):
    head, *rows = [line.split(",") for line in path.read_text().splitlines()]
    return dict(zip(head, zip(*rows, strict=True), strict=True))


def write(path, columns):
    path.write_text("\n".join(",".join(row) for row in ([*columns], *zip(*columns.values(), strict=True))))
    return path


def said(run, path, **settings):
    [answer] = list(experiment.predict(run, [path], **settings))
    return answer


def complaint(run, path):
    return said(run, path)["error"]


@pytest.fixture(scope="module")
def run(write_series, tmp_path_factory):
    folder = tmp_path_factory.mktemp("predicted")
    source = str(write_series(folder / "hours.csv"))
    experiment.run(dataclasses.replace(CONFIG, data=dataclasses.replace(CONFIG.data, source=source)), folder / "run")
    return folder / "run"


@pytest.fixture(scope="module")
def columns(run):
    return columns_of(run.parent / "hours.csv")


def upto(columns, end, first=0):
    return {name: cells[first:end] for name, cells in columns.items()}


@pytest.mark.parametrize("seed", [None, 0, 1])
def test_it_is_the_nets_own_test_forecast_at_that_origin(run, columns, tmp_path, seed):
    evaluation = experiment.evaluate(run)[1][seed or 0]["test"]
    for window in (0, 20, len(evaluation.targets.times) - 1):
        origin = columns["time"].index(str(evaluation.targets.times[window, 0])[:16])
        answer = said(run, write(tmp_path / "now.csv", upto(columns, origin, origin - CONTEXT)), seed=seed)
        for index, name in enumerate(("flow", "speed")):
            for kind, theirs in zip(("forecast", "low", "high"), evaluation.forecasts, strict=True):
                np.testing.assert_allclose(answer["columns"][name][kind], theirs[window, :, index], rtol=2e-5)


def test_times_go_on_where_the_file_ends(run, columns, tmp_path):
    answer = said(run, write(tmp_path / "now.csv", upto(columns, 100)))
    assert answer["origin"] == "2016-01-08T03:00:00" and answer["series"] == ""
    assert answer["times"] == [f"2016-01-08T{hour:02}:00:00" for hour in range(4, 12)]


def test_rows_before_the_context_change_nothing(run, columns, tmp_path):
    short = said(run, write(tmp_path / "now.csv", upto(columns, 100, 100 - CONTEXT)))
    assert said(run, write(tmp_path / "now.csv", upto(columns, 100))) == short


def test_columns_may_come_in_any_order_and_with_words_but_with_no_other_numbers(run, columns, tmp_path):
    usual = upto(columns, 100)
    more = usual | {"rain": usual["flow"]}
    assert "has columns that the training file did not have: 'rain'" in complaint(run, write(tmp_path / "r.csv", more))
    other = {
        "time": usual["time"],
        "note": ["dry"] * len(usual["time"]),
        "speed": usual["speed"],
        "flow": usual["flow"],
    }
    assert said(run, write(tmp_path / "now.csv", other)) == said(run, write(tmp_path / "now.csv", usual))


def test_empty_rows_at_the_end_are_not_yet_measured(run, columns, tmp_path):
    usual = upto(columns, 100)
    unknown = {name: (*usual[name], "", "") for name in ("flow", "speed")}
    longer = {"time": columns["time"][:102]} | unknown
    assert said(run, write(tmp_path / "now.csv", longer)) == said(run, write(tmp_path / "now.csv", usual))


@pytest.fixture(scope="module")
def western(columns, tmp_path_factory):
    """A run whose file has the offset -08:00."""
    folder = tmp_path_factory.mktemp("western")
    source = str(write(folder / "hours.csv", columns | {"time": [f"{time}-08:00" for time in columns["time"]]}))
    data = dataclasses.replace(CONFIG.data, source=source)
    experiment.run(dataclasses.replace(CONFIG, data=data, model=DenseForecaster(hidden=(4,)), seeds=1), folder / "run")
    return folder / "run"


@pytest.mark.parametrize("form", ["+00:00", "+05:30", "unix"])
def test_the_same_instants_of_another_offset_are_the_same_times(western, columns, tmp_path, capsys, form):
    usual = upto(columns, 100)
    usual["time"] = [f"{time}-08:00" for time in usual["time"]]
    expected = said(western, write(tmp_path / "now.csv", usual))
    assert expected["origin"] == "2016-01-08T03:00:00" and "converted" not in capsys.readouterr().err
    instants = np.array(columns["time"][:100], "datetime64[s]") + np.timedelta64(8, "h")
    hours = {"+00:00": 0, "+05:30": 330}.get(form)
    shown = instants.astype(np.int64) if hours is None else instants + np.timedelta64(hours, "m")
    other = usual | {"time": [f"{time}{'' if hours is None else form}" for time in shown]}
    assert said(western, write(tmp_path / "now.csv", other)) == expected
    assert "converted to the offset from UTC that training had" in capsys.readouterr().err


def test_times_without_an_offset_are_those_of_training_with_a_word(western, run, columns, tmp_path, capsys):
    path = write(tmp_path / "now.csv", upto(columns, 100))
    assert said(western, path)["origin"] == "2016-01-08T03:00:00"
    assert "without an offset from UTC, taken to have that of training" in capsys.readouterr().err
    said(run, path)
    assert capsys.readouterr().err == ""


def test_files_that_do_not_fit_say_why(run, columns, tmp_path):
    usual, path = upto(columns, 100), tmp_path / "now.csv"
    renamed = {"time": usual["time"], "flow": usual["flow"], "velocity": usual["speed"]}
    assert "now.csv lacks columns of the training file: 'speed'" in complaint(run, write(path, renamed))
    minutes = np.datetime64("2016-01-04T00:00") + np.arange(100) * np.timedelta64(5, "m")
    assert "now.csv has steps of 5 min, training had 1 h" in complaint(
        run, write(path, usual | {"time": minutes.astype(str)})
    )
    assert "now.csv: the series has 4 steps; a forecast needs the 5" in complaint(run, write(path, upto(columns, 4)))
    holed = usual | {"flow": (*usual["flow"][:97], "", *usual["flow"][98:])}
    assert "now.csv: the series is unknown at 2016-01-08 01:00" in complaint(run, write(path, holed))
    worded = usual | {"flow": (*usual["flow"][:97], "many", *usual["flow"][98:])}
    assert "row 99, column 'flow': 'many' is no number" in complaint(run, write(path, worded))
    assert "gone.csv is no file" in complaint(run, "gone.csv")
    (tmp_path / "now.png").write_bytes(b"")
    assert "now.png is none of .csv, .parquet, .npz" in complaint(run, "now.png")
    with pytest.raises(UserError, match="no checkpoint of seed 5; its seeds count up from 0"):
        said(run, path, seed=5)


@pytest.mark.slow
def test_a_time_in_several_columns_is_one_in_new_files_too(run, columns, tmp_path):
    days, clocks = zip(*(time.split("T") for time in columns["time"]), strict=True)
    parts = {"Date": days, "Time": clocks} | {name: columns[name] for name in ("flow", "speed")}
    source = str(write(tmp_path / "parts.csv", parts))
    data = dataclasses.replace(CONFIG.data, source=source, time=("Date", "Time"))
    experiment.run(dataclasses.replace(CONFIG, data=data), tmp_path / "run")
    answer = said(tmp_path / "run", write(tmp_path / "now.csv", upto(parts, 100)))
    usual = said(run, write(tmp_path / "now.csv", upto(columns, 100)))
    assert answer == usual and answer["origin"] == "2016-01-08T03:00:00"
    assert "no column 'Date'" in complaint(tmp_path / "run", write(tmp_path / "now.csv", upto(columns, 100)))


@pytest.mark.slow
def test_masked_and_joined_runs_forecast_across_a_gap(write_series, columns, tmp_path):
    usual = upto(columns, 100)
    holed = usual | {name: (*usual[name][:97], "", *usual[name][98:]) for name in ("flow", "speed")}
    joined = {name: (*usual[name][:97], *usual[name][98:]) for name in ("flow", "speed")}
    whole = {"time": columns["time"][1:100]} | joined
    for missing in ("mask", "join"):
        source = str(write_series(tmp_path / "hours.csv"))
        data = SeriesData(source=source, context="5h", horizon="8h", missing=missing)
        config = dataclasses.replace(CONFIG, data=data, model=DenseForecaster(hidden=(4,)), seeds=1)
        experiment.run(config, tmp_path / missing)
        answer = said(tmp_path / missing, write(tmp_path / "now.csv", holed))
        assert answer["origin"] == "2016-01-08T03:00:00"
        closed = said(tmp_path / missing, write(tmp_path / "now.csv", whole))
        assert (answer["columns"]["flow"]["forecast"] == closed["columns"]["flow"]["forecast"]) == (missing == "join")


@pytest.mark.slow
def test_a_file_of_several_series_has_an_answer_for_each(write_series, tmp_path):
    columns = columns_of(write_series(tmp_path / "one.csv"))
    columns.pop("speed")
    rows = len(columns["time"])
    both = {name: 2 * cells for name, cells in columns.items()} | {"site": rows * ("A",) + rows * ("B",)}
    source = str(write(tmp_path / "long.csv", both))
    data = SeriesData(source=source, series=("site",), context="5h", horizon="8h")
    config = dataclasses.replace(CONFIG, data=data, model=DenseForecaster(hidden=(4,)), seeds=1)
    experiment.run(config, tmp_path / "run")
    answers = list(experiment.predict(tmp_path / "run", [source]))
    assert [answer["series"] for answer in answers] == ["A", "B"]
    assert answers[0]["columns"] == answers[1]["columns"]
    strange = write(tmp_path / "strange.csv", columns | {"site": rows * ("C",)})
    assert "strange.csv: series 'C' was not in training, which had 'A', 'B'" in complaint(tmp_path / "run", strange)
