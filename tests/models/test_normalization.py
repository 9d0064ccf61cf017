"""Layers that normalize against Flax' own, and the form of a net without statistics."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from research.models.apply import SMALLEST_HALF, apply_of
from research.models.layers import Conv, Dense, Flatten, MaxPool
from research.models.network import sequence
from research.models.normalization import Affine, BatchNorm, GroupNorm, without_statistics
from research.models.taps import run_taps
from research.trees import count, named_leaves

X = jnp.asarray(np.random.default_rng(0).normal(3, 2, (6, 5, 4, 8)), jnp.float32)
OWN = {"scale": jnp.linspace(0.5, 2, 8), "bias": jnp.linspace(-1, 1, 8)}


def test_batch_norm_is_that_of_flax_in_training_and_after():
    layer = BatchNorm(momentum=0.7)
    peer = nn.BatchNorm(momentum=0.7, epsilon=1e-5)
    variables = layer.init(jax.random.key(0), X)
    assert jax.tree.map(jnp.shape, variables) == jax.tree.map(jnp.shape, peer.init(jax.random.key(0), X, True))
    ours = theirs = {**variables, "params": OWN}
    for step in range(3):
        found, ours_now = layer.apply(ours, X + step, train=True, mutable=["batch_stats"])
        wanted, theirs_now = peer.apply(theirs, X + step, False, mutable=["batch_stats"])
        np.testing.assert_allclose(found, wanted, atol=2e-5)
        ours, theirs = ({**each, "params": OWN} for each in (ours_now, theirs_now))
    for name, leaf in named_leaves(theirs).items():
        np.testing.assert_allclose(named_leaves(ours)[name], leaf, rtol=1e-4, err_msg=name)
    np.testing.assert_allclose(layer.apply(ours, X), peer.apply(theirs, X, True), atol=2e-5)


@pytest.mark.parametrize("groups", [1, 2, 8])
def test_group_norm_is_that_of_flax(groups):
    found = GroupNorm(groups).apply({"params": OWN}, X)
    wanted = nn.GroupNorm(groups, epsilon=1e-5).apply({"params": OWN}, X)
    np.testing.assert_allclose(found, wanted, atol=2e-5)


def test_groups_that_do_not_divide_the_channels_are_refused():
    with pytest.raises(ValueError, match="norm has 8 channels, which 3 groups do not share"):
        GroupNorm(3, name="norm").info(((5, 4, 8),))


@pytest.mark.parametrize("layer", [BatchNorm(), GroupNorm(4), Affine()])
def test_info_is_what_comes_out(layer):
    variables = layer.init(jax.random.key(0), X)
    info = layer.info((X.shape[1:],))
    assert layer.apply(variables, X).shape[1:] == info.output
    assert count(variables["params"]) == info.parameters == 16 and info.formula == "2*8 = 16"


NET = sequence(
    Conv(4, activation="linear", name="conv"),
    BatchNorm(activation="relu", name="norm"),
    MaxPool(name="pool"),
    Flatten(name="flatten"),
    Dense(3, activation="linear", name="logits"),
)
PICTURES = np.random.default_rng(1).integers(0, 256, (2 * SMALLEST_HALF, 8, 8, 1)).astype(np.uint8)


@pytest.fixture(scope="module")
def variables():
    """The variables of NET after a few steps that moved its statistics."""
    found = NET.init(jax.random.key(0), PICTURES[:1])
    for step in range(3):
        found |= apply_of(NET)(found, PICTURES[step::3][:40], jax.random.key(step))[1]
    return found


def test_a_net_without_statistics_has_the_same_outputs_and_taps(variables):
    net, params = without_statistics(NET, variables)
    found, wanted = net.apply({"params": params}, PICTURES), NET.apply(variables, PICTURES)
    np.testing.assert_allclose(found[0], wanted[0], rtol=1e-4, atol=1e-4)
    taps = run_taps(net, params, PICTURES[:4], ["conv", "norm/pre", "norm"])
    for name, tap in taps.items():
        np.testing.assert_allclose(tap, wanted[1][name][:4], rtol=1e-4, atol=1e-4)


def test_a_batch_is_normalized_as_a_whole(variables):
    _, found = apply_of(NET)(variables, PICTURES, jax.random.key(0))
    conv = NET.apply(variables, PICTURES)[1]["conv"]
    old = variables["batch_stats"]["norm"]["mean"]
    wanted = 0.9 * old + 0.1 * conv.mean(axis=(0, 1, 2))
    np.testing.assert_allclose(found["batch_stats"]["norm"]["mean"], wanted, rtol=1e-4)
