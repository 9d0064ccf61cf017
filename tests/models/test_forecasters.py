import jax
import jax.numpy as jnp
import numpy as np
import pytest

from research.errors import UserError
from research.models.apply import apply_of
from research.models.forecasters import ForecastSpec, cnn_forecaster, dense_forecaster, recurrent_forecaster
from research.models.receptive_fields import receptive_field
from research.models.summary import summarize
from research.models.taps import run_taps, tap_names
from research.trees import count, named_leaves

SPEC = ForecastSpec(horizon=4, channels=3, calendar=2, mask=True)
QUANTILES = SPEC._replace(quantiles=3)
ASKED = ("dense", "cnn flat", "lstm")  # for quantiles
NETS = {
    "dense": dense_forecaster(QUANTILES, (8, 7)),
    "cnn": cnn_forecaster(SPEC, (4, 5), (6,), dropout=0.5),
    "cnn flat": cnn_forecaster(QUANTILES, (4,), kernel=2, readout="flatten"),
    "lstm": recurrent_forecaster(QUANTILES, "lstm", (5, 6), dense=(4,), dropout=0.5),
    "gru": recurrent_forecaster(SPEC, "gru", (5,), reset_after=False, gates="hard_sigmoid"),
    "rnn steps": recurrent_forecaster(SPEC, "rnn", (5,), decoder="autoregressive"),
    "lstm steps": recurrent_forecaster(SPEC, "lstm", (4, 5), decoder="autoregressive", dropout=0.5),
    "gru steps": recurrent_forecaster(SPEC, "gru", (5,), decoder="autoregressive"),
}


@pytest.fixture(scope="module")
def made(window):
    """{name: (net, parameters, taps)}, worked out once."""
    read, found, generator = window(), {}, np.random.default_rng(0)
    for name, net in NETS.items():
        like = jax.eval_shape(net.init, jax.random.key(0), read)["params"]
        params = jax.tree.map(lambda leaf: jnp.asarray(generator.normal(0, 0.5, leaf.shape), leaf.dtype), like)
        found[name] = net, params, jax.jit(net.apply)({"params": params}, read)[1]
    return found


@pytest.mark.parametrize("name", NETS)
def test_a_window_becomes_its_horizon(made, name):
    _, _, taps = made[name]
    assert taps["forecast"].shape == (2, 4, 3, QUANTILES.quantiles if name in ASKED else 1)
    assert taps["forecast"].dtype == jnp.float32 and np.isfinite(taps["forecast"]).all()


@pytest.mark.parametrize("name", NETS)
def test_the_summary_tells_the_shapes_and_counts_of_the_running_net(made, name):
    net, params, taps = made[name]
    rows = summarize(net, (6, 3))
    assert {row["name"]: row["output_shape"] for row in rows} == {
        each: list(taps[each].shape[1:]) for each in net.names
    }
    assert sum(row["parameters"] for row in rows) == count(params)
    assert all(len(row["receptive_field"]) == 1 and row["receptive_field"][0] <= 6 for row in rows)


BUILDERS = {
    "dense": lambda spec: dense_forecaster(spec, (8,)),
    "cnn": lambda spec: cnn_forecaster(spec, (4,)),
    "lstm": lambda spec: recurrent_forecaster(spec, "lstm", (5,)),
}


@pytest.mark.parametrize("name", BUILDERS)
@pytest.mark.parametrize(("output", "curve"), [("sigmoid", lambda x: 1 / (1 + np.exp(-x))), ("tanh", np.tanh)])
def test_an_output_bends_the_last_layer_and_nothing_else(window, name, output, curve):
    read = window()
    linear, activated = BUILDERS[name](SPEC), BUILDERS[name](SPEC._replace(output=output))
    params = linear.init(jax.random.key(0), read)
    (answers, _), (found, _) = linear.apply(params, read), activated.apply(params, read)
    np.testing.assert_allclose(np.asarray(found), curve(np.asarray(answers)), rtol=1e-4, atol=1e-4)


