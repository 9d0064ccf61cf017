"""The taps of a net of one's own: values, receptive fields as measured, and Grad-CAM by an offset."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from research.config import Custom
from research.microscope.saliency import grad_cam, gradient
from research.models.classifiers import cnn
from research.models.custom import custom_net
from research.models.custom_taps import offset_output, tap_network, with_parameters
from research.models.network import upto
from research.models.receptive_fields import receptive_field
from research.models.taps import run_taps

SIDES = (13, 15)
PICTURES = np.random.default_rng(0).integers(0, 256, (3, *SIDES, 2)).astype(np.uint8)
NETS = """
import flax.linen as nn

class Net(nn.Module):
    @nn.compact
    def __call__(self, x):
        x = nn.relu(nn.Conv(3, (3, 3), name="conv1")(x))
        x = nn.max_pool(x, (2, 2), (2, 2))
        x = nn.relu(nn.Conv(4, (3, 3), name="conv2")(x))
        self.sow("intermediates", "halves", nn.avg_pool(x, (1, 2), (1, 2)))
        x = nn.max_pool(x, (2, 2), (2, 2)).reshape(len(x), -1)
        return nn.Dense(3, name="logits")(nn.relu(nn.Dense(5, name="dense1")(x)))

class Spread(nn.Module):
    @nn.compact
    def __call__(self, x):
        x = nn.LayerNorm(reduction_axes=(1, 2, 3))(nn.Conv(4, (3, 3))(x))
        return nn.Dense(3)(x.mean(axis=(1, 2)))
"""


@pytest.fixture
def examined(tmp_path):
    """`examined(NAME)`: (custom net, its variables, the network of its taps, their parameters)."""
    (tmp_path / "nets.py").write_text(NETS)

    def make(name):
        net = custom_net(Custom(f"nets.py:{name}"), 3)
        variables = net.init(jax.random.key(0), PICTURES[:1])
        return net, variables, *tap_network(net, variables, PICTURES.shape[1:])

    return make


def ours(variables):
    """The same net as one of ours, which has all taps and formulas for its fields."""
    net = cnn((3, 4), (5,), 3, padding="same", pool_last=True)
    return net, {"params": variables["params"]}


@pytest.mark.slow
def test_the_taps_are_those_of_an_equal_net_of_ours(examined):
    _, variables, taps, params = examined("Net")
    net, own = ours(variables)
    _, wanted = net.apply(own, PICTURES)
    found = run_taps(taps, params, PICTURES, ["conv1", "conv2", "logits", "Net"])
    np.testing.assert_allclose(found["conv1"], wanted["conv1/pre"], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(found["conv2"], wanted["conv2/pre"], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(found["Net"], wanted["logits"], rtol=1e-4, atol=1e-5)
    assert taps.names == ("conv1", "conv2", "halves", "dense1", "logits", "Net")
    assert with_parameters(taps, variables) == ("conv1", "conv2", "dense1", "logits")


@pytest.mark.slow
@pytest.mark.parametrize("layer", ["conv1", "conv2"])
def test_measured_fields_are_those_of_the_formulas(examined, layer):
    _, variables, taps, _ = examined("Net")
    found, wanted = (receptive_field(net, layer, PICTURES.shape[1:]) for net in (taps, ours(variables)[0]))
    assert found[:3] == wanted[:3]


@pytest.mark.slow
def test_fields_may_differ_by_axis_and_an_unknown_one_is_the_whole_picture(examined):
    taps = examined("Net")[2]
    halves = receptive_field(taps, "halves", PICTURES.shape[1:])
    assert halves.size == (8, 10) and halves.jump == (2, 4)
    spread = examined("Spread")[2]
    for layer in ("LayerNorm_0", "Spread"):
        field = receptive_field(spread, layer, PICTURES.shape[1:])
        assert field.size == SIDES and field.jump == (0, 0)


@pytest.mark.slow
def test_saliency_is_that_of_an_equal_net_of_ours(examined):
    _, variables, taps, params = examined("Net")
    net, own = ours(variables)
    found = gradient(upto(taps, "Net"), params, PICTURES[0], 1)
    np.testing.assert_allclose(found, gradient(net, own["params"], PICTURES[0], 1), rtol=1e-3, atol=1e-6)
    _, all_taps = net.apply(own, PICTURES[:1])
    maps = all_taps["conv2/pre"]

    def logit(pre):
        pooled = jax.lax.reduce_window(jax.nn.relu(pre), -jnp.inf, jax.lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")
        hidden = jax.nn.relu(pooled.reshape(1, -1) @ own["params"]["dense1"]["kernel"])
        return (hidden @ own["params"]["logits"]["kernel"])[0, 1]

    evidence = jax.nn.relu((jax.grad(logit)(maps).mean(axis=(1, 2), keepdims=True) * maps).sum(axis=-1))[0]
    resized = np.asarray(jax.image.resize(evidence, SIDES, "bilinear"))
    np.testing.assert_allclose(grad_cam(taps, params, PICTURES[0], 1), resized / max(resized.max(), 1e-12), atol=1e-4)


@pytest.mark.slow
def test_an_offset_is_added_to_one_module(examined):
    net, variables, _, _ = examined("Net")
    plain = net.apply(variables, PICTURES)[0]
    np.testing.assert_allclose(
        offset_output(net, variables, PICTURES, "logits", jnp.float32(2.0)), plain + 2, rtol=1e-6
    )
    moved = offset_output(net, variables, PICTURES, "conv1", jnp.float32(2.0))
    assert not np.allclose(moved, plain)
