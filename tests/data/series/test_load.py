"""Loading series: what comes out of whole files, and that nothing of a later part reaches an earlier one."""

import numpy as np
import pandas as pd
import pytest

from research.config import SeriesData
from research.data.series.load import load_series, read_context
from research.data.series.tables import ReadOptions
from research.experiment.series.predict import reading_of

HOURS = pd.date_range("2016-01-04", periods=24 * 30, freq="h")


def flow(times, seed=0):
    hours = np.arange(len(times))
    noise = np.random.default_rng(seed).integers(0, 20, len(times))
    return (600 - 400 * np.cos(2 * np.pi * hours / 24)).round() + noise


@pytest.fixture
def frame():
    return pd.DataFrame({"time": HOURS, "flow": flow(HOURS), "speed": flow(HOURS, 1) / 8})


@pytest.fixture
def load(tmp_path):
    def loading(frame, name="a.csv", **changes):
        frame.to_csv(tmp_path / name, index=False)
        return load_series(name, None, **changes)

    return loading


def values_of(found, part="train", index=0):
    return found.parts[part][index].values


def test_a_wide_file_is_one_series_in_three_parts(load, frame):
    found = load(frame)
    assert found.columns == ("flow", "speed") and found.step == np.timedelta64(1, "h") and found.name == "a.csv"
    assert {part: [len(one.times) for one in each] for part, each in found.parts.items()} == {
        "train": [461],
        "validation": [115],
        "test": [144],
    }
    whole = [found.parts[part][0] for part in ("train", "validation", "test")]
    np.testing.assert_array_equal(np.concatenate([one.times for one in whole]), HOURS.to_numpy())
    np.testing.assert_array_equal(np.concatenate([one.values for one in whole]), frame[["flow", "speed"]])
    assert whole[0].times.dtype == "datetime64[s]" and found.findings.summary() is None
    assert load(frame, validation=0).parts["validation"] == ()
    assert len(values_of(load(frame, validation=0, test=0))) == len(HOURS)


def test_a_long_file_is_many_series_each_cut_in_its_own_time(load, frame):
    later = frame.iloc[48:].assign(site="B")
    mixed = pd.concat([frame.assign(site="A"), later]).sort_values(["time", "site"])
    found = load(mixed[["site", "time", "flow", "speed"]], series="site")
    assert [one.name for one in found.parts["train"]] == ["A", "B"]
    wide = load(frame)
    for part in wide.parts:
        np.testing.assert_array_equal(values_of(found, part), values_of(wide, part))
    assert [len(found.parts[part][1].times) for part in wide.parts] == [430, 108, 134]
    assert found.parts["train"][1].times[0] == HOURS[48].to_numpy()


def test_csv_parquet_and_npz_are_equal_sets(load, frame, tmp_path):
    gappy = frame.drop(index=range(30, 40)).reset_index(drop=True)
    gappy.loc[50:52, "flow"] = np.nan
    found = load(gappy)
    gappy.to_parquet(tmp_path / "a.parquet")
    values = gappy[["flow", "speed"]].to_numpy()
    np.savez(tmp_path / "a.npz", values=values, times=gappy["time"].to_numpy(), columns=np.array(["flow", "speed"]))
    for name in ("a.parquet", "a.npz"):
        other = load_series(name, None)
        assert other.fingerprint == found.fingerprint and other.columns == found.columns
        for part, series in found.parts.items():
            for mine, theirs in zip(series, other.parts[part], strict=True):
                np.testing.assert_array_equal(mine.values, theirs.values)
        replaced = [f._replace(file="") for f in other.findings.gaps + other.findings.unknown]
        assert replaced == [f._replace(file="") for f in found.findings.gaps + found.findings.unknown]