def test_an_autoregressive_decoder_has_a_linear_output():
    with pytest.raises(UserError, match=r"output is linear, not sigmoid; take --model\.decoder direct"):
        recurrent_forecaster(SPEC._replace(output="sigmoid"), "lstm", (5,), decoder="autoregressive")


@pytest.mark.parametrize("name", ["cnn", "lstm", "lstm steps"])
def test_every_tap_is_listed_and_run_by_itself(made, window, name):
    net, params, taps = made[name]
    assert set(tap_names(net)) == {tap for tap in taps if not tap.endswith("/pre")}
    found = run_taps(net, params, window(), list(taps))
    for tap, value in taps.items():
        np.testing.assert_allclose(found[tap], value, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("name", ["dense", "cnn flat", "lstm", "gru steps"])
def test_every_leaf_is_trained_and_nothing_unknown_is_read(made, window, name):
    net, params, _ = made[name]
    read = window()
    read["known"] = read["known"].at[0, 2, 1].set(0).at[1, 5].set(0)
    target = jax.random.normal(jax.random.key(0), (2, 4, 3, 1))

    def loss(params, values):
        return ((apply_of(net)({"params": params}, read | {"values": values}, None)[0] - target) ** 2).sum()

    slopes, by_values = jax.jit(jax.grad(loss, (0, 1)))(params, read["values"])
    assert all(np.abs(leaf).max() > 0 for leaf in named_leaves(slopes).values())
    assert (np.asarray(by_values)[read["known"] == 0] == 0).all() and np.abs(by_values).max() > 0


def test_the_courses_nets_have_their_names():
    assert dense_forecaster(SPEC, (8, 7), dropout=0.1).names == (
        *("scaled", "flatten", "dense1", "dropout1", "dense2", "dropout2", "head", "forecast"),
    )
    assert cnn_forecaster(SPEC, (4, 5), (6,), dropout=0.1).names == (
        *("scaled", "conv1", "conv2", "last", "dropout1", "dense1", "dropout2", "head", "forecast"),
    )
    assert recurrent_forecaster(SPEC, "lstm", (5, 6), dropout=0.1).names == (
        *("scaled", "lstm1", "dropout1", "lstm2", "last", "dropout2", "head", "forecast"),
    )
    assert recurrent_forecaster(SPEC, "gru", decoder="autoregressive").names == (
        "scaled",
        "gru1",
        "decoder",
        "forecast",
    )


def test_convolutions_double_their_dilation():
    net = cnn_forecaster(ForecastSpec(4, 1), (2, 2, 2), kernel=3)
    fields = [receptive_field(net, name, (72, 1)) for name in ("conv1", "conv2", "conv3", "last", "head")]
    assert [field.size for field in fields] == [(3,), (7,), (15,), (15,), (15,)]
    assert fields[3].seen(0) == fields[4].seen(0) == (slice(57, 72),)
    assert receptive_field(net, "forecast", (72, 1)).seen(0) == (slice(57, 72),)


@pytest.mark.parametrize("name", ["cnn", "lstm steps"])
def test_dropout_is_of_training_alone(made, window, name):
    net, params, taps = made[name]
    read, apply = window(), jax.jit(apply_of(net))
    one, same, other = (apply({"params": params}, read, jax.random.key(seed))[0] for seed in (0, 0, 1))
    np.testing.assert_array_equal(one, same)
    assert np.abs(one - other).max() > 0 and np.abs(one - taps["forecast"]).max() > 0


def test_the_forget_bias_of_a_configuration_is_where_training_starts(window):
    net = recurrent_forecaster(SPEC, "lstm", (5,), forget_bias=0.0, decoder="autoregressive")
    params = jax.jit(net.init)(jax.random.key(0), window())["params"]
    assert not params["lstm1"]["bias"].any() and not params["decoder"]["bias"].any()
