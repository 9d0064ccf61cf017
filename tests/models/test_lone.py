import jax
import jax.numpy as jnp
import numpy as np
import pytest

from research.errors import UserError
from research.models.layers import Concat, Conv, Dense, Flatten, GlobalPool, MaxPool
from research.models.lone import lone_filters
from research.models.network import INPUT, network, sequence, wire


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
    params = net.init(jax.random.key(1), pictures)["params"]
    params = jax.tree.map(lambda leaf: jax.random.normal(jax.random.key(2), leaf.shape), params)
    return net, params, net.apply({"params": params}, pictures)[1] | {"input": pictures}


@pytest.mark.parametrize("name", ["a", "one", "three", "both", "hidden", "out"])
def test_a_filter_alone_responds_as_within_its_layer(branching, name):
    net, params, taps = branching
    after, before = [], []
    for respond, given in lone_filters(net, params, name):
        found = jax.vmap(lambda own, respond=respond: respond(own, taps), out_axes=-1)(given)
        after.append(found[0])
        before.append(found[1])
    wanted = taps["out/pre"] if name == "out" else taps[name]  # a softmax needs all
    np.testing.assert_allclose(jnp.concatenate(after, axis=-1), wanted, rtol=1e-4, atol=1e-5)
    if name != "both":
        np.testing.assert_allclose(before[0], taps[f"{name}/pre"], rtol=1e-4, atol=1e-5)


def test_how_a_filter_responds_can_be_hashed_and_compared(branching):
    net, params, _ = branching
    [(one, _)], [(same, _)], [(other, _)] = (lone_filters(net, params, name) for name in ("one", "one", "three"))
    assert hash(one) == hash(same) and one == same != other


def test_a_layer_without_filters_names_those_with():
    net = sequence(Conv(2, name="conv"), GlobalPool(name="pool"), Dense(2, name="logits"))
    with pytest.raises(UserError, match="pool has no filters of its own; these layers have: conv, logits"):
        lone_filters(net, {}, "pool")
