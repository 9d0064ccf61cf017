import jax
import jax.numpy as jnp
import numpy as np
import pytest

from research.errors import UserError
from research.models.layers import Concat, Conv, Dense, Flatten, GlobalPool, MaxPool, Rescale
from research.models.lowering.convolution import max_pool
from research.models.network import INPUT, network, sequence, wire
from research.models.single_filter import single_filters


@pytest.fixture(scope="module")
def branching():
    """A net of every kind of layer that has filters, its parameters, and all taps of three pictures."""
    handle = wire(Conv(5, size=(3, 2), stride=(2, 1), padding="same", name="a"), INPUT)
    handle = wire(MaxPool(name="pool"), handle)
    one = wire(Conv(4, size=(1, 1), activation="tanh", name="one"), handle)
    both = wire(Concat(name="both"), one, wire(Conv(3, padding="same", name="three"), handle))
    hidden = wire(Dense(6, name="hidden"), wire(Flatten(name="flatten"), both))
    net = network(wire(Dense(3, activation="softmax", name="out"), hidden))
    pictures = jax.random.normal(jax.random.key(0), (3, 13, 11, 2))
    params = jax.jit(net.init)(jax.random.key(1), pictures)["params"]
    params = jax.tree.map(lambda leaf: jax.random.normal(jax.random.key(2), leaf.shape), params)
    return net, params, jax.jit(net.apply)({"params": params}, pictures)[1] | {"input": pictures}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["a", "a/pre", "pool", "one", "one/pre", "three", "both", "flatten", "hidden", "out"])
def test_a_filter_alone_responds_as_within_its_layer(branching, name):
    net, params, taps = branching
    after, before = [], []
    for respond, given in single_filters(net, params, name, taps[name].shape[-1]):
        found = jax.vmap(lambda own, respond=respond: respond(own, taps), out_axes=-1)(given)
        after.append(found[0])
        before.append(found[1])
    wanted = taps["out/pre"] if name == "out" else taps[name]  # a softmax needs all
    np.testing.assert_allclose(jnp.concatenate(after, axis=-1), wanted, rtol=1e-4, atol=1e-5)
    if f"{name}/pre" in taps:
        np.testing.assert_allclose(before[0], taps[f"{name}/pre"], rtol=1e-4, atol=1e-5)


@pytest.mark.slow
def test_what_a_pool_would_pass_on_without_the_nonlinearity(branching):
    net, params, taps = branching
    [(respond, given)] = single_filters(net, params, "pool", 5)
    after, before = jax.vmap(lambda own: respond(own, taps), out_axes=-1)(given)
    assert respond.sources == ("a/pre",) and respond.rectified
    np.testing.assert_allclose(before, max_pool(taps["a/pre"], window=(2, 2)), rtol=1e-6)
    np.testing.assert_allclose(after, np.maximum(before, 0), rtol=1e-6)
    [(flat, _)] = single_filters(net, params, "flatten", 7)
    assert flat.sources == ("one/pre", "three/pre") and not flat.rectified  # a tanh is among them


@pytest.mark.slow
def test_how_a_filter_responds_can_be_hashed_and_compared(branching):
    net, params, _ = branching
    [(one, _)], [(same, _)], [(other, _)] = (single_filters(net, params, name, 4) for name in ("one", "one", "three"))
    assert hash(one) == hash(same) and one == same != other


def test_a_layer_before_all_filters_names_those_after():
    net = sequence(Rescale(name="rescale"), Conv(2, name="conv"), GlobalPool(name="pool"), Dense(2, name="logits"))
    with pytest.raises(UserError, match=r"rescale has no filters, .*; these layers have: conv, pool, logits"):
        single_filters(net, {}, "rescale", 3)
