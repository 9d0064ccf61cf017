import jax
import jax.numpy as jnp
import numpy as np
import pytest

from research.errors import UserError
from research.models.classifiers import cnn, dense_sequence
from research.models.layers import Conv, MaxPool
from research.models.network import sequence
from research.models.sizes import smallest_side
from research.models.summary import summarize
from research.trees import count


def test_the_digit_nets_formulas():
    rows = {row["name"]: row for row in summarize(cnn((32, 64, 64), (64,), 10), (28, 28, 1))}
    assert rows["conv1"]["formula"] == "(3*3*1 + 1)*32 = 320"
    assert rows["conv2"]["formula"] == "(3*3*32 + 1)*64 = 18,496"
    assert rows["dense1"]["formula"] == "(576 + 1)*64 = 36,928"
    assert rows["conv2"]["output_shape"] == [11, 11, 64]
    assert rows["conv2"]["multiply_adds"] == 11 * 11 * 9 * 32 * 64
    assert sum(row["parameters"] for row in rows.values()) == 93_322


def test_shapes_and_counts_are_those_of_the_running_net():
    net = cnn((3, 5), (7,), 4, kernel=5, padding="same")
    rows = summarize(net, (13, 11, 2))
    params = jax.jit(net.init)(jax.random.key(0), jnp.zeros((1, 13, 11, 2)))
    _, taps = net.apply(params, jnp.zeros((1, 13, 11, 2)))
    assert {row["name"]: row["output_shape"] for row in rows} == {
        name: list(tap.shape[1:]) for name, tap in taps.items() if "/" not in name
    }
    assert sum(row["parameters"] for row in rows) == count(params)


@pytest.mark.slow
def test_the_receptive_field_is_what_the_gradient_sees():
    net = sequence(
        Conv(2, size=(3, 3), name="a", activation="linear"),
        MaxPool(name="b"),
        Conv(2, size=(3, 5), stride=(2, 1), name="c", activation="linear"),
        Conv(2, size=(2, 2), name="d", activation="linear"),
    )
    x = jnp.asarray(np.random.default_rng(0).random((1, 40, 40, 1)))
    params = jax.tree.map(jnp.ones_like, jax.jit(net.init)(jax.random.key(0), x))
    # Averages instead of maxima: every input of a window then has a gradient.
    for row in summarize(net, (40, 40, 1)):
        ramp = jnp.arange(1600.0).reshape(1, 40, 40, 1)

        def middle(x, name=row["name"]):
            tap = net.apply(params, x)[1][name]
            return tap[0, tap.shape[1] // 2, tap.shape[2] // 2, 0]

        seen = np.zeros((40, 40), bool)
        for sign in (1.0, -1.0):  # the maximum is at one corner of each window, then at the other
            for flip in (lambda x: x, lambda x: x[:, :, ::-1]):
                seen |= np.asarray(jax.grad(middle)(sign * flip(ramp)))[0, :, :, 0] != 0
        rows, columns = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
        assert [rows[-1] - rows[0] + 1, columns[-1] - columns[0] + 1] == row["receptive_field"], row["name"]


def test_too_small_a_picture_is_refused_with_the_size_that_does():
    net = cnn((4, 4, 4), (), 3)
    side = smallest_side(net, 1)
    summarize(net, (side, side, 1))
    with pytest.raises(UserError, match=rf"takes {side}x{side} or more"):
        summarize(net, (side - 1, side, 1))


def test_a_dense_layer_sees_everything():
    assert summarize(dense_sequence((4,), 2), (6, 8, 1))[-1]["receptive_field"] == [6, 8]
