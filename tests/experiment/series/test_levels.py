"""A large level under a series, a meter's at 48,000,000 say, takes nothing from its training, judging and forecasts."""

import dataclasses
import functools

import numpy as np
import pytest

from research import experiment
from research.config import DenseForecaster, Forecast, Optimizer, SeriesData, SeriesExperiment, Training
from research.data.series.series_set import Series
from research.experiment.series.build import build
from research.experiment.series.net import check_level
from research.experiment.series.predict import rounded

LEVEL = 48e6
CONFIG = SeriesExperiment(
    name="hours",
    data=SeriesData(context="4h", horizon="6h", columns=("speed",), reference="day", validation=0.3),
    model=DenseForecaster(hidden=(4,)),
    forecast=Forecast(coverage=0.75),  # three days of validation hold it
    optimizer=Optimizer(learning_rate=0.01),
    train=Training(epochs=2, batch_size=32),
)


def lifted(columns, level):
    return columns | {"speed": np.round(columns["speed"], 3) + level}


@pytest.fixture(scope="module")
def runs(write_series, tmp_path_factory):
    """The same series around 60 and around 48,000,060: (record, what the next six hours are said to be) of each."""
    found = []
    for level in (0.0, LEVEL):
        folder = tmp_path_factory.mktemp("level")
        source = write_series(folder / "hours.csv", functools.partial(lifted, level=level))
        config = dataclasses.replace(CONFIG, data=dataclasses.replace(CONFIG.data, source=str(source)))
        record = experiment.run(config, folder / "run")
        [answer] = experiment.predict(folder / "run", [source])
        found.append((record, answer["columns"]["speed"]))
    return found


@pytest.mark.parametrize("name", ["mae", "rmse", "mase", "interval_coverage", "interval_width", "interval_winkler"])
def test_errors_are_those_of_the_series_without_its_level(runs, name):
    (low, _), (high, _) = runs
    for split in ("train", "validation", "test"):
        assert high["metrics"][split][name] == pytest.approx(low["metrics"][split][name], rel=1e-4)


def test_baselines_errors_are_those_of_the_series_without_its_level(runs):
    (low, _), (high, _) = runs
    for split, errors in low["data"]["baselines"].items():
        assert high["data"]["baselines"][split] == pytest.approx(errors, rel=1e-6)


def test_forecasts_differ_from_hour_to_hour_as_without_the_level(runs):
    (_, low), (_, high) = runs
    for name in ("forecast", "low", "high"):
        np.testing.assert_allclose(np.array(high[name]) - LEVEL, low[name], atol=2e-3)
    assert len(set(high["forecast"])) == 6


@pytest.mark.parametrize(
    ("value", "spread", "expected"),
    [
        (2_000_000.123456, 5.0, 2_000_000.123),
        (-48_000_000.123456, 0.05, -48_000_000.12346),
        (123.456789, 100.0, 123.457),
        (0.0, 3.0, 0.0),
        (1.23456789e-7, 1e-8, 1.23457e-7),
        (1e9 + 1 / 3, 1e-12, 1e9 + 1 / 3),  # no more than a float holds
    ],
)
def test_forecasts_are_written_to_the_digits_that_their_spread_needs(value, spread, expected):
    assert rounded(np.array([value]), spread) == [expected]


@pytest.mark.parametrize(
    ("scaling", "level", "warned"), [("none", LEVEL, True), ("none", 0, False), ("minmax", LEVEL, False)]
)
def test_unscaled_values_that_float32_cannot_hold_are_warned_of(write_series, tmp_path, capsys, scaling, level, warned):
    source = write_series(tmp_path / "hours.csv", functools.partial(lifted, level=level))
    data = dataclasses.replace(CONFIG.data, source=str(source), scaling=scaling, reference="mean")
    build(dataclasses.replace(CONFIG, data=data))
    said = capsys.readouterr().err
    assert warned == ("float32, which has steps of 4 there: give --data.scaling standard" in said), said
    assert warned == bool(said)


def test_the_level_of_one_of_several_series_and_columns_is_enough(capsys):
    config = dataclasses.replace(CONFIG, data=dataclasses.replace(CONFIG.data, scaling="none"))
    near, high = np.array([[1.0, 5.0], [2.0, 5.0], [np.nan, 5.0]]), np.array([0, LEVEL])
    check_level(config, ("a", "b"), [Series("x", np.arange(3), near), Series("y", np.arange(3), near * np.nan)])
    check_level(config, ("a", "b"), [Series("x", np.arange(3), near), Series("y", np.arange(3), near * 1e6)])
    assert not capsys.readouterr().err
    check_level(config, ("a", "b"), [Series("x", np.arange(3), near), Series("y", np.arange(3), near + high)])
    assert not capsys.readouterr().err  # a flat column
    check_level(config, ("a", "b"), [Series("x", np.arange(3), near), Series("y", np.arange(3), near[:, ::-1] + high)])
    assert capsys.readouterr().err.startswith("warning: b goes to 4.8e+07 with a standard deviation of 0.5,")
