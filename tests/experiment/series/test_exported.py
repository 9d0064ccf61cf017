"""A forecaster in Keras or PyTorch, and the file beside it, give the forecast of `predict`."""

import json

import numpy as np
import pytest

from research import experiment
from research.config import Forecast, RecurrentForecaster, SeriesData, SeriesExperiment, Training
from research.experiment.series import predict
from research.files import write_json


@pytest.fixture(scope="module")
def run(write_series, tmp_path_factory):
    folder = tmp_path_factory.mktemp("exported")
    config = SeriesExperiment(
        name="hours",
        data=SeriesData(
            source=str(write_series(folder / "hours.csv")),
            context="5h",
            horizon="8h",
            calendar=("time_of_day", "day_of_week", "time_of_year"),
            reference="weekday",
            validation=0.3,
        ),
        model=RecurrentForecaster(hidden=(6,)),
        forecast=Forecast(loss="quantile", lower=(600.0, None), coverage=0.75),
        train=Training(epochs=2, batch_size=32),
    )
    experiment.run(config, folder / "run")
    return folder / "run"


@pytest.fixture
def wanted(run, monkeypatch):
    """The forecast of the 8 hours after the file: [8, 2], unrounded, with shares of the net's output to measure."""
    read = lambda *of, read=predict.read_correction: read(*of)._replace(shrink=np.linspace(0.3, 1, 8))  # noqa: E731
    monkeypatch.setattr(predict, "read_correction", read)
    monkeypatch.setattr(predict, "rounded", lambda values, spread: values.tolist())
    [answer] = experiment.predict(run, [run.parent / "hours.csv"])
    return np.transpose([answer["columns"][name]["forecast"] for name in ("flow", "speed")])


def by_the_document(document, net, path):
    """A forecast by what the document says, without code of ours. `net` takes and gives arrays."""
    lines = [line.split(",") for line in path.read_text().splitlines()]
    assert lines[0] == ["time", *document["columns"]] and document["step"] == "1 h"
    steps, ahead = document["context_steps"], document["horizon_steps"]
    values = np.array([line[1:] for line in lines[1:]], float)[-steps:]
    times = np.datetime64(lines[-1][0], "s") + np.arange(1 - steps, ahead + 1) * np.timedelta64(3600, "s")
    days = times.astype("datetime64[D]")
    seconds, weekday = (times - days).astype(int), (days.astype(int) + 3) % 7
    [series] = document["series"].values()
    assert document["slot"].startswith("seconds since local midnight // seconds of a step + weekday")
    expected = np.array(series["expected_by_slot"])[seconds // 3600 + weekday * 24]
    spread = np.array(series["spread"])
    year = days.astype("datetime64[Y]").astype("datetime64[D]")
    turns = {
        "time_of_day": seconds / 86400,
        "day_of_week": weekday / 7,
        "time_of_year": (days - year).astype(int) / 366,
    }
    angles = [2 * np.pi * turns[name] for name in document["calendar"]]
    calendar = np.stack([wave(angle) for angle in angles for wave in (np.sin, np.cos)], -1)
    inputs = {"values": (values - expected[:steps]) / spread, "calendar": calendar}
    output = net(*(each[None].astype(np.float32) for each in inputs.values()))[0]
    assert output.shape[-1] == len(document["quantiles"]) == 3
    forecast = expected[steps:] + spread * np.array(document["shrink"])[:, None] * np.sort(output, -1)[..., 1]
    lower = [-np.inf if each is None else each for each in document["lower"]]
    assert document["upper"] == [None, None]
    assert np.abs(output).max() > 0.01 and document["shrink"] == np.linspace(0.3, 1, 8).tolist()
    return np.maximum(forecast, lower)


def test_the_same_forecast_by_the_loaded_net_and_its_preprocessing(run, wanted, tmp_path):
    found = experiment.load(run)
    known = np.ones((1, 5, 2), np.float32)
    net = lambda values, calendar: np.asarray(  # noqa: E731
        found.apply(found.variables, {"values": values, "known": known, "calendar": calendar})
    )
    document = json.loads(write_json(tmp_path / "told.json", found.preprocessing).read_text())
    np.testing.assert_allclose(by_the_document(document, net, run.parent / "hours.csv"), wanted, rtol=1e-6)


@pytest.mark.needs_torch
@pytest.mark.slow
def test_the_same_forecast_in_torch(run, wanted, tmp_path):
    import torch

    files = experiment.export(run, tmp_path / "net.pth")
    assert [file.name for file in files] == ["net.pth", "net.py", "net.pth.json"]
    scope = {"__name__": "net"}
    exec((tmp_path / "net.py").read_text(), scope)
    made = scope["Net"]().eval()
    made.load_state_dict(torch.load(tmp_path / "net.pth", weights_only=True))
    net = lambda *inputs: made(*map(torch.from_numpy, inputs)).detach().numpy()  # noqa: E731
    document = json.loads((tmp_path / "net.pth.json").read_text())
    found = by_the_document(document, net, run.parent / "hours.csv")
    np.testing.assert_allclose(found, wanted, rtol=1e-6)
    assert (wanted[:, 0] == 600).any() and (wanted[:, 0] > 600).any() and "values [B, 5, 2]" in document["inputs"]


@pytest.mark.needs_keras
@pytest.mark.slow
@pytest.mark.filterwarnings("default:__array__ implementation:DeprecationWarning")  # Keras 3.15 with NumPy 2.4
@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_the_same_forecast_in_keras(run, wanted, tmp_path, suffix):
    path, beside = experiment.export(run, tmp_path / f"net{suffix}")
    import keras

    model = keras.saving.load_model(path)
    net = lambda *inputs: np.asarray(model(list(inputs)))  # noqa: E731
    found = by_the_document(json.loads(beside.read_text()), net, run.parent / "hours.csv")
    np.testing.assert_allclose(found, wanted, rtol=1e-6)
