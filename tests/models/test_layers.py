import jax
import jax.numpy as jnp
import numpy as np
import pytest

from research.models.layers import Conv, Dense, Dropout, GlobalPool, MaxPool, Rescale
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
