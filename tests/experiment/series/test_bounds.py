"""Forecasts and intervals end where values do, and where they go below a series that never did, the flag is named."""

import dataclasses

import numpy as np
import pytest

from research import config as configuration
from research import experiment
from research.config import DenseForecaster, Forecast, Optimizer, SeriesData, SeriesExperiment, Training
from research.data.series.series_set import Series
from research.errors import UserError
from research.experiment.series.backtest import Targets
from research.experiment.series.bounds import check_bounds
from research.experiment.series.evaluate import Correction, Forecasts, corrected
from research.experiment.series.negatives import negative_forecasts
from research.experiment.series.net import bounds_of

FLAG = "flow was never negative, but forecasts or their intervals go down to -"
CONFIG = SeriesExperiment(
    name="hours",
    data=SeriesData(context="4h", horizon="6h", columns=("flow",), validation=0.3),
    model=DenseForecaster(hidden=(4,)),
    forecast=Forecast(coverage=0.75),
    optimizer=Optimizer(learning_rate=0.01),
    train=Training(epochs=1, batch_size=32),
)


@pytest.fixture(scope="module")
def runs(write_series, tmp_path_factory):
    """A series that is often 0, without and with a lower bound: {bound: run directory}, and the file."""
    folder = tmp_path_factory.mktemp("bounds")
    source = write_series(folder / "hours.csv", lambda each: each | {"flow": np.maximum(each["flow"] - 600, 0)})
    config = dataclasses.replace(CONFIG, data=dataclasses.replace(CONFIG.data, source=str(source)))
    bounded = dataclasses.replace(config, forecast=Forecast(coverage=0.75, lower=(0.0,), upper=(420.0,)))
    for name, each in (("free", config), ("bounded", bounded)):
        experiment.run(each, folder / name)
    return {name: folder / name for name in ("free", "bounded")}, source


@pytest.mark.slow
def test_a_bound_ends_forecasts_and_intervals_and_changes_nothing_else(runs):
    run_dirs, source = runs
    found = {name: experiment.evaluate(run_dir) for name, run_dir in run_dirs.items()}
    for split in ("train", "validation", "test"):
        free, bounded = (found[name][1][0][split].forecasts for name in run_dirs)
        assert free.low.min() < 0 and free.high.max() > 420
        np.testing.assert_array_equal(bounded.middle, np.clip(free.middle, 0, 420))
        for each in bounded:
            assert each.min() >= 0 and each.max() <= 420
        assert (bounded.low <= bounded.middle).all() and (bounded.middle <= bounded.high).all()
        scores = {name: found[name][1][0][split].model for name in run_dirs}
        assert scores["bounded"].overall["mae"] <= scores["free"].overall["mae"] + 1e-9
        assert scores["bounded"].intervals.width < scores["free"].intervals.width
    with np.load(run_dirs["bounded"] / "forecasts.npz") as saved:
        assert saved["forecasts/0"].min() >= 0
    [answer] = experiment.predict(run_dirs["bounded"], [source])
    assert all(0 <= value <= 420 for each in answer["columns"]["flow"].values() for value in each)
    assert "negative" not in answer


def test_where_a_series_was_never_negative_and_a_forecast_is_the_flag_is_named(runs):
    run_dirs, source = runs
    pages = {name: (run_dir / "report.html").read_text() for name, run_dir in run_dirs.items()}
    assert FLAG in pages["free"] and "never negative" not in pages["bounded"]
    [answer] = experiment.predict(run_dirs["free"], [source])
    assert min(answer["columns"]["flow"]["low"]) < 0
    assert answer["negative"].startswith(FLAG) and answer["negative"].endswith("--forecast.lower 0 they end at 0")


