import jax
import jax.numpy as jnp
import numpy as np
import pytest

from research.models.forecast_layers import CausalConv, Forecast, Last, Scaled
from research.models.network import sequence
from research.models.receptive_fields import receptive_field
from research.models.summary import summarize


@pytest.mark.parametrize("mask", [False, True])
def test_mask_and_calendar_follow_the_values(window, mask):
    read = window()
    layer = Scaled(mask, calendar=2)
    found = layer.apply({}, read)
    assert found.shape[1:] == layer.info(((6, 3),)).output == (6, 8 if mask else 5)
    np.testing.assert_array_equal(found[..., -2:], read["calendar"][:, :6])
    if mask:
        np.testing.assert_array_equal(found[..., 3:6], read["known"])


def test_the_number_at_an_unknown_value_does_not_matter(window):
    read = window()
    read["known"] = read["known"].at[0, 2, 1].set(0).at[1, 5].set(0)
    layer = Scaled(mask=True, calendar=2)
    jacobian = jax.jacrev(lambda values: layer.apply({}, read | {"values": values}))(read["values"])
    reached = np.abs(np.asarray(jacobian)).sum(axis=(0, 1, 2)) > 0
    np.testing.assert_array_equal(reached, read["known"] > 0)
    assert not np.asarray(layer.apply({}, read))[1, 5, :6].any()


def test_the_head_output_is_split_by_step_channel_and_quantile():
    answer = jnp.arange(2.0 * 4 * 3 * 2).reshape(2, -1)
    layer = Forecast(4, quantiles=2)
    found = layer.apply({}, answer)
    assert found.shape[1:] == layer.info(((24,),)).output == layer.info(((4, 6),)).output == (4, 3, 2)
    for b, p, f, q in np.ndindex(2, 4, 3, 2):
        assert found[b, p, f, q] == answer[b, (p * 3 + f) * 2 + q]


def test_values_and_derivatives_are_those_of_keras(recurrent_golden):
    golden = recurrent_golden["keras_conv"]
    layer = CausalConv(5, size=3, dilation=2)
    params = {"kernel": golden["weights/0"], "bias": golden["weights/1"]}

    def total(x, params):
        out = layer.apply({"params": params}, x)
        return (out * golden["pull"]).sum(), out

    (_, out), (dx, slopes) = jax.value_and_grad(total, (0, 1), has_aux=True)(golden["x"], params)
    wanted = (golden["sequence"], golden["dx"], golden["dweights/0"], golden["dweights/1"])
    for found, other in zip((out, dx, slopes["kernel"], slopes["bias"]), wanted, strict=True):
        np.testing.assert_allclose(found, other, rtol=1e-6, atol=1e-6 * np.abs(other).max())


@pytest.mark.parametrize(("sizes", "dilations"), [((3,), (1,)), ((3, 3, 3), (1, 2, 4)), ((2, 4), (3, 2)), ((1,), (5,))])
def test_a_step_sees_just_the_steps_of_its_field(sizes, dilations):
    net = sequence(
        *(CausalConv(2, k, d, activation="linear", name=f"conv{k}x{d}") for k, d in zip(sizes, dilations, strict=True)),
        Last(name="last"),
    )
    x = jnp.ones((1, 20, 1))
    params = jax.tree.map(jnp.ones_like, jax.jit(net.init)(jax.random.key(0), x))
    taps = jax.jit(jax.jacrev(lambda x: net.apply(params, x)[1]))(x)
    for name in net.names[:-1]:
        reached = np.asarray(taps[name]).sum(axis=(0, 2, 3, 5)) != 0
        field = receptive_field(net, name, (20, 1))
        for step in range(20):
            (seen,) = field.seen(step)
            met = np.flatnonzero(reached[step])
            assert seen.stop == step + 1 and met[-1] == step and met[0] >= seen.start
            assert met[0] == seen.start or step < field.size[0] - 1  # a dilation's hole, where the field is cut off
    whole = 1 + sum((k - 1) * d for k, d in zip(sizes, dilations, strict=True))
    assert summarize(net, (20, 1))[-1]["receptive_field"] == [whole]
    assert receptive_field(net, "last", (20, 1)).seen(0) == (slice(20 - whole, 20),)


def test_early_steps_meet_zeros():
    layer = CausalConv(1, size=3, dilation=2, activation="linear")
    params = {"params": {"kernel": jnp.array([[[100.0]], [[10.0]], [[1.0]]]), "bias": jnp.zeros(1)}}
    out = layer.apply(params, jnp.arange(1.0, 7.0).reshape(1, 6, 1))
    assert out[0, :, 0].tolist() == [1, 2, 13, 24, 135, 246]


def test_info_gives_the_shape_and_count_that_come_out():
    layer, x = CausalConv(6, size=4, dilation=3), jnp.ones((2, 5, 7))
    params = jax.jit(layer.init)(jax.random.key(0), x)
    info = layer.info(((5, 7),))
    assert layer.apply(params, x).shape[1:] == info.output
    assert sum(leaf.size for leaf in jax.tree.leaves(params)) == info.parameters
    assert info.formula == "(4*7 + 1)*6 = 174" and info.multiply_adds == 5 * 4 * 7 * 6
