"""Rows that share their times are not averaged where they are several series, or half of a time."""

import numpy as np
import pandas as pd
import pytest

from research.data.series.load import load_series

DAYS = pd.date_range("2016-01-04", periods=100)
QUARTERS = pd.date_range("2016-01-04", periods=96 * 20, freq="15min")
HOURS = pd.date_range("2014-01-01", periods=24 * 400, freq="h")


@pytest.fixture
def load(tmp_path):
    def loading(frame, name="a.csv", **changes):
        frame.to_parquet(name) if name.endswith("parquet") else frame.to_csv(name, index=False)
        return load_series(name, None, **changes)

    return loading


def noise(count, seed=0):
    return np.random.default_rng(seed).normal(size=count)


def stores(*names, column="store"):
    each = [
        pd.DataFrame({"date": DAYS, column: name, "sales": 20 * 20.0**at + noise(100)}) for at, name in enumerate(names)
    ]
    return pd.concat(each)


SPLIT = {
    "a date and a time": ({"Date": QUARTERS.strftime("%m/%d/%Y"), "Time": QUARTERS.strftime("%H:%M")}, "Date Time"),
    "halves of a day": ({"Date": QUARTERS.strftime("%Y-%m-%d"), "at": QUARTERS.strftime("%I:%M %p")}, "Date at"),
    "a name with a space": ({"the day": QUARTERS.strftime("%Y-%m-%d"), "t": QUARTERS.strftime("%H:%M")}, "'the day' t"),
    "hours": ({"Date": HOURS.strftime("%Y-%m-%d"), "Hour": HOURS.hour}, "Date Hour"),
    "hours from 1": ({"Date": HOURS.strftime("%Y-%m-%d"), "HE": HOURS.hour + 1}, "Date HE"),
    "numbers": ({"Date": QUARTERS.strftime("%Y%m%d"), "hhmm": QUARTERS.hour * 100 + QUARTERS.minute}, "Date hhmm"),
    "hours and minutes": (
        {"Date": QUARTERS.strftime("%Y-%m-%d"), "Hour": QUARTERS.hour, "Minute": QUARTERS.minute}, "Date Hour Minute"
    ),
    "hours and minutes from 7 on": (
        {"Date": QUARTERS.strftime("%Y-%m-%d"), "h": QUARTERS.hour, "m": QUARTERS.minute + 7}, "Date h m"
    ),
    "a calendar to minutes": (
        {"y": QUARTERS.year, "m": QUARTERS.month, "d": QUARTERS.day, "h": QUARTERS.hour, "mi": QUARTERS.minute},
        "y m d h mi",
    ),
    "a calendar": ({"y": HOURS.year, "m": HOURS.month, "d": HOURS.day, "h": HOURS.hour}, "y m d h"),
}  # fmt: skip


@pytest.mark.parametrize("name", ["a.csv", "a.parquet"])
@pytest.mark.parametrize("case", SPLIT)
def test_a_time_in_several_columns_is_named_and_then_read(load, refusal, case, name):
    columns, words = SPLIT[case]
    frame = pd.DataFrame(columns)
    frame["value"] = noise(len(frame))
    with refusal(f"{name}: row {3 if name == 'a.csv' else 2}", "has the time of another row", f"--data.time {words}"):
        load(frame, name)
    found = load(frame, name, time=tuple(columns), validation=0, test=0)
    assert found.columns == ("value",) and found.step == np.timedelta64(60 if len(frame) == len(HOURS) else 15, "m")
    np.testing.assert_array_equal(found.parts["train"][0].values[:, 0], frame["value"])


def test_minutes_that_hours_lack_are_named_too(load, refusal):
    parts = {"Date": QUARTERS.strftime("%Y-%m-%d"), "Hour": QUARTERS.hour, "Minute": QUARTERS.minute}
    frame = pd.DataFrame(parts | {"value": noise(len(QUARTERS))})
    with refusal("--data.time Date Hour Minute"):
        load(frame, time=("Date", "Hour"))
    both = pd.concat([frame.assign(station=station) for station in "ab"])
    with refusal("--data.series station"):
        load(both, time=tuple(parts))