def test_the_fingerprint_is_of_everything_that_training_sees(load, frame):
    usual = load(frame).fingerprint
    assert len(usual) == 16 and set(usual) <= set("0123456789abcdef") and load(frame).fingerprint == usual
    changed = frame.copy()
    changed.loc[700, "speed"] += 1
    later = frame.assign(time=HOURS + pd.Timedelta("1h"))
    others = [load(changed), load(later), load(frame.rename(columns={"flow": "count"})), load(frame, validation=0.1)]
    assert len({usual, *(other.fingerprint for other in others)}) == 5


@pytest.mark.parametrize("changes", [{}, {"fill": 6}, {"resample": "3h", "aggregate": "sum"}, {"zeros_missing": True}])
def test_a_change_after_the_cut_changes_nothing_before_it(load, frame, changes):
    gappy = frame.copy()
    gappy.loc[455:463, "flow"] = np.nan  # across the cut between train and validation
    usual = load(gappy, **changes)
    for cut, unchanged in ((576, ("train", "validation")), (462, ("train",))):
        other = gappy.copy()
        other.loc[cut:, ["flow", "speed"]] = np.random.default_rng(cut).normal(size=(720 - cut, 2)) * 1e6
        found = load(other, **changes)
        assert found.fingerprint != usual.fingerprint
        for part in unchanged:
            np.testing.assert_array_equal(values_of(found, part), values_of(usual, part))
            np.testing.assert_array_equal(found.parts[part][0].times, usual.parts[part][0].times)


def test_gaps_are_filled_within_a_part_and_never_across(load, frame):
    gappy = frame.copy()
    gappy.loc[[10, 11], "flow"] = np.nan
    gappy.loc[460:461, "speed"] = np.nan  # the last of train, the first of validation
    found = load(gappy.drop(index=[20]), fill=2)
    train = values_of(found)
    line = np.interp([10, 11], [9, 12], frame["flow"][[9, 12]])
    np.testing.assert_allclose(train[10:12, 0], line)
    np.testing.assert_allclose(train[20], (frame.loc[19, ["flow", "speed"]] + frame.loc[21, ["flow", "speed"]]) / 2)
    assert np.isnan(train[460, 1]) and np.isnan(values_of(found, "validation")[0, 1])
    assert np.flatnonzero(found.parts["train"][0].interpolated).tolist() == [10, 11, 20]
    assert [(one.column, one.total, one.first) for one in found.findings.filled] == [
        ("flow", 3, "2016-01-04 10:00"),
        ("speed", 1, "2016-01-04 20:00"),
    ]


