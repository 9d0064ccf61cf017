"""A trained net leaves as a file of others, and computes the same there."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest
from safetensors.numpy import load_file

from research import experiment
from research.config import ConvNet, Custom, ImageData, ImageExperiment, Training
from research.trees import named_leaves


@pytest.fixture(scope="module")
def run(write_rows, tmp_path_factory):
    folder = tmp_path_factory.mktemp("export")
    config = ImageExperiment(
        name="rows",
        data=ImageData(source=str(write_rows(folder / "rows.npz")), validation=0.2),
        model=ConvNet(channels=(4, 3), padding="same", hidden=(5,), dropout=0.5),
        train=Training(epochs=1, batch_size=16),
        seeds=2,
    )
    experiment.run(config, folder / "run")
    return folder / "run"


@pytest.mark.slow
def test_a_loaded_run_is_a_pure_function_that_predicts_as_predict_does(run):
    found = experiment.load(run)
    pictures = np.random.default_rng(0).integers(0, 256, (3, *found.preprocessing["shape"])).astype(np.uint8)
    logits = np.asarray(found.apply(found.variables, pictures))
    answers = list(experiment.predict(run, pictures, as_is=True))
    assert [answer["class"] for answer in answers] == [found.classes[best] for best in logits.argmax(axis=1)]
    other = experiment.load(run, seed=1)
    assert not np.allclose(other.apply(other.variables, pictures), logits)


@pytest.mark.slow
def test_leaves_are_written_bit_for_bit_under_our_names(run, tmp_path):
    leaves = {name: np.asarray(leaf) for name, leaf in named_leaves(experiment.load(run, 1).variables).items()}
    for suffix, read in ((".safetensors", load_file), (".npz", np.load)):
        [path] = experiment.export(run, tmp_path / f"net{suffix}", seed=1)
        found = read(path)
        assert set(found) == set(leaves) and all((found[name] == leaf).all() for name, leaf in leaves.items())


@pytest.mark.slow
def test_what_cannot_be_written_is_refused(run, tmp_path, refusal, monkeypatch):
    with refusal("net.onnx", ".safetensors, .npz, .keras, .h5, .pth"):
        experiment.export(run, tmp_path / "net.onnx")
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.setitem(sys.modules, "keras", None)
    for suffix, words in ((".pth", ("PyTorch", "pip install torch")), (".keras", ("Keras", "pip install"))):
        with refusal(*words):
            experiment.export(run, tmp_path / f"net{suffix}")
    assert not list(tmp_path.iterdir())


@pytest.mark.needs_torch
@pytest.mark.slow
def test_the_state_dict_computes_the_same_in_torch(run, tmp_path):
    experiment.export(run, tmp_path / "net.pth")
    found = experiment.load(run)
    pictures = np.random.default_rng(1).integers(0, 256, (5, *found.preprocessing["shape"])).astype(np.uint8)
    np.save(tmp_path / "pictures.npy", pictures)
    code = (
        "import numpy, torch, net; made = net.Net().eval()\n"
        "made.load_state_dict(torch.load('net.pth', weights_only=True))\n"
        "pictures = torch.from_numpy(numpy.load('pictures.npy')).permute(0, 3, 1, 2)\n"
        "numpy.save('logits.npy', made(pictures).detach().numpy())"
    )
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)
    np.testing.assert_allclose(np.load(tmp_path / "logits.npy"), found.apply(found.variables, pictures), atol=1e-6)


@pytest.mark.slow
def test_a_module_of_ones_own_leaves_as_arrays_alone(root, write_rows, tmp_path, refusal):
    config = ImageExperiment(
        name="own",
        data=ImageData(source=str(write_rows(tmp_path / "rows.npz")), validation=0.2),
        model=Custom(f"{root / 'docs' / 'examples' / 'my_net.py'}:MyNet", {"width": 2}),
        train=Training(epochs=1, batch_size=64),
    )
    experiment.run(config, tmp_path / "run")
    [path] = experiment.export(tmp_path / "run", tmp_path / "net.npz")
    assert {"params/logits/kernel", "batch_stats/BatchNorm_0/mean"} <= set(np.load(path))
    for suffix in (".keras", ".h5", ".pth"):
        with refusal("my_net.py:MyNet is Flax code of your own", "export to .safetensors or .npz"):
            experiment.export(tmp_path / "run", tmp_path / f"net{suffix}")


NORMED = """
from research.models.layers import Dense, GlobalPool, Rescale, UnbiasedConv
from research.models.network import sequence
from research.models.normalization import BatchNorm

def normed(outputs):
    conv = UnbiasedConv(3, stride=(2, 2), padding="same", activation="linear", name="conv")
    layers = Rescale(name="rescale"), conv, BatchNorm(activation="relu", name="norm"), GlobalPool(name="pool")
    return sequence(*layers, Dense(outputs, activation="linear", name="logits"))
"""


@pytest.mark.needs_torch
@pytest.mark.slow
def test_a_net_of_our_layers_takes_its_running_means_to_torch(write_rows, tmp_path):
    import torch

    (tmp_path / "nets.py").write_text(NORMED)
    config = ImageExperiment(
        name="normed",
        data=ImageData(source=str(write_rows(tmp_path / "rows.npz")), validation=0.2),
        model=Custom(f"{tmp_path / 'nets.py'}:normed"),
        train=Training(epochs=1, batch_size=16),
    )
    experiment.run(config, tmp_path / "run")
    path, source, beside = experiment.export(tmp_path / "run", tmp_path / "net.pth")
    state = torch.load(path, weights_only=True)
    found = experiment.load(tmp_path / "run")
    means = np.asarray(found.variables["batch_stats"]["norm"]["mean"])
    assert means.any() and (state["norm.running_mean"].numpy() == means).all()
    scope = {"__name__": "net"}
    exec(source.read_text(), scope)
    net = scope["Net"]().eval()
    net.load_state_dict(state)
    pictures = np.random.default_rng(1).integers(0, 256, (5, 8, 8, 1)).astype(np.uint8)
    logits = net(torch.from_numpy(pictures).permute(0, 3, 1, 2)).detach().numpy()
    np.testing.assert_allclose(logits, found.apply(found.variables, pictures), atol=1e-6)
    assert json.loads(beside.read_text())["classes"] == list(found.classes)


@pytest.mark.needs_keras
@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_the_keras_model_computes_the_same_in_keras(run, tmp_path, suffix):
    code = (
        "import sys; from research import experiment\n"
        "experiment.export(sys.argv[1], sys.argv[2])\n"
        "import keras, numpy\n"
        "found, model = experiment.load(sys.argv[1]), keras.saving.load_model(sys.argv[2])\n"
        "pictures = numpy.random.default_rng(1).integers(0, 256, (5, *found.preprocessing['shape']))\n"
        "ours = found.apply(found.variables, pictures.astype('uint8'))\n"
        "numpy.testing.assert_allclose(numpy.asarray(model(pictures.astype('float32'))), ours, atol=1e-6)"
    )
    command = [sys.executable, "-c", code, str(run), str(tmp_path / f"net{suffix}")]
    subprocess.run(command, check=True, env=os.environ | {"KERAS_BACKEND": "jax"})
