"""A head on a net of one's own with its weights: trained, loaded and examined; and MobileNet, equal to Keras'."""

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path

import jax
import numpy as np
import pytest
from PIL import Image

from research import experiment
from research.config import (
    Custom,
    ImageData,
    ImageExperiment,
    Microscope,
    Optimizer,
    PretrainedNet,
    Training,
    from_json,
    load,
    to_json,
)
from research.experiment.images.transfer import load_pretrained
from research.experiment.microscope import microscope
from research.experiment.microscope.loaded_net import load_net
from research.models.custom import own_base
from research.models.own_base import base_variables, dotted
from research.trees import named_leaves

BASE = """
import flax.linen as nn

class Base(nn.Module):
    width: int = 6
    @nn.compact
    def __call__(self, x, train=False):
        x = nn.Conv(self.width, (3, 3), 2, use_bias=False, name="first")(x)
        x = nn.relu(nn.BatchNorm(use_running_average=not train, name="first_bn")(x))
        return nn.relu(nn.Conv(5, (1, 1), name="second")(x))
"""
WHOLE = f"""{BASE}

class Whole(nn.Module):
    classes: int
    @nn.compact
    def __call__(self, x, train=False):
        maps = Base(name="base")(x)
        return nn.Dense(self.classes, name="logits")(maps.mean((1, 2)))
"""
PARAMETERS, STATISTICS, HEAD = 27 * 6 + 12 + 6 * 5 + 5, 12, (5 + 1) * 2
KERAS = """
import sys
import keras, numpy as np
from mobilenet_weights import arrays
keras.utils.set_random_seed(1)
net = keras.applications.MobileNet(include_top=False, weights=None, input_shape=(None, None, 3))
generator = np.random.default_rng(0)
for layer in net.layers:
    if isinstance(layer, keras.layers.BatchNormalization):
        layer.set_weights([generator.uniform(0.8, 1.2, w.shape) for w in layer.get_weights()[:3]]
                          + [generator.uniform(0.01, 0.05, w.shape) for w in layer.get_weights()[3:]])
pixels = generator.integers(0, 256, (2, 97, 70, 3)).astype(np.uint8)
wanted = net(pixels.astype(np.float32) / 127.5 - 1)
np.savez(sys.argv[1], **arrays(net))
np.savez(sys.argv[2], pixels=pixels, wanted=np.asarray(wanted))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with red and green pictures, the file of a base, and its weights."""
    folder, generator = tmp_path_factory.mktemp("base"), np.random.default_rng(0)
    for name, channel in (("green", 1), ("red", 0)):
        (folder / "colours" / name).mkdir(parents=True)
        for index in range(40):
            pixels = generator.integers(0, 130, (14, 12, 3)).astype(np.uint8)
            pixels[..., channel] += 40
            Image.fromarray(pixels).save(folder / "colours" / name / f"{index}.png")
    (folder / "nets.py").write_text(BASE)
    np.savez(folder / "base.npz", **arrays())
    return folder


