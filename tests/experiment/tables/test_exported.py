"""The nets of a table in Keras or PyTorch, and the file beside them, predict as `predict` does."""

import csv
import dataclasses
import json

import numpy as np
import pytest

from research import experiment
from research.config import Prediction, TableData, TableExperiment, TableNet, Training
from research.experiment.tables import predict
from research.run_directory import read_config

HOUSES = TableExperiment(
    name="houses",
    data=TableData(
        target="price", ordered=("Fa<TA<Gd",), na_levels=("garage",), log_skewed=0.1, log_target=True, validation=0.2
    ),
    train=Training(epochs=1, batch_size=32),
)
FOLDS = dataclasses.replace(HOUSES.data, folds=2, validation=0.0)
KINDS = {
    "ensemble": {"data": FOLDS, "model": TableNet(hidden=(6,), embedding="periodic", embedding_size=3), "seeds": 2},
    "quantiles": {
        "model": TableNet(hidden=(5, 4), embedding="piecewise", level_size=2),
        "prediction": Prediction(loss="quantile"),
    },
    "classes": {"data": dataclasses.replace(HOUSES.data, target="garage", log_target=False, clip=0.0), "seeds": 2},
    "gaussian": {"prediction": Prediction(loss="gaussian"), "data": dataclasses.replace(HOUSES.data, log_target=False)},
}


@pytest.fixture(scope="module", params=KINDS)
def run(request, write_houses, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param)
    config = dataclasses.replace(HOUSES, **KINDS[request.param])
    source = str(write_houses(folder / "houses.csv"))
    experiment.run(dataclasses.replace(config, data=dataclasses.replace(config.data, source=source)), folder / "run")
    return folder / "run"


@pytest.fixture
def answers(run, monkeypatch):
    """What `predict` says of each row, unrounded."""
    monkeypatch.setattr(predict, "rounded", float)
    return list(experiment.predict(run, [run.parent / "houses.csv"]))


def inputs_of(document, path):
    """The net's inputs, by what the document says, without code of ours."""
    rows = list(csv.DictReader(path.read_text().splitlines()))
    number = {each["column"]: lambda cell, each=each: number_of(cell, each) for each in document["numbers_columns"]}
    codes = [(each["column"], each["levels"]) for each in document["codes_columns"]]
    numbers = np.array([[read(row[name]) for name, read in number.items()] for row in rows], np.float32)
    found = [[levels.index(row[name]) if row[name] in levels else -1 for name, levels in codes] for row in rows]
    return [numbers, np.array(found, np.int32)]


def number_of(cell, column):
    if column["ordered"]:
        return column["ordered"].index(cell)
    return float({"True": 1, "False": 0}.get(cell, cell or "nan")) - column["shift"]


def check(run, answers, outputs):
    """Predictions to 1e-6 of the largest, to 2e-6 if they are exponentials: float32 holds 12 to 5e-7. Of classes, the
    class and its probability, which predict rounds.
    """
    if "probability" in answers[0]:
        classes = experiment.load(run).classes
        shares = np.exp(outputs) / np.exp(outputs).sum(1, keepdims=True)
        assert [answer["garage"] for answer in answers] == [classes[best] for best in outputs.argmax(1)]
        np.testing.assert_allclose(shares.max(1), [answer["probability"] for answer in answers], atol=1.5e-6)
        return
    wanted = np.array([answer["price"] for answer in answers])
    middle = outputs[:, 1 if outputs.shape[1] == 3 else 0]
    share = 2e-6 if read_config(run).data.log_target else 1e-6
    np.testing.assert_allclose(middle, wanted, rtol=0, atol=share * wanted.max())
    assert outputs.shape[1] < 2 or (outputs[:, -1] > 0).all()


@pytest.mark.needs_torch
@pytest.mark.slow
def test_the_same_predictions_in_torch(run, answers, tmp_path):
    import torch

    *_, beside = experiment.export(run, tmp_path / "net.pth")
    scope = {"__name__": "net"}
    exec((tmp_path / "net.py").read_text(), scope)
    net = scope["Net"]().eval()
    net.load_state_dict(torch.load(tmp_path / "net.pth", weights_only=True))
    inputs = inputs_of(json.loads(beside.read_text()), run.parent / "houses.csv")
    check(run, answers, net(*map(torch.from_numpy, inputs)).detach().numpy())


@pytest.mark.needs_keras
@pytest.mark.slow
@pytest.mark.filterwarnings("default:__array__ implementation:DeprecationWarning")  # Keras 3.15 with NumPy 2.4
def test_the_same_predictions_in_keras(run, answers, tmp_path, refusal):
    path, beside = experiment.export(run, tmp_path / "net.keras")
    import keras

    model = keras.saving.load_model(path)
    check(run, answers, np.asarray(model(inputs_of(json.loads(beside.read_text()), run.parent / "houses.csv"))))
    with refusal("from .h5", "export to .keras"):
        experiment.export(run, tmp_path / "net.h5")


@pytest.mark.needs_torch
@pytest.mark.slow
def test_ranks_are_refused_and_a_seed_is_one_net(write_houses, tmp_path, refusal):
    data = dataclasses.replace(HOUSES.data, source=str(write_houses(tmp_path / "houses.csv")))
    config = dataclasses.replace(HOUSES, data=data, seeds=2)
    experiment.run(config, tmp_path / "run")
    experiment.export(tmp_path / "run", tmp_path / "one.pth", seed=1)
    assert json.loads((tmp_path / "one.pth.json").read_text())["nets"] == 1
    experiment.run(dataclasses.replace(config, data=dataclasses.replace(data, scaling="quantile")), tmp_path / "ranks")
    with refusal("numbers are scaled by ranks", "export to .safetensors or .npz"):
        experiment.export(tmp_path / "ranks", tmp_path / "net.pth")
