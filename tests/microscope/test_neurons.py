"""What a neuron wants, where that is known: of a first layer, its kernel."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from research.ascent.climb import AscentConfig
from research.ascent.parameterizations import Pixels
from research.ascent.transforms import Jitter
from research.microscope.neurons import REACH, middle, neurons
from research.models.layers import Conv, Dense, Flatten, MaxPool, Rescale
from research.models.network import sequence

SHAPE = (9, 8, 2)
PLAN = AscentConfig(steps=100, transforms=(Jitter(2),))


def way(rows, columns):
    return Pixels((rows.stop - rows.start, columns.stop - columns.start, SHAPE[2]))


def small():
    net = sequence(
        Rescale(name="rescale"),
        Conv(6, size=(3, 4), padding="same", name="conv"),
        MaxPool(name="pool"),
        Conv(3, name="deep"),
        Flatten(name="flatten"),
        Dense(2, name="logits"),
    )
    return net, jax.jit(net.init)(jax.random.key(0), jnp.zeros((1, *SHAPE)))["params"]


@pytest.mark.parametrize("scale", [1e-3, 1, 1e3])
def test_a_first_layers_neuron_wants_its_kernel_whatever_its_scale(scale):
    net, params = small()
    kernel = np.asarray(params["conv"]["kernel"])
    params = params | {"conv": {"kernel": scale * params["conv"]["kernel"], "bias": jnp.zeros(6)}}
    for each in neurons(net, params, "conv", SHAPE, way, PLAN):
        found, wanted = each.pictures[0] / 127.5 - 1, kernel[..., each.filter]
        np.testing.assert_allclose(found, REACH * wanted / np.abs(wanted).max(), atol=0.02)


@pytest.mark.slow
def test_a_deeper_neurons_picture_is_its_receptive_field():
    net, params = small()
    for each in neurons(net, params, "deep", SHAPE, way, PLAN, filters=[2, 0]):
        assert each.pictures.shape == (1, 8, 9, 2) and each.pictures.dtype == np.uint8  # wider than the picture
        assert (each.pictures[0][:, -1] == 128).all()  # padding


@pytest.mark.slow
def test_a_pools_neuron_and_one_before_its_nonlinearity_want_what_the_filter_does():
    net, params = small()
    [filtered] = neurons(net, params, "conv", SHAPE, way, PLAN, filters=[1])
    [before] = neurons(net, params, "conv/pre", SHAPE, way, PLAN, filters=[1])
    [pooled] = neurons(net, params, "pool", SHAPE, way, PLAN, filters=[1])
    np.testing.assert_allclose(before.pictures, filtered.pictures.astype(float), atol=3)
    assert pooled.pictures.shape == (1, 4, 5, 2) and pooled.score >= 0.8 * filtered.score


def test_the_middle():
    net, _ = small()
    assert middle(net, "conv/pre", SHAPE) == (4, 4) and middle(net, "pool", SHAPE) == (2, 2)
    assert middle(net, "flatten", SHAPE) == middle(net, "logits", SHAPE) == ()
    with pytest.raises(ValueError, match="logits has no places"):
        neurons(*small(), "logits", SHAPE, way, PLAN)