def arrays():
    """Weights of `BASE` at random, under the names of its leaves."""
    generator = np.random.default_rng(1)
    shapes = {"first/kernel": (3, 3, 3, 6), "second/kernel": (1, 1, 6, 5), "second/bias": (5,)}
    shapes |= dict.fromkeys(("first_bn/scale", "first_bn/bias", "batch_stats/first_bn/mean"), (6,))
    found = {name: generator.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    return found | {"batch_stats/first_bn/var": generator.uniform(0.5, 2, 6).astype(np.float32)}


@pytest.fixture(scope="module")
def config(folder):
    return ImageExperiment(
        name="base",
        data=ImageData(source=str(folder / "colours"), size=16, validation=0.2, test=0.25),
        model=PretrainedNet(base=Custom(f"{folder / 'nets.py'}:Base"), weights=str(folder / "base.npz")),
        optimizer=Optimizer(learning_rate=0.05),
        train=Training(epochs=30, batch_size=16),
    )


@pytest.fixture(scope="module")
def trained(config, folder):
    """The run directory of the head, trained to its end."""
    record = experiment.run(config, folder / "run")
    assert record["status"] == "finished" and record["metrics"]["test"]["accuracy"] > 0.9
    return folder / "run"


def test_the_head_alone_is_trained_and_the_base_counted(config, trained):
    record = json.loads((trained / "record.json").read_text())
    assert record["parameters"] == {"total": PARAMETERS + HEAD, "trainable": HEAD}
    assert record["net"]["source"] == "nets.py:Base"
    assert from_json(to_json(config)) == config


def test_the_net_is_the_module_with_its_weights_under_the_head(folder, trained):
    net = experiment.load(trained)
    pixels = np.random.default_rng(2).integers(0, 256, (3, 16, 16, 3)).astype(np.uint8)
    given, scope = arrays(), {}
    exec(BASE, scope)
    stats = {"first_bn": {name: given[f"batch_stats/first_bn/{name}"] for name in ("mean", "var")}}
    params = {
        layer: {part: given[f"{layer}/{part}"] for part in ("kernel", "scale", "bias") if f"{layer}/{part}" in given}
        for layer in ("first", "first_bn", "second")
    }
    maps = scope["Base"]().apply({"params": params, "batch_stats": stats}, pixels / np.float32(255))
    head = {name: np.asarray(leaf) for name, leaf in named_leaves(net.variables["params"]).items() if "head" in name}
    wanted = maps.mean((1, 2)) @ head["head/logits/kernel"] + head["head/logits/bias"]
    np.testing.assert_allclose(net.apply(net.variables, pixels), wanted, rtol=1e-4, atol=1e-5)


def test_a_picture_gets_the_probabilities_of_the_loaded_net(folder, trained):
    [answer] = experiment.predict(trained, folder / "colours" / "red" / "3.png")
    net = experiment.load(trained)
    assert answer["class"] == "red" and set(answer["probabilities"]) == set(net.classes)


@pytest.mark.slow
def test_the_microscope_shows_the_base_before_and_after_training(config, folder, trained, monkeypatch):
    monkeypatch.chdir(folder)
    Path("config.py").write_text(
        "from research.config import *\n"
        "def get_config():\n"
        "    model = PretrainedNet(base=Custom('nets.py:Base'), weights='base.npz')\n"
        f"    return ImageExperiment(name='elsewhere', data=ImageData(source='{folder / 'colours'}'), model=model)\n"
    )
    assert load_net("config.py").layers == ("first", "first_bn", "second")
    assert load_net(trained).layers == ("first", "first_bn", "second", "head/logits")
    microscope(str(trained), Microscope(layers=("second",), filters=(1,), steps=2, size=16), out=folder / "page")
    assert (folder / "page" / "microscope.html").is_file()


def test_a_net_of_ones_own_starts_from_a_file_and_keeps_what_is_frozen(folder, config, refusal, tmp_path):
    (folder / "whole.py").write_text(WHOLE)
    whole = dataclasses.replace(
        config,
        model=Custom(f"{folder / 'whole.py'}:Whole"),
        start=str(folder / "base.npz"),
        train=Training(epochs=2, batch_size=16, freeze=("base/*",)),
    )
    named = {name.replace("first", "base/first").replace("second", "base/second"): a for name, a in arrays().items()}
    np.savez(folder / "base.npz.named", **named)
    with refusal("has no leaf that this net has"):
        experiment.run(whole, tmp_path / "run")
    record = experiment.run(dataclasses.replace(whole, start=str(folder / "base.npz.named.npz")), tmp_path / "run")
    assert len(record["start"]["leaves"]) == len(named)
    leaves = named_leaves(experiment.load(tmp_path / "run").variables)
    for name, array in named.items():
        kept = leaves[name if name.startswith("batch_stats") else f"params/{name}"]
        np.testing.assert_array_equal(kept, array)


def test_what_does_not_fit_is_refused_in_a_line(config, folder, trained, refusal, tmp_path):
    def other(**fields):
        return dataclasses.replace(config, model=dataclasses.replace(config.model, **fields))

    def with_arrays(change):
        np.savez(tmp_path / "changed.npz", **change(arrays()))
        return other(weights=str(tmp_path / "changed.npz"))

    with refusal("model.weights is missing", "nets.py:Base"):
        experiment.run(other(weights=None), tmp_path / "run")
    with refusal("nets.py:Base", "missing: first_bn/bias", "inspect FILE --base CONFIG"):
        experiment.run(with_arrays(lambda a: {n: v for n, v in a.items() if n != "first_bn/bias"}), tmp_path / "run")
    with refusal("extra: third/kernel"):
        experiment.run(with_arrays(lambda a: a | {"third.kernel": np.ones(3, np.float32)}), tmp_path / "run")
    with refusal("of another shape", "second/bias is 4, not 5"):
        experiment.run(with_arrays(lambda a: a | {"second/bias": np.ones(4, np.float32)}), tmp_path / "run")
    with refusal("model.fine_tune is 1", "base of your own"):
        experiment.run(other(fine_tune=1), tmp_path / "run")
    with refusal("a base is a Flax Linen module"):
        (tmp_path / "pair.py").write_text("net = (lambda key, x: {'params': {}}, lambda variables, x: x)")
        experiment.run(other(base=Custom(f"{tmp_path / 'pair.py'}:net")), tmp_path / "run")
    text = (folder / "nets.py").read_text()
    (folder / "nets.py").write_text(text.replace("relu", "tanh"))
    with refusal("nets.py was edited"):
        list(experiment.predict(trained, folder / "colours" / "red" / "3.png"))
    (folder / "nets.py").write_text(text)


def test_dotted_names_of_parameters_and_statistics():
    assert dotted("params/Block_0/Conv_0/kernel") == "Block_0.Conv_0.kernel"
    assert dotted("batch_stats/Block_0/BatchNorm_0/mean") == "batch_stats.Block_0.BatchNorm_0.mean"


@pytest.mark.slow
@pytest.mark.needs_keras
def test_mobilenet_of_the_examples_gives_what_keras_gives(root, tmp_path):
    examples = root / "docs" / "examples"
    command = [sys.executable, "-c", KERAS, str(tmp_path / "mobilenet.npz"), str(tmp_path / "wanted.npz")]
    path = {"PYTHONPATH": str(examples), "KERAS_BACKEND": "jax"}
    done = subprocess.run(command, env=os.environ | path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    model = dataclasses.replace(
        load(str(examples / "mobilenet_config.py")).model, weights=str(tmp_path / "mobilenet.npz")
    )
    net, loaded = own_base(model.base), load_pretrained(model, None)
    variables = base_variables(net, {name.partition("/")[2]: leaf for name, leaf in loaded.leaves.items()})
    case = np.load(tmp_path / "wanted.npz")
    found = jax.jit(net.apply)(variables, case["pixels"])[0]
    assert found.shape == case["wanted"].shape == (2, 3, 2, 1024)
    np.testing.assert_allclose(found, case["wanted"], rtol=1e-4, atol=1e-4)
