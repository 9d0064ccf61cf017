"""On the real MNIST, shortened: what the README's table says in full, these hold at every change."""

import dataclasses
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from research import config as configuration
from research import experiment
from research.data.images.idx import read_folder


@pytest.fixture
def data():
    return Path(os.environ["RESEARCH_DATA"]).absolute()


def shipped(root, data, name, epochs):
    config = configuration.load(str(root / "configs" / f"{name}.py"))
    return dataclasses.replace(
        config,
        data=dataclasses.replace(config.data, root=str(data)),
        train=dataclasses.replace(config.train, epochs=epochs),
    )


def test_dense_net_in_three_epochs(root, data, tmp_path):
    record = experiment.run(shipped(root, data, "mnist_dense", 3), tmp_path / "run")
    assert record["parameters"]["total"] == 407_050
    assert record["metrics"]["test"]["accuracy"] >= 0.965


def test_cnn_in_three_epochs_and_pictures_from_elsewhere(root, data, tmp_path):
    record = experiment.run(shipped(root, data, "mnist_cnn_short", 3), tmp_path / "run")
    assert record["parameters"]["total"] == 93_322
    assert record["metrics"]["test"]["accuracy"] >= 0.985
    mnist = read_folder(data / "mnist")
    images, labels = mnist.images["test"], mnist.labels["test"]
    files = []
    for index in range(100):  # as a user would draw them: larger, black on white, off centre, in colour
        page = Image.new("RGB", (300, 220), "white")
        page.paste(Image.fromarray(255 - images[index]).resize((140, 140), Image.Resampling.BICUBIC), (110, 30))
        files.append(tmp_path / f"{index}.png")
        page.save(files[-1])
    answers = list(experiment.predict(tmp_path / "run", files))
    assert np.mean([int(a["class"]) == label for a, label in zip(answers, labels, strict=False)]) >= 0.95