@pytest.mark.parametrize("order", [["date"], ["store"], ["date", "store"]])
@pytest.mark.parametrize("names", [("north", "south"), (1, 2), (1, 2, 3)])
def test_stores_of_one_file_are_named_and_then_apart(load, refusal, order, names):
    frame = stores(*names).sort_values(order, kind="stable")
    with refusal("a.csv: row", "of 100 of 100 times", "--data.series store"):
        load(frame)
    found = load(frame, series="store")
    assert [one.name for one in found.parts["train"]] == [str(name) for name in names]
    assert found.parts["train"][0].values.max() < 100


def test_two_columns_may_tell_the_series_apart(load, refusal):
    frame = pd.concat([stores(1, 2).assign(item=item) for item in "ab"]).sort_values("date")
    with refusal("--data.series store item"):
        load(frame)
    with refusal("--data.series store item"):
        load(frame, series="store")
    assert len(load(frame, series=("store", "item")).parts["train"]) == 4


@pytest.mark.parametrize("hour", ["00:00", "02:00"])
@pytest.mark.parametrize(("begin", "weeks"), [("2016-03-06", 6), ("2016-09-04", 12), ("2016-01-03", 100)])
def test_weeks_that_end_on_sundays_repeat_no_hour_of_the_clock(load, refusal, begin, weeks, hour):
    sundays = pd.date_range(f"{begin} {hour}", periods=weeks, freq="7D")
    each = [pd.DataFrame({"week": sundays, "store": name, "sales": noise(weeks)}) for name in ("A", "B")]
    frame = pd.concat(each).sort_values("week", kind="stable")
    with refusal(f"of {weeks} of {weeks} times", "--data.series store"):
        load(frame)
    assert [one.name for one in load(frame, series="store").parts["train"]] == ["A", "B"]


def test_where_nothing_tells_the_rows_apart_both_flags_are_named(load, refusal):
    with refusal("--data.series COLUMN", "--data.time Date Time"):
        load(stores(1, 2).drop(columns="store").sort_values("date"))


def test_a_series_that_begins_late_is_one_of_its_own_all_the_same(load, refusal):
    early, late = stores(1), stores(2).iloc[80:].assign(sales=400.0)
    with refusal("of 20 of 100 times", "--data.series store"):
        load(pd.concat([early, late.assign(store=2)]).sort_values("date"))


def test_rows_that_come_twice_or_complete_each_other_are_as_before(load):
    frame = pd.DataFrame({"time": HOURS, "a": noise(len(HOURS)), "b": noise(len(HOURS), 1)})
    usual = load(frame).fingerprint
    twice = pd.concat([frame, frame.iloc[: len(frame) // 3]]).sort_values("time")
    assert load(twice).fingerprint == usual
    halves = pd.concat([frame.assign(a=np.nan), frame.assign(b=np.nan)]).sort_values("time", kind="stable")
    assert load(halves).fingerprint == usual
    few = pd.concat([frame, frame.iloc[:500].assign(a=0.0)]).sort_values("time")
    assert load(few).findings.repeated[0].total == 500


def test_an_hour_that_the_clock_shows_twice_is_no_repetition(load):
    autumn = pd.date_range("2016-11-06 04:00", periods=36, freq="5min", tz="UTC").tz_convert("America/New_York")
    found = load(pd.DataFrame({"time": autumn.tz_localize(None), "v": noise(36)}), validation=0, test=0)
    assert found.findings.clock[0].total == 12


def test_times_of_arrays_are_those_of_one_series(refusal):
    np.savez("a.npz", values=noise(200)[:, None], times=np.repeat(DAYS.to_numpy(), 2))
    with refusal("a.npz: row 2", "[S, T, F]"):
        load_series("a.npz", None)
