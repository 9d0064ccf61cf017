"""Nets of the literature: their published sizes, and the residual sum by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from research.models.ready_nets import lenet5, resnet20, vgg_bn
from research.models.summary import summarize
from research.trees import count

COLOUR = (32, 32, 3)


@pytest.mark.parametrize(
    ("net", "parameters", "multiply_adds"),
    [(lenet5(10), 62_006, 651_720), (vgg_bn(10), 288_746, None), (resnet20(10), 269_722, 40_551_040)],
)
def test_sizes_are_those_published(net, parameters, multiply_adds):
    rows = summarize(net, COLOUR)
    variables = jax.eval_shape(net.init, jax.random.key(0), jax.ShapeDtypeStruct((1, *COLOUR), np.uint8))
    assert sum(row["parameters"] for row in rows) == count(variables["params"]) == parameters
    assert multiply_adds in (None, sum(row["multiply_adds"] for row in rows))
    assert rows[-1]["output_shape"] == [10]


def test_resnet_has_twenty_layers_with_kernels_and_its_stages_halve_the_sides():
    rows = summarize(resnet20(10), COLOUR)
    assert sum(row["kind"] in ("conv", "dense") for row in rows) == 20
    sums = [row["output_shape"] for row in rows if row["kind"] == "add"]
    assert sums == [[32, 32, 16]] * 3 + [[16, 16, 32]] * 3 + [[8, 8, 64]] * 3


@pytest.mark.slow
def test_a_block_adds_what_it_reads():
    net = resnet20(3, blocks=1, widths=(2, 4))
    x = np.random.default_rng(0).integers(0, 256, (2, 6, 6, 3)).astype(np.uint8)
    _, taps = jax.jit(net.apply)(jax.jit(net.init)(jax.random.key(0), x[:1]), x)
    shortcut = jnp.pad(taps["stage1_block1_sum"][:, ::2, ::2], ((0, 0), (0, 0), (0, 0), (0, 2)))
    wanted = jax.nn.relu(taps["stage2_block1_conv2_bn"] + shortcut)
    np.testing.assert_allclose(taps["stage2_block1_sum"], wanted, rtol=1e-5, atol=1e-6)
