"""Series by the calendar and by the clock: months, business days, changes of the clock; and many, some of no use."""

import dataclasses
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from research import experiment
from research.config import DenseForecaster, SeriesData, SeriesExperiment, Training
from research.errors import UserError
from research.experiment.series.backtest import baseline_forecasts, targets_of
from research.experiment.series.build import build
from research.experiment.series.describe import describe_data
from research.experiment.series.ranked_comparison import compare_runs, steps_between

CONFIG = SeriesExperiment(
    name="calendar",
    data=SeriesData(source="a.csv", context="12", horizon="12"),
    model=DenseForecaster(hidden=(4,)),
    train=Training(epochs=2, batch_size=32),
)


def config_of(**changes):
    return dataclasses.replace(CONFIG, data=dataclasses.replace(CONFIG.data, **changes))


def written(times, values, **columns):
    pd.DataFrame({"time": times, "value": values} | columns).to_csv("a.csv", index=False)


def assert_refused(config, *words):
    with pytest.raises(UserError) as caught:
        build(config)
    assert all(word in str(caught.value) for word in words) and "\n" not in str(caught.value), str(caught.value)


def last_error(config, name):
    """The error of baseline `name` on the windows of test of which the season before was measured."""
    plan = build(config)
    named, naive = baseline_forecasts(plan, "test")
    truth = targets_of(plan.windows["test"], plan.sizes).truth
    whole = naive.seasonal.all(axis=(1, 2))
    return np.abs(named[name] - truth)[whole].max(), int(whole.sum()), len(truth)


@pytest.mark.parametrize(
    ("zone", "begin"), [("Australia/Sydney", "2024-08-20"), ("Europe/Berlin", "2024-09-10"), ("UTC", "2024-08-20")]
)
def test_the_day_before_is_that_of_the_clock_across_its_change(zone, begin):
    times = pd.date_range(begin, periods=24 * 60, freq="h", tz="UTC").tz_convert(zone).tz_localize(None)
    written(times, times.hour**2)
    error, whole, windows = last_error(config_of(time_zone=zone, test=0.5, context="6h"), "seasonal naive (day)")
    assert error == 0 and whole >= windows - 24  # but those whose day before lacks the hour that was skipped


@pytest.mark.parametrize("zone", ["Australia/Sydney", "UTC"])
def test_resampled_hours_are_those_of_the_clock_across_its_change(zone):
    times = pd.date_range("2023-08-20", periods=24 * 60, freq="h", tz="UTC").tz_convert(zone).tz_localize(None)
    written(times, times.hour**2)
    config = config_of(time_zone=zone, resample="3h", test=0.5, context="6h", horizon="24h")
    plan = build(config)
    named, _ = baseline_forecasts(plan, "test")
    errors = np.abs(named["time-of-day mean"] - targets_of(plan.windows["test"], plan.sizes).truth)
    assert np.mean(errors > 1e-3) < 0.01  # the step that the change of the clock made shorter


