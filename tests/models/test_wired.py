"""Nets made of layers as data: sizes of the literature, a residual sum by hand, and layers that do not fit."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from research.config import ImageExperiment, Net, from_json, load, to_json
from research.config.layers import (
    BatchNorm,
    Conv,
    Dense,
    DepthwiseConv,
    Dropout,
    Flatten,
    GlobalPool,
    GroupNorm,
    Pool,
    Residual,
    Subsample,
)
from research.errors import UserError
from research.models.classifiers import cnn
from research.models.summary import summarize
from research.models.wired import wired_net
from research.trees import count

COLOUR = (32, 32, 3)
ALL = (
    *(Conv(8, size=5, stride=2, padding="valid", bias=False), BatchNorm(activation="relu"), DepthwiseConv()),
    *(GroupNorm(groups=4), Residual((Conv(16, stride=2),), (Subsample(16),)), Pool(mode="avg"), Dropout(0.1)),
    *(GlobalPool(mode="max"), Dense(5, activation="tanh"), GroupNorm(groups=5)),
)


def shipped(root, name):
    return load(str(root / "configs" / f"{name}.py")).model


@pytest.mark.parametrize(
    ("name", "parameters", "multiply_adds"),
    [("cifar10_lenet5", 62_006, 651_720), ("cifar10_vgg_bn", 288_746, None), ("cifar10_resnet20", 269_722, 40_551_040)],
)
def test_sizes_are_those_published(root, name, parameters, multiply_adds):
    net = wired_net(shipped(root, name), 10)
    rows = summarize(net, COLOUR)
    variables = jax.eval_shape(net.init, jax.random.key(0), jax.ShapeDtypeStruct((1, *COLOUR), np.uint8))
    assert sum(row["parameters"] for row in rows) == count(variables["params"]) == parameters
    assert multiply_adds in (None, sum(row["multiply_adds"] for row in rows))
    assert rows[-1]["output_shape"] == [10]


def test_resnet_has_twenty_layers_with_kernels_and_its_stages_halve_the_sides(root):
    rows = summarize(wired_net(shipped(root, "cifar10_resnet20"), 10), COLOUR)
    assert sum(row["kind"] in ("conv", "dense") for row in rows) == 20
    sums = [row["output_shape"] for row in rows if row["kind"] == "add"]
    assert sums == [[32, 32, 16]] * 3 + [[16, 16, 32]] * 3 + [[8, 8, 64]] * 3


def test_the_layers_of_the_course_make_its_net():
    same = Net((Conv(4, padding="valid"), Pool(), Conv(6, padding="valid"), Flatten(), Dense(7)))
    ours, theirs = wired_net(same, 3), cnn((4, 6), (7,), 3)
    shapes = [
        [leaf.shape for leaf in jax.tree.leaves(jax.eval_shape(net.init, jax.random.key(0), jnp.zeros((1, 12, 12, 3))))]
        for net in (ours, theirs)
    ]
    assert sorted(shapes[0]) == sorted(shapes[1])


@pytest.mark.slow
def test_a_residual_adds_what_it_reads():
    net = wired_net(Net((Conv(2), Residual((Conv(4, stride=2),), (Subsample(4),)), GlobalPool())), 3)
    x = np.random.default_rng(0).integers(0, 256, (2, 6, 6, 3)).astype(np.uint8)
    _, taps = jax.jit(net.apply)(jax.jit(net.init)(jax.random.key(0), x[:1]), x)
    shortcut = jnp.pad(taps["conv1"][:, ::2, ::2], ((0, 0), (0, 0), (0, 0), (0, 2)))
    np.testing.assert_allclose(taps["sum1"], jax.nn.relu(taps["conv2"] + shortcut), rtol=1e-5, atol=1e-6)


def test_every_kind_of_layer_comes_back_from_json_and_is_wired():
    config = ImageExperiment(name="net", model=Net(ALL, pixels="symmetric"))
    assert from_json(json.loads(json.dumps(to_json(config)))) == config
    rows = summarize(wired_net(config.model, 7), (20, 20, 3))
    assert [row["name"] for row in rows] == [
        *("rescale", "conv1", "batch_norm1", "depthwise_conv1", "group_norm1", "conv2", "subsample1", "sum1", "pool1"),
        *("dropout1", "global_pool1", "dense1", "group_norm2", "logits"),
    ]


@pytest.mark.parametrize(
    ("layers", "word"),
    [
        ((Conv(3),), "end in maps"),
        ((Dense(3),), "Dense on maps"),
        ((Residual((Conv(3),)), Residual((Conv(3), Dense(3)))), r"model\.layers\.1\.layers\.1: Dense on maps"),
        ((Residual((), (Residual((Flatten(), Conv(3))),)),), r"layers\.0\.shortcut\.0\.layers\.1: Conv after"),
        ((Flatten(), Conv(3)), "Conv after a Flatten"),
        ((Residual((Flatten(),)), Dense(3)), r"layers\.0: the layers and the shortcut .* give a vector"),
        ((Residual((Conv(3, stride=2),)), Flatten()), r"sum1 adds maps of one shape.*\(sum1 reads conv1 and rescale\)"),
        ((GroupNorm(groups=2), Flatten()), "group_norm1 has 3 channels"),
    ],
)
def test_layers_that_do_not_fit_are_named(layers, word):
    with pytest.raises(UserError, match=word):
        summarize(wired_net(Net(layers), 3), COLOUR)


def test_a_wrong_value_or_field_of_a_layer_is_named():
    document = to_json(ImageExperiment(name="net", model=Net((Conv(3), Flatten()))))
    for change, word in (({"features": 0}, "features"), ({"width": 3}, "width"), ({"kind": "transformer"}, "kind")):
        broken = json.loads(json.dumps(document))
        broken["model"]["layers"][0] |= change
        with pytest.raises(UserError, match=word):
            from_json(broken)
