"""A VGG16 whose configuration says other things of its layers than ours have is refused, every one of them named."""

import pytest

from research.weights.load import load_weights

TOLD = {"activation": "relu", "padding": "same", "strides": [1, 1], "dilation_rate": [1, 1], "groups": 1}


def configured(leaves, **changes):
    """The layers of a config.json, as Keras tells them, with `changes` {layer: settings}."""
    names = dict.fromkeys(leaf.split("/")[0] for leaf in leaves)
    dense = {"fc1": {"activation": "relu"}, "fc2": {"activation": "relu"}, "predictions": {"activation": "softmax"}}
    kinds = {name: "Dense" if name in dense else "Conv2D" for name in names}
    told = {name: {"name": name} | dense.get(name, TOLD) | changes.get(name, {}) for name in names}
    return [{"class_name": kinds[name], "config": told[name]} for name in names]


@pytest.mark.parametrize("last", ["softmax", "linear"])
def test_what_keras_says_of_vgg16_is_what_ours_is(tmp_path, thin, wanted, write_keras3, last):
    leaves = thin(top=True)
    config = configured(leaves, predictions={"activation": last})
    assert load_weights(write_keras3(tmp_path / "v.keras", leaves, config=config), wanted(leaves), "vgg16").leaves


@pytest.mark.parametrize("inner", [False, True])
def test_every_layer_that_is_another_is_named(tmp_path, thin, wanted, write_keras3, refusal, inner):
    leaves = thin(top=True)
    changes = {"block1_conv1": {"activation": "elu"}, "block3_conv2": {"strides": [2, 2], "padding": "valid"}}
    config = configured(leaves, **changes, fc2={"activation": {"class_name": "LeakyReLU"}})
    if inner:
        config = [*configured(leaves), {"class_name": "Functional", "config": {"name": "in", "layers": config[:5]}}]
    path = write_keras3(tmp_path / "v.keras", leaves, config=config)
    words = ["block1_conv1 (activation elu, ours relu)"]
    if not inner:
        words += [
            "block3_conv2 (padding valid, ours same, strides [2, 2], ours [1, 1])",
            "fc2 (activation a custom Leaky",
        ]
    with refusal("of another kind", *words):
        load_weights(path, wanted(leaves), "vgg16")


def test_a_configuration_that_cannot_be_read_is_refused(tmp_path, thin, wanted, write_keras3, refusal):
    leaves = thin()
    with refusal("damaged", "configuration cannot be read"):
        load_weights(write_keras3(tmp_path / "v.keras", leaves, config=[1]), wanted(leaves), "vgg16")