def test_longer_steps_are_known_where_all_of_them_is(load):
    times = pd.date_range("2016-01-04 00:20", periods=12 * 48, freq="5min")
    table = pd.DataFrame({"time": times, "flow": np.arange(576)}).drop(index=[100, 230, 231])
    found = load(table, resample="1h", aggregate="sum", validation=0, test=0.25)
    assert found.step == np.timedelta64(1, "h")
    both = [found.parts[part][0] for part in ("train", "test")]
    assert [len(one.times) for one in both] == [35, 12]
    hours = np.concatenate([one.times for one in both])
    np.testing.assert_array_equal(hours, pd.date_range("2016-01-04 01:00", periods=47, freq="h").to_numpy())
    sums = np.arange(8, 572).reshape(47, 12).sum(axis=1).astype(float)
    sums[[(100 - 8) // 12, (230 - 8) // 12]] = np.nan
    np.testing.assert_array_equal(np.concatenate([one.values[:, 0] for one in both]), sums)
    filled = load(table, resample="1h", aggregate="sum", fill=1)
    assert np.flatnonzero(np.isnan(values_of(filled)[:, 0])).tolist() == [(230 - 8) // 12]


def test_zeros_are_reported_and_taken_as_missing_on_request(load, frame):
    broken = frame.copy()
    broken.loc[[12, 13, 36], "flow"] = 0
    found = load(broken)
    assert (values_of(found)[[12, 13], 0] == 0).all()
    assert [(one.total, one.runs, one.first) for one in found.findings.zeros] == [(3, 2, "2016-01-04 12:00")]
    assert "--data.zeros-missing" in found.findings.summary()
    declared = load(broken, zeros_missing=True)
    assert np.isnan(values_of(declared)[[12, 13, 36], 0]).all() and not declared.findings.zeros
    assert [(one.column, one.total) for one in declared.findings.unknown_zeros] == [("flow", 3)]


def test_repeated_and_stray_rows_are_reported(load, frame):
    again = frame.iloc[4:5].assign(flow=frame["flow"][4] + 10)
    table = pd.concat([frame.iloc[:5], again, frame.iloc[5:]])
    table.iloc[20, 0] += pd.Timedelta("7min")
    found = load(table)
    assert values_of(found)[4, 0] == frame["flow"][4] + 5
    assert [(one.total, one.first) for one in found.findings.repeated] == [(1, "2016-01-04 04:00")]
    assert [(one.total, one.first) for one in found.findings.moved] == [(1, "2016-01-04 19:00")]
    document = found.findings.document()
    assert document["rows"] == 721 and document["repeated"][0]["file"] == "a.csv" and document["gaps"] == []


def local(day, minutes, days=4):
    """A file as a logger in Los Angeles writes it around a change of the clock, by what its wall clock shows."""
    utc = pd.date_range(day, periods=days * 1440 // minutes, freq=f"{minutes}min", tz="UTC")
    shown = utc.tz_convert("America/Los_Angeles").tz_localize(None)
    return pd.DataFrame({"time": shown, "flow": np.arange(len(utc), dtype=float)})


@pytest.mark.parametrize("minutes", [5, 60])
@pytest.mark.parametrize("day", ["2016-03-12", "2016-11-05"])
def test_a_named_zone_makes_neither_gaps_nor_repetitions(load, day, minutes):
    table = local(day, minutes)
    found = load(table, time_zone="America/Los_Angeles", validation=0, test=0)
    np.testing.assert_array_equal(values_of(found)[:, 0], table["flow"])
    np.testing.assert_array_equal(found.parts["train"][0].times, table["time"].to_numpy())
    assert found.findings.zoned[0].total == 1
    assert not found.findings.gaps and not found.findings.repeated and not found.findings.clock


@pytest.mark.parametrize("minutes", [5, 60])
def test_without_a_zone_changes_of_the_clock_are_known_and_reported(load, minutes):
    spring = load(local("2016-03-12", minutes), validation=0, test=0)
    hour = 60 // minutes
    (change,) = spring.findings.clock
    assert (change.total, change.first) == (hour, "2016-03-13 02:00") and not spring.findings.gaps
    assert np.isnan(values_of(spring)).sum() == hour
    autumn = load(local("2016-11-05", minutes), validation=0, test=0)
    (change,) = autumn.findings.clock
    assert (change.total, change.first) == (hour, "2016-11-06 01:00") and not autumn.findings.repeated
    assert "--data.time-zone" in autumn.findings.summary()
    times = autumn.parts["train"][0].times
    assert (np.diff(times) == np.timedelta64(minutes, "m")).all()
    both = np.flatnonzero(local("2016-11-05", minutes)["time"] == pd.Timestamp("2016-11-06 01:00"))
    assert values_of(autumn)[times == np.datetime64("2016-11-06T01:00"), 0] == both.mean()


def test_days_are_not_shifted_by_a_zone(load):
    days = pd.date_range("2016-01-01", periods=366)
    table = pd.DataFrame({"time": days, "flow": np.arange(366.0)})
    found = load(table, time_zone="America/Los_Angeles", validation=0, test=0)
    np.testing.assert_array_equal(found.parts["train"][0].times, days.to_numpy())
    stamped = table.assign(time=days.tz_localize("America/Los_Angeles"))
    found = load(stamped, time_zone="America/Los_Angeles", validation=0, test=0)
    np.testing.assert_array_equal(found.parts["train"][0].times, days.to_numpy())
    np.testing.assert_array_equal(values_of(found)[:, 0], np.arange(366))


@pytest.mark.parametrize(("train", "test"), [("-08:00", "+00:00"), ("", "+00:00"), ("+01:00", "")])
def test_parts_whose_offsets_differ_need_a_zone(frame, tmp_path, refusal, train, test):
    (tmp_path / "flows").mkdir()
    for name, rows, offset in (("train", frame[:500], train), ("test", frame[548:], test)):
        rows.assign(time=rows["time"].astype(str) + offset).to_csv(tmp_path / f"flows/{name}.csv", index=False)
    with refusal("train.csv and test.csv differ in their times' offset from UTC", train, test, "--data.time-zone"):
        load_series("flows", None)
    found = load_series("flows", None, time_zone="Europe/Berlin")
    local = np.timedelta64({"+00:00": 1}.get(test, 0), "h")
    assert found.parts["test"][0].times[0] == HOURS[548].to_numpy() + local


def test_a_folder_keeps_its_parts(load, frame, tmp_path):
    (tmp_path / "pems").mkdir()
    for name, rows in (("train", frame[:500]), ("test", frame[548:])):
        rows.to_csv(tmp_path / f"pems/{name}.csv", index=False)
    found = load_series("pems", None, test=0.9)
    assert [len(values_of(found, part)) for part in ("train", "validation", "test")] == [400, 100, 172]
    frame[500:530].to_csv(tmp_path / "pems/valid.csv", index=False)
    assert [len(values_of(load_series("pems", None), part)) for part in ("train", "validation")] == [500, 30]


@pytest.mark.parametrize(
    ("test", "words"),
    [
        (
            lambda frame: frame[499:],
            ("test.csv: series A begins at 2016-01-24 19:00, but", "ends at 2016-01-24 19:00", "follow each other"),
        ),
        (lambda frame: frame[500::2], ("train.csv has steps of 1 h, test.csv of 2 h",)),
        (lambda frame: frame[500:].drop(columns="flow"), ("test.csv lacks columns", "'flow'")),
        (lambda frame: frame[500:].assign(site="C"), ("test.csv has a series 'C', which training has not",)),
    ],
)
def test_parts_that_do_not_belong_together(frame, tmp_path, refusal, test, words):
    later = test(frame.assign(site="A"))
    for name, rows in (("train", frame[:500].assign(site="A")), ("test", later)):
        rows.to_csv(tmp_path / f"{name}.csv", index=False)
    with refusal(*words):
        load_series(".", None, series="site")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda t: t.assign(speed=60.0), ("column 'speed': all training values are 60", "--data.columns")),
        (lambda t: t.assign(speed=np.nan), ("column 'speed': no training value is known",)),
        (lambda t: t.assign(speed=np.where(t.index < 500, 60, 50)), ("column 'speed': all training values are 60",)),
        (lambda t: t[::-1], ("row 3: time goes back from 2016-02-02 23:00 to 2016-02-02 22:00",)),
        (lambda t: t.assign(time=t.time.astype(str).where(t.index != 7, "x")), ("row 9: 'x' is no time",)),
        (
            lambda t: pd.concat([t[:400], t[400:500:4], t[500:]]),
            (
                "two different steps, 1 h",
                "and 4 h",
            ),
        ),
        (lambda t: t.assign(speed=t.speed.astype(str).where(t.index != 7, "x")), ("row 9, column 'speed': 'x'",)),
        (lambda t: t[:1], ("two rows or more",)),
        (lambda t: t[:0], ("holds no rows",)),
        (lambda t: t.assign(time=t.time + pd.to_timedelta(t.index * -3599.5, "s")), ("a second",)),
    ],
)
def test_files_that_do_not_do(load, frame, refusal, change, words):
    with refusal("a.csv", *words):
        load(change(frame))


def test_flat_series_of_long_files_are_named(load, frame, refusal):
    table = pd.concat([frame.assign(site="A"), frame.assign(site="B\x1b", speed=1)])
    found = load(table, series="site")
    assert [one[:3] for one in found.findings.flat] == [("a.csv", r"B\x1b", "speed")]
    assert [one.name for one in found.parts["train"]] == ["A"]
    with refusal("2 of 2 series", "series A, column 'speed': all training values are 1"):
        load(table.assign(speed=1), series="site")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"resample": "90min"}, ("a.csv has steps of 1 h, which do not add up to 1 h 30 min",)),
        ({"resample": "30min"}, ("a.csv has steps of 1 h, which do not add up to 30 min",)),
        ({"resample": "often"}, ("'often' is no duration",)),
        ({"time_zone": "Mars"}, ("'Mars' is no time zone",)),
        ({"values": ("rain",)}, ("no column 'rain'",)),
    ],
)
def test_settings_that_do_not_fit(load, frame, refusal, changes, words):
    with refusal(*words):
        load(frame, **changes)


