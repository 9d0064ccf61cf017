import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from research.models.layers import (
    Add,
    AvgPool,
    Conv,
    Dense,
    DepthwiseConv,
    Dropout,
    GlobalPool,
    MaxPool,
    Rescale,
    Shortcut,
    UnbiasedConv,
)
from research.models.network import INPUT, network, sequence, wire

KEY = jax.random.key(0)


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("stride", [(1, 1), (2, 3)])
@pytest.mark.parametrize("size", [(7, 9), (8, 5)])
def test_info_gives_the_shape_and_count_that_come_out(padding, stride, size):
    layer = Conv(6, size=(3, 2), stride=stride, padding=padding)
    x = jnp.ones((2, *size, 4))
    params = jax.jit(layer.init)(KEY, x)
    info = layer.info(((*size, 4),))
    assert layer.apply(params, x).shape[1:] == info.output
    assert sum(leaf.size for leaf in jax.tree.leaves(params)) == info.parameters
    assert info.formula == "(3*2*4 + 1)*6 = 150"
    assert info.multiply_adds == info.output[0] * info.output[1] * 3 * 2 * 4 * 6


def test_pooling_leaves_out_what_does_not_fill_a_window():
    layer = MaxPool()
    assert layer.apply({}, jnp.ones((1, 7, 5, 3))).shape[1:] == layer.info(((7, 5, 3),)).output == (3, 2, 3)


def test_rescale_takes_bytes_to_the_unit_interval():
    x = jnp.array([[0, 51, 255]], jnp.uint8)
    np.testing.assert_allclose(Rescale().apply({}, x), [[0, 0.2, 1]], atol=1e-7)


def test_dropout_keeps_the_mean_and_does_nothing_outside_training():
    net = sequence(Dropout(0.25, name="drop"))
    x = jnp.ones((4, 5000))
    out, _ = net.apply({}, x, True, rngs={"dropout": KEY})
    assert set(np.unique(out).round(5)) == {0.0, np.float32(4 / 3).round(5)}
    assert abs(float(out.mean()) - 1) < 0.02
    np.testing.assert_array_equal(net.apply({}, x, False)[0], x)


def test_initial_kernels_are_glorot_uniform():
    kernel = jax.jit(Dense(300).init)(KEY, jnp.ones((1, 200)))["params"]["kernel"]
    limit = np.sqrt(6 / (200 + 300))
    assert float(jnp.abs(kernel).max()) <= limit
    assert abs(float(kernel.std()) - limit / np.sqrt(3)) < 0.01 * limit


@pytest.mark.slow
def test_a_pool_before_its_activation_equals_one_after():
    x = jax.random.normal(KEY, (3, 6, 6, 2))
    conv, pool = Conv(4, name="conv"), MaxPool(name="pool")
    net = network(wire(pool, wire(conv, INPUT)))
    params = jax.jit(net.init)(KEY, x)
    out, taps = net.apply(params, x)
    np.testing.assert_array_equal(out, pool.apply({}, jax.nn.relu(taps["conv/pre"])))
    np.testing.assert_array_equal(taps["conv"], jax.nn.relu(taps["conv/pre"]))


def test_the_largest_of_all_positions_has_the_slope_of_one_of_them():
    x = jnp.asarray(np.random.default_rng(0).integers(0, 3, (4, 5, 3, 2)), jnp.float32)  # with ties
    pool = GlobalPool("max")
    np.testing.assert_array_equal(pool.apply({}, x), np.asarray(x).max(axis=(1, 2)))
    slope = np.asarray(jax.grad(lambda x: pool.apply({}, x).sum())(x))
    assert (slope.sum(axis=(1, 2)) == 1).all() and set(np.unique(slope)) == {0, 1}
    assert (np.asarray(x)[slope > 0] == 2).all()


@pytest.mark.slow
@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("stride", [(1, 1), (2, 3)])
def test_a_depthwise_convolution_is_that_of_flax(padding, stride):
    layer = DepthwiseConv((3, 2), stride=stride, padding=padding)
    peer = nn.Conv(4, (3, 2), stride, padding.upper(), feature_group_count=4)
    x = jax.random.normal(KEY, (2, 7, 9, 4))
    variables = {"params": {**layer.init(KEY, x)["params"], "bias": jnp.arange(4.0)}}
    found, info = layer.apply(variables, x), layer.info((x.shape[1:],))
    np.testing.assert_allclose(found, peer.apply(variables, x), rtol=1e-4, atol=1e-5)
    assert found.shape[1:] == info.output and info.formula == "(3*2 + 1)*4 = 28" and info.parameters == 28
    assert info.multiply_adds == found[0].size * 6


@pytest.mark.slow
def test_a_convolution_without_biases_has_the_kernel_alone():
    x = jax.random.normal(KEY, (2, 7, 9, 4))
    layer, biased = (kind(6, stride=(2, 2), padding="same") for kind in (UnbiasedConv, Conv))
    variables = layer.init(KEY, x)
    info = layer.info((x.shape[1:],))
    assert list(variables["params"]) == ["kernel"] and info.formula == "3*3*4*6 = 216" and info.parameters == 216
    with_zeros = {"params": {**variables["params"], "bias": jnp.zeros(6)}}
    np.testing.assert_array_equal(layer.apply(variables, x), biased.apply(with_zeros, x))


@pytest.mark.parametrize(("window", "stride"), [((2, 2), None), ((3, 2), (1, 2))])
def test_mean_pools_are_means_of_windows(window, stride):
    x = np.asarray(jax.random.normal(KEY, (2, 7, 5, 3)))
    layer = AvgPool(window, stride)
    found, (down, across) = layer.apply({}, jnp.asarray(x)), stride or window
    assert found.shape[1:] == layer.info((x.shape[1:],)).output
    for row, column in np.ndindex(*found.shape[1:3]):
        part = x[:, row * down : row * down + window[0], column * across : column * across + window[1]]
        np.testing.assert_allclose(found[:, row, column], part.mean(axis=(1, 2)), rtol=1e-4, atol=1e-6)


def test_sums_are_of_one_shape():
    x = jax.random.normal(KEY, (2, 4, 4, 3))
    np.testing.assert_array_equal(Add().apply({}, x, 2 * x, x), x + 2 * x + x)
    assert Add().info(((4, 4, 3), (4, 4, 3))).output == (4, 4, 3)
    with pytest.raises(ValueError, match="sum adds maps of one shape, not"):
        Add(name="sum").info(((4, 4, 3), (4, 4, 2)))


@pytest.mark.parametrize("side", [4, 5])
def test_a_shortcut_takes_every_other_position_and_adds_zeros(side):
    x = jax.random.normal(KEY, (2, side, side, 3))
    layer = Shortcut(5)
    found = layer.apply({}, x)
    assert found.shape[1:] == layer.info((x.shape[1:],)).output
    np.testing.assert_array_equal(found[..., :3], x[:, ::2, ::2])
    assert not found[..., 3:].any()
