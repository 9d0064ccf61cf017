import jax
import jax.numpy as jnp
import numpy as np
import pytest

from research.errors import UserError
from research.models.decoder import Decoder, last_known
from research.models.forecasters import ForecastSpec, recurrent_forecaster
from research.models.lowering.recurrence import run_cell
from research.models.recurrent import cell_of

CELLS = [cell_of("rnn"), cell_of("lstm"), cell_of("gru"), cell_of("gru", reset_after=False)]
SPEC = ForecastSpec(horizon=4, channels=3, calendar=2)


def stepped(cell, params, state, window):
    """The decoder as a loop."""
    answer, answers = last_known(window), []
    kernel, recurrent = params["kernel"], params["recurrent"]
    for step in range(SPEC.horizon):
        x = jnp.concatenate([answer, window["calendar"][:, 6 + step]], axis=-1)
        state = plain_step(cell, x @ kernel, state, recurrent, params["bias"])
        answer = state[0] @ params["output_kernel"] + params["output_bias"]
        answers.append(answer)
    return jnp.stack(answers, axis=1)


def plain_step(cell, z, state, recurrent, bias):
    units = state[0].shape[-1]
    if cell.kind == "rnn":
        return (jnp.tanh(z + state[0] @ recurrent + bias),)
    if cell.kind == "lstm":
        i, f, g, o = jnp.split(z + state[0] @ recurrent + bias, 4, axis=-1)
        memory = jax.nn.sigmoid(f) * state[1] + jax.nn.sigmoid(i) * jnp.tanh(g)
        return jax.nn.sigmoid(o) * jnp.tanh(memory), memory
    own, back = bias if bias.ndim == 2 else (bias, jnp.zeros_like(bias))
    z, h = z + own, state[0]
    gates = z[:, : 2 * units] + h @ recurrent[:, : 2 * units] + back[: 2 * units]
    u, r = jnp.split(jax.nn.sigmoid(gates), 2, axis=-1)
    last, slope = recurrent[:, 2 * units :], back[2 * units :]
    new = jnp.tanh(z[:, 2 * units :] + (r * (h @ last + slope) if bias.ndim == 2 else (r * h) @ last))
    return (u * h + (1 - u) * new,)


@pytest.mark.slow
@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_each_step_reads_the_answer_of_the_one_before(window, cell):
    read = window()
    layer = Decoder(5, 4, 2, cell)
    encoded = [jax.random.normal(jax.random.key(index), (2, 6, 5)) for index in range(1 + len(cell.extra_states))]
    params = jax.jit(layer.init)(jax.random.key(3), encoded[0], read, *encoded[1:])["params"]
    noise = jax.random.normal(jax.random.key(4), (2, 100))
    params = jax.tree.map(lambda leaf: leaf + 0.3 * noise.reshape(-1)[: leaf.size].reshape(leaf.shape), params)
    found, taps = layer.apply({"params": params}, encoded[0], read, *encoded[1:])
    wanted = stepped(cell, params, tuple(states[:, -1] for states in encoded), read)
    np.testing.assert_allclose(found, wanted, atol=1e-5)
    assert list(taps) == ["hidden", *cell.extra_states] and {tap.shape for tap in taps.values()} == {(2, 4, 5)}
    answers = taps["hidden"] @ params["output_kernel"] + params["output_bias"]
    np.testing.assert_allclose(found, answers, atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["lstm", *(pytest.param(kind, marks=pytest.mark.slow) for kind in ("rnn", "gru"))])
def test_it_goes_on_where_the_encoder_ends(window, kind):
    """With the encoder's own weights, and an answer that is fed back as it is given, the state goes on unbroken."""
    read = window(context=6, horizon=4, channels=3, calendar=0)
    net = recurrent_forecaster(ForecastSpec(4, 3), kind, (3,), decoder="autoregressive")
    params = jax.jit(net.init)(jax.random.key(0), read)["params"]
    encoder = params[f"{kind}1"]
    params["decoder"] = encoder | {"output_kernel": jnp.eye(3), "output_bias": jnp.zeros(3)}
    _, taps = net.apply({"params": params}, read)
    fed = jnp.concatenate([taps["scaled"], last_known(read)[:, None], taps["decoder"][:, :-1]], axis=1)
    states, _ = run_cell(cell_of(kind), fed, encoder["kernel"], encoder["recurrent"], encoder["bias"])
    np.testing.assert_allclose(taps["decoder/hidden"], states[0][:, 6:], atol=1e-5)


@pytest.mark.slow
def test_a_step_knows_the_calendar_up_to_itself(window):
    read = window()
    net = recurrent_forecaster(SPEC, "lstm", (5,), decoder="autoregressive")
    params = jax.jit(net.init)(jax.random.key(0), read)
    forecast = jax.jacrev(lambda calendar: net.apply(params, read | {"calendar": calendar})[0])
    jacobian = jax.jit(forecast)(read["calendar"])
    reached = np.abs(np.asarray(jacobian)).sum(axis=(0, 2, 3, 4, 6)) > 0  # [step of the horizon, step]
    np.testing.assert_array_equal(reached[:, 6:], np.tri(4, dtype=bool))
    assert reached[:, :6].all()


def test_the_first_input_is_the_last_value_that_is_known(window):
    read = window()
    read["known"] = read["known"].at[0, 4:, 1].set(0).at[1, :, 2].set(0)
    scaled = read["values"]
    wanted = np.array(scaled[:, 5])
    wanted[0, 1], wanted[1, 2] = scaled[0, 3, 1], 0
    np.testing.assert_array_equal(last_known(read), wanted)


def test_quantiles_are_not_fed_back():
    with pytest.raises(UserError, match=r"feeds one forecast back, not 3 quantiles; take --model.decoder direct"):
        recurrent_forecaster(ForecastSpec(4, 3, quantiles=3), decoder="autoregressive")