def test_a_context_is_read_as_training_was(frame, tmp_path, refusal):
    path = tmp_path / "new.csv"
    new = frame.iloc[:60].assign(extra=1.0)
    new.loc[57:, ["flow", "speed"]] = np.nan
    new.to_csv(path, index=False)
    step = np.timedelta64(1, "h")
    (found,) = read_context(path, ("speed", "flow"), step, ReadOptions())
    np.testing.assert_array_equal(found.values, frame[["speed", "flow"]][:57])
    np.testing.assert_array_equal(found.times, HOURS[:57].to_numpy())
    (sums,) = read_context(path, ("flow",), np.timedelta64(3, "h"), ReadOptions(resample="3h", aggregate="sum"))
    np.testing.assert_array_equal(sums.values[:, 0], frame["flow"][:57].to_numpy().reshape(19, 3).sum(axis=1))
    with refusal("new.csv lacks columns of the training file: 'density'", "it has 'time', 'flow', 'speed', 'extra'"):
        read_context(path, ("flow", "density"), step, ReadOptions())
    with refusal("new.csv has steps of 1 h, training had 5 min"):
        read_context(path, ("flow",), np.timedelta64(300, "s"), ReadOptions())


LOCAL = HOURS.strftime("%Y-%m-%d %H:%M")
READ = {
    None: LOCAL,
    "offsets": LOCAL + "+01",
    "unix": (HOURS.astype("datetime64[s]").astype(np.int64)),
    "midnight": [f"{time - pd.Timedelta('1h'):%Y-%m-%d} 24:00" if time.hour == 0 else str(time) for time in HOURS],
}


