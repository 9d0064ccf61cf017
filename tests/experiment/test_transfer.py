"""Transfer from end to end, on generated pictures and generated weights of SqueezeNet."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

from research import experiment
from research.config import Experiment, ImageData, Optimizer, PretrainedNet, Training
from research.errors import UserError
from research.experiment import transfer
from research.experiment.build import build
from research.experiment.fit import load_parameters
from research.models.squeezenet import squeezenet
from research.models.transfer import transfer_net
from research.trees import from_named, named_leaves
from research.weights.ours import save_ours


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder of red and green pictures, and weights of SqueezeNet at random, He-scaled so that signals survive."""
    place, generator = tmp_path_factory.mktemp("transfer"), np.random.default_rng(0)
    for name, channel in (("green", 1), ("red", 0)):
        (place / "colours" / name).mkdir(parents=True)
        for index in range(40):
            pixels = generator.integers(0, 130, (40, 36, 3)).astype(np.uint8)
            pixels[..., channel] += 40
            Image.fromarray(pixels).save(place / "colours" / name / f"{index}.png")
    params = jax.eval_shape(lambda: squeezenet().init(jax.random.key(0), jnp.zeros((1, 32, 32, 3))))["params"]
    leaves = {}
    for name, leaf in named_leaves(params).items():
        scale = np.sqrt(2 / np.prod(leaf.shape[:-1])) if name.endswith("kernel") else 0.1
        leaves[name] = (scale * generator.standard_normal(leaf.shape)).astype(np.float32)
    save_ours(
        place / "random.safetensors",
        leaves,
        architecture="squeezenet",
        convention="caffe",
        source={"file": "generated", "sha256": ""},
    )
    return place


@pytest.fixture
def config(place):
    return Experiment(
        name="colours",
        data=ImageData(source=str(place / "colours"), size=36, validation=0.2, test=0.25),
        model=PretrainedNet(weights=str(place / "random.safetensors"), hidden=(6,)),
        optimizer=Optimizer("adamw", learning_rate=3e-3, weight_decay=0.1),
        train=Training(epochs=4, batch_size=16),
    )


@pytest.mark.parametrize("fine_tune", [0, 3])
def test_only_what_lies_above_the_cut_is_trained(config, tmp_path, fine_tune):
    tuned = dataclasses.replace(config, model=dataclasses.replace(config.model, fine_tune=fine_tune))
    record = experiment.run(tuned, tmp_path / "run")
    head, fire9 = (512 + 1) * 6 + 7 * 2, 512 * 64 + 64 + 64 * 256 + 256 + 9 * 64 * 256 + 256
    assert record["parameters"] == {"total": 722_496 + head, "trainable": head + (fire9 if fine_tune else 0)}
    assert {name.split("/")[0] for name in build(tuned).net.names} == ({"head", "fire9"} if fine_tune else {"head"})


def test_features_from_the_cache_equal_the_whole_net(config, tmp_path, place):
    experiment.run(config, tmp_path / "run")
    parts = build(config)
    like = jax.eval_shape(lambda: parts.net.init(jax.random.key(0), parts.inputs["train"][:1])["params"])
    head = load_parameters(config, like, 0, tmp_path / "run")
    ready = transfer.transfer(config.model, 2, None)
    whole = transfer_net("squeezenet", "caffe", 2, hidden=(6,))
    params = from_named(
        named_leaves(ready.frozen) | named_leaves(head),
        jax.eval_shape(lambda: whole.init(jax.random.key(0), jnp.zeros((1, 36, 36, 3), jnp.uint8))["params"]),
    )
    wanted = whole.apply({"params": params}, parts.data.test.images)[0]
    found = parts.apply(head, parts.inputs["test"], None)
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)


def test_predictions_go_through_both_parts(config, tmp_path, place):
    record = experiment.run(config, tmp_path / "run")
    answers = list(experiment.predict(tmp_path / "run", [place / "colours/red", place / "colours/green"]))
    right = np.mean([answer["class"] == answer["input"].split("/")[-2] for answer in answers])
    overall = sum(record["metrics"][s]["accuracy"] * record["data"]["sizes"][s] for s in record["metrics"]) / 80
    assert right == pytest.approx(overall)


def test_other_weights_are_other_training(config, tmp_path, place):
    experiment.run(config, tmp_path / "run")
    (tmp_path / "run/record.json").unlink()
    frozen = named_leaves(transfer.transfer(config.model, 2, None).frozen)
    leaves = {name: np.asarray(leaf) + 1 for name, leaf in frozen.items()}
    save_ours(
        tmp_path / "b.safetensors",
        leaves,
        architecture="squeezenet",
        convention="caffe",
        source={"file": "generated", "sha256": ""},
    )
    other = dataclasses.replace(
        config, model=dataclasses.replace(config.model, weights=str(tmp_path / "b.safetensors"))
    )
    with pytest.raises(UserError, match=r"model\.weights"):
        experiment.run(other, tmp_path / "run")


def test_missing_weights_say_where_to_get_them(config, tmp_path):
    lost = dataclasses.replace(config, model=PretrainedNet(backbone="vgg16"))
    with pytest.raises(UserError, match=r"weights\.py fetch vgg16.*md5 6d6bbae.*--model\.weights"):
        experiment.run(lost, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_gray_or_small_pictures_are_refused(config, tmp_path):
    for change in ({"gray": True}, {"size": 31}):
        wrong = dataclasses.replace(config, data=dataclasses.replace(config.data, **change))
        with pytest.raises(UserError, match="colour pictures of 32 pixels or more"):
            experiment.run(wrong, tmp_path / "run")
