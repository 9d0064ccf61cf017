import jax
import jax.numpy as jnp
import numpy as np
import pytest

from research.models.classifiers import cnn, dense_sequence, dense_wired
from research.models.layers import Dense
from research.models.network import INPUT, network, wire
from research.trees import count, named_leaves

KEY = jax.random.key(1)
PICTURES = np.random.default_rng(0).integers(0, 256, (5, 28, 28, 1)).astype(np.uint8)


@pytest.mark.slow
def test_the_dense_net_built_both_ways_is_one_net():
    one, other = (build((512, 32), 10, 0.3) for build in (dense_sequence, dense_wired))
    params, others = (jax.jit(net.init)(KEY, PICTURES)["params"] for net in (one, other))
    assert named_leaves(params).keys() == named_leaves(others).keys()
    for name, leaf in named_leaves(params).items():
        np.testing.assert_array_equal(leaf, named_leaves(others)[name])
    for train in (False, True):
        rngs = {"dropout": jax.random.key(2)}
        a, b = (net.apply({"params": params}, PICTURES, train, rngs=rngs)[0] for net in (one, other))
        np.testing.assert_array_equal(a, b)


def test_the_courses_counts():
    dense = jax.eval_shape(dense_sequence((512,), 10).init, KEY, PICTURES)["params"]
    conv = jax.eval_shape(cnn((32, 64, 64), (64,), 10).init, KEY, PICTURES)["params"]
    assert count(dense) == 407_050
    assert {name: count(leaves) for name, leaves in conv.items()} == {
        "conv1": 320,
        "conv2": 18_496,
        "conv3": 36_928,
        "dense1": 36_928,
        "logits": 650,
    }


def test_taps_are_what_the_layers_compute():
    net = dense_sequence((6,), 3)
    params = jax.jit(net.init)(KEY, PICTURES)["params"]
    logits, taps = net.apply({"params": params}, PICTURES)
    hidden = PICTURES.reshape(5, -1) / np.float32(255) @ params["dense1"]["kernel"] + params["dense1"]["bias"]
    np.testing.assert_allclose(taps["dense1/pre"], hidden, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(taps["dense1"], np.maximum(taps["dense1/pre"], 0))
    np.testing.assert_array_equal(taps["logits"], logits)


def test_a_layer_may_feed_two_and_its_weights_are_shared():
    shared = Dense(4, name="shared")
    first = wire(shared, INPUT)
    net = network(wire(Dense(2, name="b"), wire(Dense(4, name="a"), first)))
    assert [layer.name for layer in net.layers] == ["shared", "a", "b"]
    assert net.wires == ((-1,), (0,), (1,))


def test_an_examples_logits_do_not_depend_on_its_neighbours():
    net = cnn((4, 4), (8,), 3)
    params = jax.jit(net.init)(KEY, PICTURES)
    alone = net.apply(params, PICTURES[2:3])[0]
    np.testing.assert_allclose(net.apply(params, PICTURES)[0][2:3], alone, rtol=1e-5, atol=1e-6)


@pytest.mark.slow
def test_any_size_and_class_count():
    for shape, classes in (((9, 13, 3), 2), ((40, 31, 1), 7)):
        for net in (cnn((4, 6), (5,), classes), dense_wired((8,), classes)):
            params = jax.jit(net.init)(KEY, jnp.zeros((1, *shape), jnp.uint8))
            assert net.apply(params, np.zeros((2, *shape), np.uint8))[0].shape == (2, classes)
