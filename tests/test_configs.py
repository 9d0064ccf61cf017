"""Every shipped configuration loads, survives JSON, and has the parameters that it has always had."""

import json

import jax
import jax.numpy as jnp
import pytest

from research import config as configuration
from research.config import PretrainedNet
from research.experiment.images.build import build_network
from research.models.transfer import transfer_net
from research.trees import count

# (pixels [H, W, C], classes) of the data that the configuration names, and the count that must not change.
GOLDEN = {
    "cats_and_dogs_augmented": ((150, 150, 3), 2, 3_453_121),
    "cats_and_dogs_scratch": ((150, 150, 3), 2, 3_453_121),
    "cats_and_dogs_squeezenet": ((200, 200, 3), 2, 723_522),
    "cats_and_dogs_squeezenet_tuned": ((200, 200, 3), 2, 723_522),
    "cats_and_dogs_vgg16": ((150, 150, 3), 2, 14_714_688 + 2_097_408 + 514),
    "cats_and_dogs_vgg16_tuned": ((150, 150, 3), 2, 14_714_688 + 2_097_408 + 514),
    "digits_cnn": ((8, 8, 1), 10, 72_842),
    "digits_dense": ((8, 8, 1), 10, 38_410),
    "mnist_cnn": ((28, 28, 1), 10, 93_322),
    "mnist_cnn_short": ((28, 28, 1), 10, 93_322),
    "mnist_dense": ((28, 28, 1), 10, 407_050),
}


def test_every_configuration_has_its_golden_count(root):
    assert {path.stem for path in (root / "configs").glob("*.py")} == set(GOLDEN)


@pytest.mark.parametrize("name", GOLDEN)
def test_the_count_is_the_golden_one(root, name):
    config = configuration.load(str(root / "configs" / f"{name}.py"))
    shape, classes, parameters = GOLDEN[name]
    model = config.model
    if isinstance(model, PretrainedNet):
        shaped = {"pooling": model.pooling, "hidden": model.hidden, "dropout": model.dropout}
        net = transfer_net(model.backbone, "caffe", classes, **shaped)
    else:
        net = build_network(model, classes)
    assert count(jax.eval_shape(lambda: net.init(jax.random.key(0), jnp.zeros((1, *shape))))) == parameters
    assert config.name == name
    assert f"configs/{name}.py" in (root / "configs" / f"{name}.py").read_text(), "the docstring says how to run it"


@pytest.mark.parametrize("name", GOLDEN)
def test_json_there_and_back(root, name):
    config = configuration.load(str(root / "configs" / f"{name}.py"))
    again = configuration.from_json(json.loads(json.dumps(configuration.to_json(config))))
    assert again == config and configuration.fingerprint(again) == configuration.fingerprint(config)


def test_a_fingerprint_tells_any_field_apart(root):
    config = configuration.load(str(root / "configs/digits_cnn.py"))
    document = configuration.to_json(config)
    document["train"]["epochs"] += 1
    assert configuration.fingerprint(configuration.from_json(document)) != configuration.fingerprint(config)
