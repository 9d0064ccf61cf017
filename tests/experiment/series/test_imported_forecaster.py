"""A forecaster from Keras, evaluated untrained: the forecasts in its run are those that Keras made."""

import csv
import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest

from research import experiment
from research.config import Forecast, RecurrentForecaster, SeriesData, SeriesExperiment, Training
from research.errors import UserError
from research.report.record import problems

GOLDEN = Path(__file__).parents[2] / "weights/golden/forecasters.zip"
LOW, RANGE = np.array([20.0, -300.0, 0.5]), np.array([50.0, 1000.0, 2.0])  # of training, by column
STEPS, HORIZON = 5, 2
# file: (cell, units, dense, gates, output, scaling)
FILES = {
    "old_list.h5": ("lstm", (4,), (), "hard_sigmoid_keras2", "sigmoid", "minmax"),
    "old_list_folded.h5": ("gru", (3,), (), "sigmoid", "tanh", "minmax_symmetric"),
    "functional.keras": ("lstm", (4,), (5,), "hard_sigmoid", "tanh", "minmax_symmetric"),
    "old_functional.h5": ("lstm", (3, 4), (), "sigmoid", "sigmoid", "minmax"),
    "two_lstm.h5": ("lstm", (4, 5), (), "sigmoid", "linear", "none"),
}


def golden(name):
    with zipfile.ZipFile(GOLDEN) as archive, np.load(io.BytesIO(archive.read("outputs.npz"))) as arrays:
        return archive.read(name), arrays[f"{name}/inputs"], arrays[f"{name}/outputs"]


def in_unit(scaled, scaling):
    """Scaled values [..., F] in the unit of the columns."""
    if scaling == "none":
        return scaled
    low, spread = (LOW, RANGE) if scaling == "minmax" else (LOW + RANGE / 2, RANGE / 2)
    return low + spread * scaled


def write(path, values):
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["time", "a", "b", "c"])
        start = np.datetime64("2024-01-01T00:00")
        rows.writerows(
            [str(start + np.timedelta64(hour, "h")), *map(repr, row)] for hour, row in enumerate(values.tolist())
        )
    return path


@pytest.fixture(scope="module", params=FILES)
def imported(request, tmp_path_factory):
    """(run directory, record, the last steps of a file, what Keras forecast from them [P, F], all of its forecasts)."""
    name, folder = request.param, tmp_path_factory.mktemp("imported")
    cell, units, dense, gates, output, scaling = FILES[name]
    content, inputs, outputs = golden(name)
    (folder / name).write_bytes(content)
    past = LOW + RANGE * np.random.default_rng(0).random((80, 3))
    past[:2] = [LOW, LOW + RANGE]
    ahead = [np.concatenate([in_unit(window.astype(float), scaling), past[:HORIZON]]) for window in inputs]
    values = np.concatenate([past, *ahead])
    config = SeriesExperiment(
        name="imported",
        data=SeriesData(
            source=str(write(folder / "all.csv", values)),
            context=str(STEPS),
            horizon=str(HORIZON),
            scaling=scaling,
            validation=0.0,
            test=len(ahead) * (STEPS + HORIZON) / len(values),
            stride=STEPS + HORIZON,
        ),
        model=RecurrentForecaster(
            cell=cell, hidden=units, dense=dense, gates=gates, output=output, weights=str(folder / name)
        ),
        forecast=Forecast(),
        train=Training(epochs=0),
    )
    record = experiment.run(config, folder / "run")
    truth = in_unit(outputs.reshape(-1, HORIZON, 3).astype(float), scaling)
    return folder / "run", record, write(folder / "last.csv", ahead[0][:STEPS]), truth


def close(found, wanted):
    return np.abs(found - wanted).max() < 2e-6 * max(1, np.abs(wanted).max())


def test_its_run_holds_the_forecasts_of_keras(imported):
    run_dir, record, _, wanted = imported
    with np.load(run_dir / "forecasts.npz", allow_pickle=False) as saved:
        assert close(saved["forecasts/0"], wanted)
        errors = saved["truth"] - wanted
    assert record["metrics"]["test"]["rmse"] == pytest.approx(np.sqrt((errors**2).mean()), rel=1e-4)


def test_nothing_was_trained_and_all_else_is_there(imported):
    run_dir, record, *_ = imported
    assert record["status"] == "finished" and record["epochs"] == {"0": {"run": 0, "best": None}}
    assert not problems(record) and record["seconds"]["train"] == 0
    assert (run_dir / "metrics.jsonl").read_text() == ""
    assert "Learning curves" not in (run_dir / "report.html").read_text()


def test_evaluating_again_changes_no_number(imported):
    run_dir, record, *_ = imported
    assert experiment.evaluate(run_dir)[0]["metrics"] == record["metrics"]


def test_what_comes_next_is_what_keras_says(imported):
    run_dir, _, last, wanted = imported
    (answer,) = experiment.predict(run_dir, [last])
    found = np.stack([answer["columns"][name]["forecast"] for name in "abc"], axis=1)
    assert close(found, wanted[0])
    assert answer["times"][0].startswith("2024-01-01T05:00")


def test_a_run_whose_checkpoint_is_gone_is_not_evaluated(imported):
    run_dir, *_ = imported
    for seal in (run_dir / "checkpoints").rglob("*.seal.json"):
        seal.write_text(json.dumps({}))
    with pytest.raises(UserError, match="no sound checkpoint"):
        experiment.evaluate(run_dir)
