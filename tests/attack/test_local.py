"""Logits of changed pictures, by what the changes touch, against those of the whole net."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from configs.cifar10_lenet5 import LAYERS as LENET5
from research.attack.local import GROUP, local_asker, plain_asker, window_steps
from research.attack.one_pixel import Attack, aims_of, search_pixels
from research.attack.pixels import random_candidates
from research.config import Net
from research.models.layers import Add, AvgPool, Conv, Dense, Dropout, Flatten, MaxPool, Rescale, UnbiasedConv
from research.models.network import INPUT, network, sequence, wire
from research.models.normalization import Affine
from research.models.sizes import layer_infos
from research.models.wired import wired_net

SHAPE = (9, 11, 3)


def parameters(net, shape=SHAPE):
    """Random ones, biases too."""
    params = net.init(jax.random.key(0), jnp.zeros((1, *shape)))["params"]
    return jax.tree.map(lambda leaf: leaf + 0.1 * jax.random.normal(jax.random.key(leaf.size), leaf.shape), params)


def net_of(conv, *others):
    net = sequence(
        Rescale(1 / 127.5, -1.0, name="rescale"),
        conv,
        *(others or (AvgPool(name="pool"), Conv(5, padding="same", name="conv2"))),
        Flatten(name="flatten"),
        Dense(4, activation="linear", name="logits"),
    )
    return net, parameters(net)


def branched():
    scaled = wire(Rescale(name="rescale"), INPUT)
    conv = wire(Conv(3, padding="same", name="conv"), scaled)
    inner = wire(Conv(3, padding="same", activation="linear", name="conv2"), conv)
    flat = wire(Flatten(name="flatten"), wire(Add("relu", name="sum"), inner, conv))
    net = network(wire(Dense(4, activation="linear", name="logits"), flat))
    return net, parameters(net)


NETS = {
    "LeNet": net_of(Conv(6, (5, 5), activation="tanh", name="conv1")),
    "same": net_of(Conv(4, (3, 3), padding="same", name="conv1")),
    "oblong": net_of(UnbiasedConv(4, (2, 4), padding="same", activation="linear", name="conv1")),
    "deep": net_of(
        UnbiasedConv(4, (3, 3), padding="same", activation="linear", name="conv1"),
        Affine("relu", name="norm"),
        UnbiasedConv(4, (2, 3), activation="sigmoid", name="conv2"),
        MaxPool(name="pool"),
        Dropout(0.5, name="dropout"),
        Conv(3, (1, 1), name="conv3"),
        AvgPool((1, 2), name="mean"),
    ),
    "branched": branched(),
}


@pytest.mark.parametrize("name", NETS)
@pytest.mark.parametrize("pixels", [1, 4])
def test_local_logits_are_those_of_the_whole_net(name, pixels):
    net, params = NETS[name]
    image = jnp.asarray(np.random.default_rng(0).integers(0, 256, (9, 11, 3)).astype(np.uint8))
    every = jnp.array(np.argwhere(np.ones((9, 11))))
    candidates = random_candidates(jax.random.key(1), len(every) + GROUP, pixels, image.shape)
    candidates = candidates.at[: len(every), 0, :2].set(every).at[len(every) :: 5, :, :2].set(3)  # several on one place
    local = local_asker(net, params, SHAPE)
    whole = plain_asker(lambda pictures: net.apply({"params": params}, pictures)[0])
    found = jax.jit(lambda rows: local(image)(rows))(candidates)
    np.testing.assert_allclose(found, whole(image)(candidates), atol=2e-5)


def test_windows_are_followed_as_long_as_they_are_less_work():
    net = wired_net(Net(LENET5), 10)
    params = net.init(jax.random.key(0), jnp.zeros((1, 32, 32, 3)))["params"]
    followed = window_steps(net, params, layer_infos(net, (32, 32, 3)))
    assert [step.size for step in followed] == [(5, 5), (3, 3), (7, 7), (4, 4)]  # conv1, pool1, conv2, pool2
    branched, params = NETS["branched"]
    assert len(window_steps(branched, params, layer_infos(branched, SHAPE))) == 1  # the sum reads conv, too


def test_a_search_that_asks_locally_finds_the_same():
    net, params = NETS["LeNet"]
    images = jnp.asarray(np.random.default_rng(0).integers(0, 256, (3, 9, 11, 3)).astype(np.uint8))
    whole = plain_asker(lambda pictures: net.apply({"params": params}, pictures)[0])
    aims = aims_of(net.apply({"params": params}, images)[0].argmax(1), None)
    attack = Attack(population=20, generations=4, rounding=1e-4)
    local = local_asker(net, params, SHAPE)
    found, wanted = (
        jax.jit(lambda x, asker=asker: search_pixels(jax.random.key(0), asker, x, aims, attack=attack))(images)
        for asker in (local, whole)
    )
    np.testing.assert_array_equal(found.success, wanted.success)
    np.testing.assert_array_equal(found.values, wanted.values)
    np.testing.assert_allclose(found.margin, wanted.margin, atol=1e-4)


def test_nets_that_do_not_begin_with_a_plain_convolution_have_no_local_asker():
    strided, params = net_of(Conv(4, (3, 3), (2, 2), "same", name="conv1"))
    assert local_asker(strided, params, SHAPE) is None
    dense = sequence(Rescale(name="rescale"), Flatten(name="flatten"), Dense(3, name="logits"))
    assert local_asker(dense, {}, SHAPE) is None
    scaled = wire(Rescale(name="rescale"), INPUT)
    conv = wire(Conv(3, padding="same", name="conv"), scaled)
    past = network(wire(MaxPool(name="pool"), wire(Add(name="sum"), conv, scaled)))
    assert local_asker(past, {"conv": {}}, SHAPE) is None
