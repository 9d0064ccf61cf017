"""On series of which the best possible forecast is known, a small net over a profile comes within 5% of it."""

import csv
import statistics

import numpy as np
import pytest

from research import experiment
from research.config import DenseForecaster, Optimizer, SeriesData, SeriesExperiment, Training

MEMORY, NOISE, HOURS, HORIZON = 0.8, 20.0, 20 * 7 * 24, 24
STEPS = np.arange(1, HORIZON + 1)


def cycle(hours):
    daily = 150 * np.cos(2 * np.pi * (hours - 8) / 24) + 60 * np.cos(4 * np.pi * (hours - 3) / 24)
    return 500 + daily + 80 * np.cos(2 * np.pi * hours / 168)


def noise(seed):
    """A stationary autoregression of order 1: e[t] = MEMORY * e[t - 1] + a normal of deviation NOISE."""
    values = np.random.default_rng(seed).normal(size=HOURS) * NOISE
    values[0] /= np.sqrt(1 - MEMORY**2)
    for hour in range(1, HOURS):
        values[hour] += MEMORY * values[hour - 1]
    return values


def written(path, seed):
    times = np.datetime64("2016-01-04T00:00") + np.arange(HOURS) * np.timedelta64(1, "h")
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([("time", "y"), *zip(times, cycle(np.arange(HOURS)) + noise(seed), strict=True)])
    return str(path)


def floor():
    """The mean absolute error of cycle + MEMORY**h * e[t]: its deviation h steps ahead, times sqrt(2 / pi)."""
    deviation = NOISE * np.sqrt((1 - MEMORY ** (2 * STEPS)) / (1 - MEMORY**2))
    return float(np.sqrt(2 / np.pi) * deviation.mean())


def best_possible(saved, seed):
    """The error of that forecast on the windows that a run was evaluated on."""
    hours = (saved["times"] - np.datetime64("2016-01-04").astype("datetime64[s]").astype(int)) // 3600
    forecast = cycle(hours) + MEMORY**STEPS * noise(seed)[hours[:, :1] - 1]
    return np.abs(forecast - saved["truth"][..., 0]).mean()


@pytest.mark.slow
def test_it_comes_within_5_percent_of_the_floor(tmp_path):
    found, shares = [], []
    for seed in range(3):
        data = SeriesData(
            source=written(tmp_path / f"{seed}.csv", seed),
            reference="weekday",
            calendar=("time_of_day", "day_of_week"),
        )
        config = SeriesExperiment(
            name="floor",
            data=data,
            model=DenseForecaster(hidden=(), zero_init_head=True),
            optimizer=Optimizer(learning_rate=5e-3, schedule="cosine"),
            train=Training(epochs=60, batch_size=128),
        )
        metrics = experiment.run(config, tmp_path / f"run{seed}")["metrics"]["test"]
        with np.load(tmp_path / f"run{seed}/forecasts.npz") as saved:
            assert best_possible(saved, seed) < metrics["mae"] < 1.06 * best_possible(saved, seed)
        found.append(metrics["mae"])
        shares.append(metrics["interval_coverage"])
    assert statistics.mean(found) <= 1.05 * floor()
    assert statistics.mean(shares) == pytest.approx(0.92, abs=0.04)
