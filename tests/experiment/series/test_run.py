"""Forecasters, whole: runs that repeat, run directories that hold what they promise, and nothing that leaks back."""

import dataclasses
import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from research import experiment
from research.config import DenseForecaster, Forecast, Optimizer, SeriesData, SeriesExperiment, Training
from research.errors import UserError
from research.experiment.series.backtest import baseline_forecasts
from research.experiment.series.build import build
from research.report.record import problems
from research.training import checkpoints

CONFIG = SeriesExperiment(
    name="hours",
    data=SeriesData(
        source="hours.csv",
        context="4h",
        horizon="6h",
        calendar=("time_of_day",),
        reference="day",
        statistic="median",
        smooth=1.0,
        validation=0.3,
    ),
    model=DenseForecaster(hidden=(8,), dropout=0.1),
    forecast=Forecast(shrink=True, loss="huber", coverage=0.75),  # three days of validation hold it
    optimizer=Optimizer(learning_rate=0.01),
    train=Training(epochs=4, batch_size=32),
    seeds=2,
)


def with_data(config=CONFIG, **changes):
    return dataclasses.replace(config, data=dataclasses.replace(config.data, **changes))


def comparable(record):
    return {name: value for name, value in record.items() if name not in ("seconds", "throughput")}


def leaves(run_dir):
    folder = next((run_dir / "checkpoints").iterdir())
    return checkpoints.newest(folder, pytest.fail)[0]


