"""On the real traffic of a freeway, with two seeds: what shipped forecasters come to, and what is printed beside it."""

import dataclasses
import os
from pathlib import Path

import numpy as np
import pytest

from research import config as configuration
from research import experiment
from research.experiment.series.backtest import baseline_forecasts, targets_of
from research.experiment.series.build import build
from research.report.record import read_record

DATA = Path(os.environ.get("RESEARCH_DATA", "")).absolute()  # before tests leave for folders of their own
NAMES = ("traffic_dense", "traffic_lstm", "traffic_profile")


def shipped(root, name, **changes):
    config = configuration.load(str(root / "configs" / f"{name}.py"))
    return dataclasses.replace(config, data=dataclasses.replace(config.data, root=str(DATA), **changes), seeds=2)


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """(comparison, {name: run directory})."""
    folder, root = tmp_path_factory.mktemp("traffic"), Path(__file__).parents[2]
    run_dirs = {name: folder / name for name in NAMES}
    entries = [(shipped(root, name), run_dirs[name]) for name in NAMES]
    return experiment.compare(entries, folder / "compared"), run_dirs


def test_windows_that_span_no_missing_day(root):
    sizes = build(shipped(root, "traffic_dense", validation=0.0)).examples
    assert sizes == {"train": 349, "validation": 0, "test": 201}


def test_the_baselines_are_those_that_were_known(found, root):
    comparison, _ = found
    known = {"last value": 512.6, "time-of-day mean": 52.0}
    assert {name: round(comparison.rows[name]["mean"], 1) for name in known} == known
    plan = build(shipped(root, "traffic_dense"))
    truth = targets_of(plan.windows["test"], plan.sizes).truth
    naive = baseline_forecasts(plan, "test")[1]
    errors, measured = np.abs(naive.forecasts - truth), naive.seasonal.all(axis=(1, 2))
    assert len(errors) == 201 and measured.sum() == naive.windows == 147
    assert round(float(errors[measured].mean()), 1) == 57.6
    assert comparison.rows["seasonal naive (day)"]["mean"] == pytest.approx(errors.mean())


@pytest.mark.parametrize(("name", "least", "most"), [("traffic_dense", 110, 125), ("traffic_lstm", 90, 110)])
def test_values_alone_lose_to_a_mean_over_days(found, name, least, most):
    comparison, _ = found
    assert least <= comparison.rows[name]["mean"] <= most
    assert comparison.rows[name]["mean"] > 1.7 * comparison.rows["time-of-day mean"]["mean"]


def test_a_net_over_the_profile_beats_the_mean_at_every_horizon(found):
    comparison, run_dirs = found
    assert comparison.rows["traffic_profile"]["mean"] <= 49.0
    assert next(iter(sorted(comparison.rows.values(), key=lambda row: row["mean"])))["name"] == "traffic_profile"
    with np.load(run_dirs["traffic_profile"] / "forecasts.npz", allow_pickle=False) as saved:
        average = np.abs(saved["baseline/time-of-day mean"] - saved["truth"]).mean(axis=(0, 2))
        for seed in (0, 1):
            assert (np.abs(saved[f"forecasts/{seed}"] - saved["truth"]).mean(axis=(0, 2)) <= average).all()


@pytest.mark.parametrize("name", NAMES)
def test_shipped_forecasters_have_intervals_and_forecast_no_negative_traffic(found, name):
    run_dir = found[1][name]
    record = read_record(run_dir)
    assert record["metrics"]["test"]["interval_coverage"] > 0.8  # the days of validation hold what the file asks for
    assert record["data"]["never_negative"] == record["data"]["columns"]
    with np.load(run_dir / "forecasts.npz", allow_pickle=False) as saved:
        assert min(saved[f"forecasts/{seed}"].min() for seed in (0, 1)) >= 0
