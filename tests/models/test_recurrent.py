import jax
import jax.numpy as jnp
import numpy as np
import pytest

from research.models.cells import LstmCell
from research.models.forecast_layers import Last
from research.models.gates import GATES
from research.models.layers import Dense
from research.models.lowering.recurrence import run_cell
from research.models.network import sequence
from research.models.receptive_fields import receptive_field
from research.models.recurrent import LastState, Recurrent, cell_of
from research.models.summary import summarize

CELLS = [cell_of("rnn"), cell_of("lstm"), cell_of("gru"), cell_of("gru", reset_after=False)]
X = jax.random.normal(jax.random.key(0), (2, 6, 3))


def net_of(cell, units=5):
    return sequence(
        Recurrent(units, cell, name="rec"), LastState(name="last"), Dense(4, activation="linear", name="head")
    )


@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_the_layer_runs_its_cell_on_leaves_of_keras_shapes(cell):
    layer = Recurrent(5, cell)
    params = jax.jit(layer.init)(jax.random.key(1), X)["params"]
    columns = 5 * cell.parts
    bias = (2, columns) if cell == cell_of("gru") else (columns,)
    assert {name: leaf.shape for name, leaf in params.items()} == {
        **{"kernel": (3, columns), "recurrent": (5, columns), "bias": bias}
    }
    hidden, others = layer.apply({"params": params}, X)
    wanted, last = run_cell(cell, X, params["kernel"], params["recurrent"], params["bias"])
    assert tuple(others) == layer.extra_taps() == (*cell.extra_states, "last")
    for found, state in zip((hidden, *others.values()), (*wanted, last[0]), strict=True):
        np.testing.assert_array_equal(found, state)


@pytest.mark.slow
def test_the_last_state_is_the_last_of_all():
    every, last = (sequence(Recurrent(5, name="rec"), layer(name="last")) for layer in (Last, LastState))
    params = jax.jit(every.init)(jax.random.key(0), X)
    one, other = (
        jax.value_and_grad(lambda p, net=net: (net.apply(p, X)[0] ** 2).sum())(params) for net in (every, last)
    )
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-6), one, other)
    assert summarize(every, (6, 3))[1] == summarize(last, (6, 3))[1]


@pytest.mark.parametrize("cell", CELLS, ids=str)
def test_the_summary_counts_what_is_there(cell):
    net = net_of(cell)
    shapes = jax.eval_shape(net.init, jax.random.key(0), X)["params"]
    rows = {row["name"]: row for row in summarize(net, (6, 3))}
    for name in ("rec", "head"):
        assert rows[name]["parameters"] == sum(leaf.size for leaf in jax.tree.leaves(shapes[name]))
        assert rows[name]["formula"].endswith(f"= {rows[name]['parameters']:,}")
    assert rows["rec"]["output_shape"] == [6, 5] and rows["last"]["output_shape"] == [5]
    assert rows["rec"]["multiply_adds"] == 6 * cell.parts * 5 * (3 + 5)


def test_keras_formulas():
    rows = {row["name"]: row for row in summarize(net_of(cell_of("lstm"), 64), (72, 15))}
    assert rows["rec"]["formula"] == "4*(15 + 64 + 1)*64 = 20,480"
    assert summarize(net_of(cell_of("gru"), 64), (72, 15))[0]["formula"] == "3*(15 + 64 + 2)*64 = 15,552"
    assert summarize(net_of(cell_of("rnn"), 64), (72, 15))[0]["formula"] == "(15 + 64 + 1)*64 = 5,120"


def test_weights_start_as_in_keras():
    params = jax.jit(Recurrent(40, LstmCell(forget_bias=1.0)).init)(jax.random.key(1), jnp.ones((1, 2, 30)))["params"]
    recurrent = params["recurrent"]
    np.testing.assert_allclose(recurrent @ recurrent.T, np.eye(40), atol=1e-5)
    limit = np.sqrt(6 / (30 + 160))
    assert 0.95 * limit < jnp.abs(params["kernel"]).max() <= limit
    np.testing.assert_array_equal(params["bias"], np.repeat([0, 1, 0, 0], 40))
    flax = jax.jit(Recurrent(4, LstmCell(forget_bias=0.0)).init)(jax.random.key(1), jnp.ones((1, 2, 3)))["params"][
        "bias"
    ]
    np.testing.assert_array_equal(flax, np.zeros(16))


def test_a_step_sees_itself_and_all_before_it():
    net = sequence(Recurrent(3, cell_of("gru"), name="one"), Recurrent(3, cell_of("gru"), name="two"))
    params = jax.jit(net.init)(jax.random.key(0), X)
    jacobian = jax.jit(jax.jacrev(lambda x: net.apply(params, x)[1]["two"]))(X)
    reached = np.abs(np.asarray(jacobian)).sum(axis=(0, 2, 3, 5)) > 0
    for name in ("one", "two"):
        field = receptive_field(net, name, (6, 3))
        for step in range(6):
            (seen,) = field.seen(step)
            assert seen == slice(0, step + 1)
            np.testing.assert_array_equal(np.flatnonzero(reached[step]), np.arange(6)[seen])
    assert [row["receptive_field"] for row in summarize(net, (6, 3))] == [[6], [6]]


def test_what_a_configuration_states_reaches_the_cell():
    for gates in GATES:
        assert cell_of("lstm", gates, 0.5).gates == gates and cell_of("lstm", gates, 0.5).forget_bias == 0.5
        assert cell_of("gru", gates, reset_after=False).gates == gates
    assert cell_of("gru", reset_after=True) != cell_of("gru", reset_after=False)


def test_a_memory_that_nobody_reads_costs_nothing():
    """Neither operations nor memory to keep it over all steps of a training step."""
    net = net_of(cell_of("lstm"))
    params = jax.eval_shape(net.init, jax.random.key(0), X)

    def cost(read):
        compiled = jax.jit(jax.grad(lambda params, x: read(*net.apply(params, x)))).lower(params, X).compile()
        loops = [line.split(" while(")[0] for line in compiled.as_text().splitlines() if " while(" in line]
        return compiled.cost_analysis()["flops"], max(loop.count("f32[6,2,5]") for loop in loops)

    unread = cost(lambda out, taps: (taps["rec"] ** 2).sum())
    read = cost(lambda out, taps: (taps["rec"] ** 2).sum() + (taps["rec/cell"] ** 2).sum())
    assert unread[0] < read[0] and unread[1] < read[1]
    assert unread == cost(lambda out, taps: (taps["rec"] ** 2).sum() + jax.lax.stop_gradient(taps["rec/cell"]).sum())


@pytest.mark.slow
@pytest.mark.parametrize("cell", CELLS[1:3], ids=str)
def test_it_computes_in_the_precision_of_its_leaves(cell):
    net = net_of(cell)
    params = jax.jit(net.init)(jax.random.key(0), X)
    half = jax.tree.map(lambda leaf: leaf.astype(jnp.bfloat16), params)
    out = net.apply(half, X)[0]
    slopes = jax.grad(lambda params: net.apply(params, X)[0].astype(jnp.float32).sum())(half)
    assert out.dtype == jnp.bfloat16 and {leaf.dtype for leaf in jax.tree.leaves(slopes)} == {jnp.dtype(jnp.bfloat16)}
    np.testing.assert_allclose(out.astype(jnp.float32), net.apply(params, X)[0], atol=0.05)
