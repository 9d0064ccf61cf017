import dataclasses

import numpy as np
import pytest

from research import experiment
from research.config import ConvNet, DenseNet, Experiment, ImageData, Optimizer, Training
from research.errors import UserError


@pytest.fixture
def entries(small_npz, tmp_path):
    dense = Experiment(
        name="dense",
        data=ImageData(source=str(small_npz), validation=0.2),
        model=DenseNet(hidden=(8,)),
        optimizer=Optimizer(learning_rate=0.01),
        train=Training(epochs=3, batch_size=16),
        seeds=3,
    )
    conv = dataclasses.replace(dense, name="conv", model=ConvNet(channels=(4, 4), hidden=()))
    return [(dense, tmp_path / "dense"), (conv, tmp_path / "conv")]


def test_differences_are_paired_by_seed(entries, tmp_path):
    found = experiment.compare(entries, tmp_path / "figure.png")
    dense, conv = (found.records[name]["seeds"]["test/accuracy"]["values"] for name in ("dense", "conv"))
    assert found.differences["conv"]["mean"] == pytest.approx(np.mean(np.subtract(conv, dense)))
    assert (tmp_path / "figure.png").read_bytes().startswith(b"\x89PNG")


def test_what_cannot_be_paired_is_refused(entries, tmp_path):
    (dense, place), (conv, other) = entries
    with pytest.raises(UserError, match="seed"):
        experiment.compare([(dense, place), (dataclasses.replace(conv, seed=5), other)], tmp_path / "f.png")
    with pytest.raises(UserError, match="same name"):
        experiment.compare([(dense, place), (dense, place)], tmp_path / "f.png")
    with pytest.raises(UserError, match="two configurations"):
        experiment.compare([(dense, place)], tmp_path / "f.png")
    split = dataclasses.replace(conv, data=dataclasses.replace(conv.data, split_seed=1))
    with pytest.raises(UserError, match="different data"):
        experiment.compare([(dense, place), (split, other)], tmp_path / "f.png")