def test_the_line_names_the_column_that_goes_lowest_and_a_bound_for_each_column():
    forecasts = Forecasts(np.array([[1.0, -2.0, -9.0]]), np.array([[-0.5, -3.0, -11.0]]), None)
    columns, free = ("flow", "rain", "degrees"), np.full(3, -np.inf)
    lines = (
        "rain was never negative (nor was 1 of the others), but forecasts or their intervals go down to -3.000: with "
    )
    for lower, flag in ((free, "0 0 None"), (np.array([-np.inf, -np.inf, -300]), "0 0 -300")):
        line = negative_forecasts(forecasts, columns, ["flow", "rain"], lower)
        assert line == f"{lines}--forecast.lower {flag} they end at 0"
    assert "--forecast.lower 0 they" in negative_forecasts(forecasts, columns, columns, free)
    assert negative_forecasts(forecasts, columns, [], free) == ""
    assert negative_forecasts(Forecasts(np.abs(forecasts.middle), None, None), columns, columns, free) == ""


@pytest.mark.parametrize(
    ("field", "bounds", "advice"),
    [
        ("lower", (0.0,), "give --forecast.lower 0 None 0"),
        ("upper", (None, -305.0, None), "leave it out"),
        ("upper", (9.0, -305.0, 5.0), "give --forecast.upper 9 None 5"),
    ],
)
def test_a_bound_beyond_most_training_values_of_a_column_is_refused(field, bounds, advice, capsys):
    train = [Series("", np.arange(4), np.array([[1.0, -300, 2], [0, -299, np.nan], [np.nan, -301, 2], [1, -302, 2]]))]
    with pytest.raises(UserError, match=rf"forecast\.{field} \S+ of b: 100% of its training values.*; {advice}$"):
        check_bounds(bounds_of(Forecast(**{field: bounds}), "abc"), "abc", train)
    check_bounds(bounds_of(Forecast(lower=(0.0, None, 2.0), upper=(1.0, -299.0, 2.5)), "abc"), "abc", train)
    assert not capsys.readouterr().err
    check_bounds(bounds_of(Forecast(lower=(0.0, -301.5, 0.0)), "abc"), "abc", train)
    assert "warning: forecast.lower -301.5 of b: 25% of its training values are below it" in capsys.readouterr().err


def test_a_run_with_a_bound_that_its_training_values_are_beyond_is_refused(runs, tmp_path):
    data = dataclasses.replace(CONFIG.data, source=str(runs[1]))
    config = dataclasses.replace(CONFIG, data=data, forecast=Forecast(lower=(1e6,)))
    with pytest.raises(UserError, match=r"forecast\.lower 1e\+06 of flow: 100%"):
        experiment.run(config, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_each_column_has_its_own_bound():
    bounds = bounds_of(Forecast(lower=(0.0, None), upper=(None, 5.0)), ("flow", "degrees"))
    raw = np.array([-3.0, -4.0, 9.0, 9.0]).reshape(1, 2, 2, 1)
    times = np.datetime64("2024-01-01T00") + np.arange(2)[None]
    targets = Targets(np.zeros((1, 2, 2)), times, np.zeros((1, 2, 2)), np.ones((1, 2)))
    said = corrected(raw, targets, Correction(np.ones(2), None), bounds)
    np.testing.assert_array_equal(said.middle, [[[0.0, -4.0], [9.0, 5.0]]])


def test_a_configuration_with_bounds_is_the_same_again():
    config = dataclasses.replace(CONFIG, forecast=Forecast(lower=(0.0, None), upper=(None, 5.5)))
    assert configuration.from_json(configuration.to_json(config)) == configuration.validated(config) == config
    for wrong in (float("nan"), float("inf")):
        with pytest.raises(UserError, match=r"forecast\.lower"):
            configuration.validated(dataclasses.replace(CONFIG, forecast=Forecast(lower=(wrong,))))


@pytest.mark.parametrize(
    ("bounds", "fault"),
    [
        ({"lower": (0.0, 1.0)}, r"forecast\.lower has 2 numbers for 3 columns \(a, b, c\); give one for all"),
        ({"lower": (5.0,), "upper": (None, 5.0, 9.0)}, r"forecast\.lower 5 of b is not below its forecast\.upper 5"),
    ],
)
def test_bounds_that_cannot_be_meant_are_refused(bounds, fault):
    with pytest.raises(UserError, match=fault):
        bounds_of(Forecast(**bounds), ("a", "b", "c"))