def arrays(path):
    with np.load(path, allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


def same(a, b):
    assert a.keys() == b.keys()
    assert not [name for name in a if not np.array_equal(a[name], b[name], equal_nan=a[name].dtype.kind == "f")]


@pytest.fixture(scope="module")
def trained(write_series, tmp_path_factory):
    """(configuration, run directory, record)."""
    folder = tmp_path_factory.mktemp("trained")
    config = with_data(source=str(write_series(folder / "hours.csv")))
    return config, folder / "run", experiment.run(config, folder / "run")


def test_the_same_seed_gives_the_same_bits_twice(trained, tmp_path):
    config, run_dir, record = trained
    assert comparable(experiment.run(config, tmp_path / "again")) == comparable(record)
    assert (tmp_path / "again/metrics.jsonl").read_text() == (run_dir / "metrics.jsonl").read_text()
    same(leaves(tmp_path / "again"), leaves(run_dir))
    for name in ("forecasts.npz", "reference.npz"):
        same(arrays(tmp_path / "again" / name), arrays(run_dir / name))


def test_a_run_directory_holds_what_it_promises(trained):
    _, run_dir, record = trained
    assert not problems(record) and record["status"] == "finished"
    assert record == json.loads((run_dir / "record.json").read_text())
    rows = [json.loads(line) for line in (run_dir / "metrics.jsonl").read_text().splitlines()]
    assert [(row["seed"], row["epoch"]) for row in rows] == [(seed, epoch + 1) for seed in (0, 1) for epoch in range(4)]
    assert rows[-1]["validation"].keys() == rows[-1]["train"].keys() == {"loss", "scaled_mae"}
    windows = record["data"]["sizes"]
    steps = {"train": 188, "validation": 81, "test": 67}  # of 336
    assert windows == {part: count - 10 + 1 for part, count in steps.items()}
    assert {path.name for path in (run_dir / "figures").iterdir()} >= {"learning_curves.png"}
    saved = arrays(run_dir / "forecasts.npz")
    assert saved["truth"].shape == saved["forecasts/1"].shape == (windows["test"], 6, 2)
    errors = np.abs(saved["forecasts/0"] - saved["truth"])
    assert record["metrics"]["test"]["mae"] == pytest.approx(errors.mean())
    baselines = {name: np.abs(each - saved["truth"]).mean() for name, each in saved.items() if "baseline/" in name}
    assert max(baselines, key=baselines.get) == "baseline/last value" and len(baselines) == 4
    assert arrays(run_dir / "reference.npz")["table"].shape == (1, 24, 2)


def test_the_report_is_one_sound_file(trained):
    run_dir = trained[1]
    page = (run_dir / "report.html").read_text()
    HTMLParser().feed(page)
    assert "time-of-day mean" in page and "seasonal naive (day)" in page
    outside = set(re.findall(r'(?:src|href)="(?!data:|#)([^"]*)"', page))
    assert not outside, outside


@pytest.mark.slow
def test_seeds_side_by_side_and_one_by_one_agree(trained, tmp_path):
    config, _, record = trained
    alone = dataclasses.replace(config, train=dataclasses.replace(config.train, seeds_at_once=1))
    one = experiment.run(alone, tmp_path / "one")["seeds"]
    for name in ("train/mae", "validation/mae", "test/mae", "test/rmse"):
        np.testing.assert_allclose(one[name]["values"], record["seeds"][name]["values"], rtol=1e-4)


def test_evaluating_again_changes_no_number(trained):
    _, run_dir, record = trained
    (run_dir / "report.html").unlink()
    assert comparable(experiment.evaluate(run_dir)[0]) == comparable(record)
    assert (run_dir / "report.html").exists()


def test_a_change_after_the_cut_reaches_nothing_before_it(trained, write_series, tmp_path):
    def disturbed(columns):
        noise = np.random.default_rng(5).normal(0, 500, 67)
        return columns | {"flow": np.r_[columns["flow"][:-67], noise], "speed": np.r_[columns["speed"][:-67], -noise]}

    config, run_dir, record = trained
    other = with_data(config, source=str(write_series(tmp_path / "other.csv", disturbed)))
    found = experiment.run(other, tmp_path / "run")
    same(leaves(tmp_path / "run"), leaves(run_dir))
    same(arrays(tmp_path / "run/reference.npz"), arrays(run_dir / "reference.npz"))
    for split in ("train", "validation"):
        assert found["metrics"][split] == record["metrics"][split]
    assert found["metrics"]["test"]["mae"] != record["metrics"]["test"]["mae"]
    learnt = [{n: a for n, a in arrays(p / "forecasts.npz").items() if "/" in n} for p in (tmp_path / "run", run_dir)]
    learnt = [{n: a for n, a in one.items() if not n.startswith(("forecasts/", "baseline/"))} for one in learnt]
    assert {name.split("/")[0] for name in learnt[0]} > {"shrink"}, "the widths of intervals"
    same(*learnt)


@pytest.mark.slow
def test_unknown_values_never_enter_a_metric(write_series, tmp_path):
    def gappy(columns):
        return columns | {"flow": np.where(np.arange(336) % 7 == 3, np.nan, columns["flow"])}

    source = str(write_series(tmp_path / "hours.csv", gappy))
    config = with_data(dataclasses.replace(CONFIG, seeds=1, forecast=Forecast()), source=source, missing="mask")
    record = experiment.run(config, tmp_path / "run")
    saved = arrays(tmp_path / "run/forecasts.npz")
    assert np.isnan(saved["truth"]).mean() == pytest.approx(1 / 14, abs=0.01)
    known = ~np.isnan(saved["truth"])
    errors = (saved["forecasts/0"] - np.nan_to_num(saved["truth"]))[known]
    assert record["metrics"]["test"]["mae"] == pytest.approx(np.abs(errors).mean())
    assert record["metrics"]["test"]["rmse"] == pytest.approx(np.sqrt((errors**2).mean()))


@pytest.mark.parametrize(("hours", "name"), [(26, "mean"), (96, "time-of-day mean")])
def test_a_mean_of_under_two_days_is_not_called_that_of_the_time_of_day(write_series, tmp_path, hours, name):
    source = write_series(tmp_path / "hours.csv", lambda columns: {key: each[:hours] for key, each in columns.items()})
    bare = dataclasses.replace(CONFIG, forecast=Forecast())
    parts = build(with_data(bare, source=str(source), reference="mean", context="2h", horizon="1h"))
    assert list(baseline_forecasts(parts, "test")[0]) == ["last value", "seasonal naive (day)", name]


@pytest.mark.slow
@pytest.mark.parametrize("test", [0.0, 0.2])
def test_without_validation_and_even_without_test_it_runs_too(write_series, tmp_path, test):
    source = str(write_series(tmp_path / "hours.csv"))
    bare = dataclasses.replace(CONFIG, seeds=1, forecast=Forecast(), train=Training(epochs=1))
    record = experiment.run(with_data(bare, source=source, validation=0.0, test=test), tmp_path / "run")
    assert record["metrics"].keys() == ({"train", "test"} if test else {"train"})
    assert (tmp_path / "run/report.html").exists()


@pytest.mark.parametrize(
    ("scaling", "output", "changes", "fault"),
    [
        ("standard", "sigmoid", {}, "never below the reference; set --data.scaling minmax, or --model.output linear"),
        ("minmax_symmetric", "sigmoid", {}, "never below the middle of the training range"),
        ("standard", "tanh", {}, "never beyond a standard deviation; set --data.scaling minmax_symmetric"),
        ("minmax", "sigmoid", {"reference": "day"}, "set --data.reference mean"),
        ("minmax", "sigmoid", {"zero_init_head": True}, r"model\.zero_init_head is about a reference"),
        ("none", "linear", {"shrink": True}, r"forecast\.shrink is about a reference"),
    ],
)
def test_an_output_that_the_scaling_cannot_take_is_refused(write_series, tmp_path, scaling, output, changes, fault):
    source, reference = str(write_series(tmp_path / "hours.csv")), changes.get("reference", "mean")
    config = dataclasses.replace(
        with_data(source=source, scaling=scaling, reference=reference),
        model=DenseForecaster(hidden=(8,), output=output, zero_init_head="zero_init_head" in changes),
        forecast=Forecast(shrink="shrink" in changes),
    )
    with pytest.raises(UserError, match=fault):
        experiment.run(config, tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("data", "forecast", "train", "fault"),
    [
        ({"validation": 0.0}, Forecast(shrink=True), Training(), r"forecast\.shrink needs validation data"),
        ({"validation": 0.0}, Forecast(), Training(patience=3), "patience needs validation data"),
        ({}, Forecast(loss="quantile", quantiles=(0.1, 0.9)), Training(), "quantiles 0.1 0.9: the middle one"),
        ({}, Forecast(loss="quantile", quantiles=(0.9, 0.5, 0.1)), Training(), "from low to high"),
        ({}, Forecast(), Training(monitor="accuracy"), "accuracy is not measured here; there are scaled_mae, loss"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_anything_is_written(
    write_series, tmp_path, data, forecast, train, fault
):
    source = str(write_series(tmp_path / "hours.csv"))
    config = dataclasses.replace(with_data(source=source, **data), forecast=forecast, train=train)
    with pytest.raises(UserError, match=fault):
        experiment.run(config, tmp_path / "run")
    assert not (tmp_path / "run").exists()