@pytest.mark.parametrize("kind", READ)
def test_how_times_were_read_is_said_of_training_and_of_new_files(load, frame, tmp_path, capsys, kind):
    usual, found = load(frame).fingerprint, load(frame.assign(time=READ[kind]))
    assert found.fingerprint == usual
    kinds = {name: each[0] for name, each in found.findings.document().items() if name != "rows" and each}
    assert set(kinds) == ({kind} if kind else set())
    assert not kind or (kinds[kind]["total"], kinds[kind]["first"]) == (30 if kind == "midnight" else 720, LOCAL[0])
    read_context(tmp_path / "a.csv", ("flow", "speed"), np.timedelta64(1, "h"), ReadOptions())
    assert ("a.csv" in capsys.readouterr().err) == bool(kind)


def test_a_time_in_two_columns_is_one_in_new_files_too(load, frame, tmp_path):
    parts = frame.assign(Date=HOURS.strftime("%d.%m.%Y"), Time=HOURS.strftime("%H:%M")).drop(columns="time")
    config = SeriesData(time=("Date", "Time"), day_first=True)
    found = load(parts, time=config.time, day_first=True)
    assert found.fingerprint == load(frame).fingerprint
    reading = reading_of(config, found.columns)
    parts.iloc[:100].to_csv(tmp_path / "new.csv", index=False)
    (new,) = read_context(tmp_path / "new.csv", found.columns, found.step, reading, exact=True)
    np.testing.assert_array_equal(new.times, HOURS[:100].to_numpy())
    np.testing.assert_array_equal(new.values, frame[["flow", "speed"]][:100])