def test_the_day_before_is_that_of_the_clock_where_nights_are_passed_over():
    times = pd.date_range("2024-01-01", periods=24 * 80, freq="h")
    times = times[(times.hour >= 9) & (times.hour < 17) & (times.day_of_week < 5)]
    written(times, np.arange(len(times)) // 8)  # the number of the working day
    error, whole, windows = last_error(config_of(missing="join", context="8", horizon="8"), "seasonal naive (day)")
    assert error == 1 and whole > windows / 2


@pytest.mark.parametrize("validation", [0.0, 0.3])
def test_the_day_before_the_first_of_test_is_there_without_validation_too(validation):
    written(pd.date_range("2024-01-01", periods=24 * 20, freq="h"), np.arange(480) % 24)
    error, whole, windows = last_error(config_of(validation=validation, test=0.2), "seasonal naive (day)")
    assert error == 0 and whole == windows


@pytest.mark.parametrize(("freq", "months", "season"), [("MS", 1, 12), ("QE", 3, 4), ("YS", 12, 1), ("BME", 1, 12)])
def test_months_quarters_and_years_are_steps(freq, months, season):
    count = 48 + 24 * season
    times = pd.date_range("1890-01-01" if freq == "YS" else "1990-01-01", periods=count, freq=freq)
    written(times, np.arange(count) % season + (np.arange(count) if season == 1 else 0))
    config = config_of(context=str(4), horizon=f"{season if freq != 'YS' else 2}", test=0.3)
    plan = build(config)
    assert plan.examples["test"] > 0 and plan.data.step == np.timedelta64(months, "M")
    error, whole, windows = last_error(config, "seasonal naive (year)")
    assert whole == windows and error == (2 if season == 1 else 0)


def test_months_may_be_written_without_a_day():
    written(pd.date_range("1990-01-01", periods=120, freq="MS").strftime("%Y-%m"), np.arange(120.0))
    plan = build(config_of(context="3", horizon="2"))
    assert plan.data.step == np.timedelta64(1, "M") and plan.data.parts["train"][0].times[0] == np.datetime64("1990-01")


def test_what_months_do_not_have_is_said():
    written(pd.date_range("1990-01-01", periods=120, freq="MS"), np.arange(120.0))
    for changes, words in (
        ({"context": "6h"}, ("--data.context 6h", "steps of 1 month", "2 years")),
        ({"horizon": "5h"}, ("--data.horizon 5h", "number of steps")),
        ({"reference": "day"}, ("steps of 1 month have no time of day", "--data.reference mean")),
        ({"reference": "weekday"}, ("no time of day", "--data.reference mean")),
        ({"calendar": ("time_of_day",)}, ("no time_of_day", "time_of_year")),
        ({"resample": "1d"}, ("steps of 1 month, which do not add up to 1 d",)),
    ):
        assert_refused(config_of(**({"context": "1 year", "horizon": "2"} | changes)), *words)


def test_months_as_days_first_are_known_for_what_they_are():
    times = pd.date_range("1990-01-01", periods=240, freq="MS")
    written(times.strftime("%d/%m/%Y"), np.arange(240.0))
    assert_refused(CONFIG, "a.csv: row 2", "day/month", "give --data.day-first")
    assert build(config_of(day_first=True)).data.step == np.timedelta64(1, "M")
    written(times.strftime("%m/%d/%Y"), np.arange(240.0))
    assert_refused(config_of(day_first=True), "a.csv: row 2", "month/day", "leave out --data.day-first")
    assert build(CONFIG).data.step == np.timedelta64(1, "M")


@pytest.mark.slow
def test_a_whole_run_of_month_ends_goes_on_at_month_ends():
    times = pd.date_range("1990-01-31", periods=180, freq="ME")
    written(times, 100 + 10 * np.sin(np.arange(180) / 6 * np.pi))
    config = config_of(context="12", horizon="13", calendar=("time_of_year",), test=0.3)
    record = experiment.run(config, "run")
    assert (record["data"]["step"], record["data"]["horizon"]) == ("1 month", "13 months")
    (answer,) = experiment.predict("run", ["a.csv"])
    expected = pd.date_range("2005-01-31", periods=13, freq="ME")
    assert answer["times"] == [time.isoformat() for time in expected]
    found = compare_runs({config.name: (config, Path("run"))}, {config.name: record}).rows
    assert found["seasonal naive (year)"]["mean"] == pytest.approx(0, abs=1e-5)


@pytest.mark.slow
def test_business_days_are_followed_by_business_days():
    times = pd.bdate_range("2024-01-01", periods=202)  # to a Tuesday
    written(times, np.arange(202.0) % 7)
    experiment.run(config_of(context="5", horizon="5", missing="join"), "run")
    (answer,) = experiment.predict("run", ["a.csv"])
    days = [pd.Timestamp(time).day_name() for time in answer["times"]]
    assert days == ["Wednesday", "Thursday", "Friday", "Monday", "Tuesday"]


@pytest.mark.slow
@pytest.mark.parametrize("missing", ["drop", "mask", "join"])
def test_forecasts_for_a_weekend_that_has_no_rows_are_said_to_be(missing):
    times = pd.bdate_range("2024-01-01", periods=200)  # to a Friday
    written(times, np.arange(200.0) % 7)
    config = config_of(context="2", horizon="3", missing=missing)
    lines = "\n".join(describe_data(build(config)))
    record = experiment.run(config, "run")
    (answer,) = experiment.predict("run", ["a.csv"])
    days = [pd.Timestamp(time).day_name() for time in answer["times"]]
    words = ("on Saturday and Sunday", "--data.missing join")
    if missing == "join":
        assert days == ["Monday", "Tuesday", "Wednesday"] and "closed" not in answer and "no rows" not in lines
        assert "no rows" not in str(record["data"]["findings"])
        return
    assert days == ["Saturday", "Sunday", "Monday"] and answer["closed"].startswith("2 of 3 times (first: 2024-10-05")
    assert all(word in text for word in words for text in (answer["closed"], lines, record["data"]["findings"][-1]))
    written(times[:-4], np.arange(196.0) % 7)  # to a Monday
    assert "closed" not in next(experiment.predict("run", ["a.csv"]))


@pytest.mark.parametrize("first", range(5))
def test_windows_that_begin_on_different_days_are_at_different_steps(first):
    days = pd.bdate_range("2024-01-01", periods=60).to_numpy("datetime64[s]")[first:]
    times = days[np.arange(len(days) - 4)[:, None] + np.arange(5)]
    np.testing.assert_array_equal(np.diff(steps_between(times[:, 0], times, joined=True)), 1)
    months = pd.date_range("1990-01-31", periods=60, freq="ME").to_numpy("datetime64[s]")[first:]
    times = months[np.arange(len(months) - 4)[:, None] + np.arange(5)]
    np.testing.assert_array_equal(np.diff(steps_between(times[:, 0], times, joined=False)), 1)


def many(count, odd=None, length=200):
    """A long file of `count` series, of which `odd` gives some of their own: name -> values."""
    rng = np.random.default_rng(0)
    series = {f"shop {number}": rng.normal(10, 1, length) for number in range(count)} | (odd or {})
    times = np.concatenate([pd.date_range("2024-01-01", periods=len(one), freq="h") for one in series.values()])
    names = np.repeat(list(series), [len(one) for one in series.values()])
    written(times, np.concatenate(list(series.values())), shop=names)
    return config_of(series=("shop",), columns=("value",), context="6h", horizon="3h")


def test_series_of_no_use_are_left_out_named_and_counted():
    flat, empty = np.full(200, 3.0), np.full(200, np.nan)
    config = many(30, {"short": np.arange(5.0), "flat": flat, "empty": empty})
    plan = build(config)
    assert [one.name for one in plan.data.parts["train"]] == [f"shop {number}" for number in range(30)]
    findings = plan.data.findings
    assert [found.series for found in findings.flat] == ["flat", "empty"]
    assert {found.series for found in findings.short} == {"short"}
    summary = findings.summary() or ""
    assert "2 series left out that are empty or flat in training (flat of a.csv, empty of a.csv)" in summary
    assert "1 series left out that are too short (short of train)" in summary
    json.dumps(findings.document())
    usual = build(many(30))
    for split in usual.windows:
        np.testing.assert_array_equal(plan.windows[split].values, usual.windows[split].values)
        np.testing.assert_array_equal(plan.windows[split].starts, usual.windows[split].starts)


def test_more_series_of_no_use_than_may_be_left_out_are_an_error():
    odd = {f"short {number}": np.arange(5.0) for number in range(10)}
    config = many(30, odd)
    assert_refused(config, "10 of 40 series cannot be used", "series short 0", "--data.left-out 0.2 allows 8")
    plan = build(dataclasses.replace(config, data=dataclasses.replace(config.data, left_out=0.3)))
    assert len(plan.data.parts["train"]) == 30


def test_empty_flat_and_short_series_are_counted_together():
    rng = np.random.default_rng(1)
    odd = {"brief": np.arange(5.0), "empty": np.full(200, np.nan), "late": rng.normal(size=40)}
    config = many(3, odd)  # "late" is too short for test alone

    def allowing(share):
        return dataclasses.replace(config, data=dataclasses.replace(config.data, left_out=share))

    for share in (0.0, 0.2, 0.4, 0.49):
        assert_refused(allowing(share), "3 of 6 series cannot be used", f"--data.left-out {share:g} allows")
    assert len(build(allowing(0.5)).data.parts["test"]) == 3


def test_a_part_in_which_all_series_are_too_short_is_refused(tmp_path):
    config = many(9)
    Path("folder").mkdir()
    whole = pd.read_csv("a.csv")
    whole.to_csv("folder/train.csv", index=False)
    late = whole[whole["shop"] == "shop 3"].iloc[:5]
    late.assign(time=late["time"].str.replace("2024", "2025")).to_csv("folder/test.csv", index=False)
    assert_refused(
        dataclasses.replace(config, data=dataclasses.replace(config.data, source="folder")),
        "folder, test: series shop 3, the test part is 5 steps long",
    )


def test_where_all_series_are_flat_it_is_said_of_the_first():
    config = many(0, {"A": np.full(200, 1.0), "B": np.full(200, np.nan)})
    data = dataclasses.replace(config.data, left_out=0.9)
    assert_refused(dataclasses.replace(config, data=data), "2 of 2 series", "series A, column 'value': all training")


def test_a_series_too_short_for_test_alone_still_trains():
    plan = build(
        many(9, {"brief": np.random.default_rng(1).normal(size=40)})
    )  # 26 of train, 6 of validation, 8 of test
    names = {split: [one.name for one in plan.data.parts[split]] for split in plan.windows}
    assert "brief" in names["train"] and "brief" not in names["test"] + names["validation"]
    assert [(found.file, found.series) for found in plan.data.findings.short] == [
        ("validation", "brief"), ("test", "brief"),
    ]  # fmt: skip


def test_the_only_series_is_refused_with_advice_that_does_not_remove_it():
    written(pd.date_range("2024-01-01", periods=200, freq="h"), np.ones(200), shop=["A"] * 200)
    with pytest.raises(UserError) as caught:
        build(config_of(series=("shop",), columns=("value",)))
    assert "series A, column 'value': all training values are 1; give more of it" in str(caught.value)
    assert "--data.columns" not in str(caught.value)


@pytest.mark.slow
def test_one_series_that_cannot_be_forecast_does_not_stop_the_others():
    config = many(5)
    experiment.run(config, "run")
    many(5, {"strange": np.arange(20.0), "shop 2": np.arange(4.0)})
    answers = {answer["series"]: answer for answer in experiment.predict("run", ["a.csv"])}
    assert list(answers) == [*(f"shop {number}" for number in range(5)), "strange"]
    assert "series shop 2 has 4 steps; a forecast needs the 6" in answers["shop 2"]["error"]
    assert "series 'strange' was not in training" in answers["strange"]["error"]
    assert all("columns" in answers[f"shop {number}"] for number in (0, 1, 3, 4))
