"""A set that is read from disk as it is needed trains as one that lies on the device, but for rounding."""

import dataclasses

import numpy as np
import pytest

from research import experiment
from research.config import Augmentation, ConvNet, ImageData, ImageExperiment, Training
from research.experiment.images import build as images
from research.experiment.images import streaming
from research.experiment.images.build import build
from research.experiment.training import load_group
from research.trees import named_leaves

CONFIG = ImageExperiment(
    name="streamed",
    data=ImageData(train_limit=300),
    model=ConvNet(channels=(4,), hidden=(8,), dropout=0.2),
    augment=Augmentation(shift=0.1),
    train=Training(epochs=3, batch_size=32, patience=2),
    seeds=2,
)


def trained(config, run_dir):
    experiment.run(config, run_dir)
    found = [load_group(build(config), [seed], run_dir) for seed in (0, 1)]
    return [named_leaves(state) for state, _ in found]


def streamed(how):
    return dataclasses.replace(CONFIG, data=dataclasses.replace(CONFIG.data, stream=how))


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """What training comes to on the set as it lies on the device."""
    return trained(streamed("never"), tmp_path_factory.mktemp("whole"))


@pytest.mark.slow
@pytest.mark.parametrize("window", [1, 64])
def test_streaming_trains_on_the_same_batches(whole, tmp_path, monkeypatch, window):
    monkeypatch.setattr(streaming, "WINDOW_STEPS", window)
    for ours, theirs in zip(whole, trained(streamed("always"), tmp_path), strict=True):
        for name in ours:
            np.testing.assert_allclose(ours[name], theirs[name], rtol=1e-4, atol=1e-6, err_msg=name)


@pytest.mark.slow
def test_a_streamed_training_that_is_over_is_gone_on_with(tmp_path):
    config = dataclasses.replace(streamed("always"), train=Training(epochs=1, batch_size=32), seeds=1)
    record = experiment.run(config, tmp_path / "run")
    (tmp_path / "run" / "record.json").unlink()  # as where it was killed in its evaluation
    again = experiment.run(config, tmp_path / "run")
    assert again["status"] == "finished" and again["metrics"] == record["metrics"]


def test_streaming_is_chosen_when_the_set_would_fill_the_memory(monkeypatch):
    size = build(CONFIG).inputs["train"].nbytes
    for memory, chosen in ((2 * size, False), (size, True), (0, False)):
        monkeypatch.setattr(images.runtime, "memory_bytes", lambda memory=memory: memory)
        assert (build(CONFIG).stream is not None) == chosen
        assert build(streamed("always")).stream and not build(streamed("never")).stream
