"""The recurrent cells against Keras, torch, a loop in NumPy, and JAX's own derivative of the same cell."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from research.models.cells import LstmCell, SimpleCell
from research.models.gates import GATES
from research.models.gru import GruCell, ResetBeforeGruCell
from research.models.lowering.recurrence import run_cell, scaled

KERAS = {
    "keras_rnn": SimpleCell(),
    "keras_lstm": LstmCell(),
    "keras_lstm_no_forget_bias": LstmCell(forget_bias=0.0),
    "keras_lstm_hard": LstmCell("hard_sigmoid"),
    "keras_gru": GruCell(),
    "keras_gru_before": ResetBeforeGruCell(),
    "keras_gru_hard": GruCell("hard_sigmoid"),
    "keras2_lstm_hard": LstmCell("hard_sigmoid_keras2"),
    "keras2_gru_before_hard": ResetBeforeGruCell("hard_sigmoid_keras2"),
}
KINDS = [SimpleCell(), LstmCell(), GruCell(), ResetBeforeGruCell()]
EVERY = [SimpleCell(), *(cell(gates) for cell in (LstmCell, GruCell, ResetBeforeGruCell) for gates in GATES)]
BATCH, STEPS, FEATURES, UNITS = 3, 9, 4, 5


@pytest.fixture
def doubles():
    """float64, for once."""
    with jax.enable_x64(True):
        yield


def numbers(cell, seed=0):
    """x, kernel, recurrent, bias: float64, and large enough for gates to saturate."""
    generator = np.random.default_rng(seed)
    columns = cell.parts * UNITS
    shapes = (BATCH, STEPS, FEATURES), (FEATURES, columns), (UNITS, columns), cell.first_bias(UNITS).shape
    return [generator.normal(0, 0.9, shape) for shape in shapes]


def close(found, wanted, tolerance):
    for one, other in zip(found, wanted, strict=True):
        one, other = np.asarray(one, np.float64), np.asarray(other, np.float64)
        assert one.shape == other.shape and np.abs(one - other).max() < tolerance * max(1.0, np.abs(other).max())


def pulled(cell, golden, weights):
    """Our hidden states, and the derivatives of their sum, weighted as in the golden file."""

    def total(x, *weights):
        hidden = run_cell(cell, x, *weights)[0][0]
        return (hidden * golden["pull"]).sum(), hidden

    (_, hidden), slopes = jax.jit(jax.value_and_grad(total, (0, 1, 2, 3), has_aux=True))(golden["x"], *weights)
    return hidden, slopes


@pytest.mark.parametrize("case", KERAS)
def test_values_and_derivatives_are_those_of_keras(recurrent_golden, case):
    golden = recurrent_golden[case]
    hidden, slopes = pulled(KERAS[case], golden, [golden[f"weights/{index}"] for index in range(3)])
    close([hidden], [golden["sequence"]], 1e-6)
    close(slopes, [golden["dx"], *(golden[f"dweights/{index}"] for index in range(3))], 1e-6)


@pytest.mark.parametrize("case", KERAS)
def test_biases_start_as_in_keras(recurrent_golden, case):
    np.testing.assert_array_equal(KERAS[case].first_bias(UNITS), recurrent_golden[case]["first_bias"])


def from_torch(kind, golden, part):
    """torch's arrays, or derivatives by them, in our layout: gates r, z, n as z, r, n; the two biases of a GRU."""
    order = [1, 0, 2] if kind == "gru" else range(golden["weights/1"].shape[0] // UNITS)
    kernel, recurrent, *biases = (
        np.concatenate([np.split(golden[f"{part}/{index}"], len(order))[block] for block in order]).T
        for index in range(4)
    )
    return kernel, recurrent, np.stack(biases) if kind == "gru" else biases


@pytest.mark.parametrize(("kind", "cell"), [("rnn", SimpleCell()), ("lstm", LstmCell()), ("gru", GruCell())])
def test_values_and_derivatives_are_those_of_torch(recurrent_golden, kind, cell):
    golden = recurrent_golden[f"torch_{kind}"]
    *weights, bias = from_torch(kind, golden, "weights")
    *wanted, dbias = from_torch(kind, golden, "dweights")
    one = kind == "gru"  # the others' two biases are a sum
    hidden, slopes = pulled(cell, golden, [*weights, bias if one else sum(bias)])
    close([hidden], [golden["sequence"]], 1e-6)
    close(slopes, [golden["dx"], *wanted, dbias if one else dbias[0]], 1e-6)
    if kind == "lstm":
        memory = run_cell(cell, golden["x"], *weights, sum(bias))[0][1]
        close([memory[:, -1]], [golden["cell"]], 1e-6)


def squash(x, gates):
    lines = {"hard_sigmoid": x / 6 + 0.5, "hard_sigmoid_keras2": 0.2 * x + 0.5}
    return np.clip(lines[gates], 0, 1) if gates in lines else 1 / (1 + np.exp(-x))


def looped(cell, x, kernel, recurrent, bias):
    """The cells as their authors wrote them, one example and one step after the other."""
    every = []
    for example in x:
        h, c, states = np.zeros(UNITS), np.zeros(UNITS), []
        for row in example:
            if cell.kind == "rnn":
                h = np.tanh(row @ kernel + h @ recurrent + bias)
            elif cell.kind == "lstm":
                i, f, g, o = np.split(row @ kernel + h @ recurrent + bias, 4)
                c = squash(f, cell.gates) * c + squash(i, cell.gates) * np.tanh(g)
                h = squash(o, cell.gates) * np.tanh(c)
            else:
                own, back = bias if bias.ndim == 2 else (bias, np.zeros(3 * UNITS))
                z, r, n = np.split(row @ kernel + own, 3)
                rz, rr, rn = np.split(recurrent, 3, axis=1)
                bz, br, bn = np.split(back, 3)
                z, r = squash(z + h @ rz + bz, cell.gates), squash(r + h @ rr + br, cell.gates)
                n = np.tanh(n + (r * (h @ rn + bn) if bias.ndim == 2 else (r * h) @ rn))
                h = z * h + (1 - z) * n
            states.append((h, c))
        every.append(states)
    return np.moveaxis(np.array(every), 2, 0)[: 1 + len(cell.extra_states)]


@pytest.mark.parametrize("cell", EVERY, ids=str)
def test_states_are_those_of_a_loop(doubles, cell):
    given = numbers(cell)
    states, last = run_cell(cell, *given)
    close(states, looped(cell, *given), 1e-12)
    close(last, [state[:, -1] for state in states], 1e-15)


def plainly(cell, x, kernel, recurrent, bias):
    """`run_cell` without a derivative of its own."""
    kernel, recurrent, bias = scaled(cell, kernel, recurrent, bias)
    start = (jnp.zeros((len(x), UNITS), x.dtype),) * (1 + len(cell.extra_states))

    def step(state, z):
        after, _ = cell.forward(state, z, recurrent, bias)
        return after, after

    states = jax.lax.scan(step, start, jnp.swapaxes(x @ kernel, 0, 1))[1]
    states = [jnp.swapaxes(state, 0, 1) for state in states]
    return states, [state[:, -1] for state in states]


FURTHER = [
    *((cell, "everything") for cell in (LstmCell("hard_sigmoid"), GruCell("hard_sigmoid_keras2"))),
    *((LstmCell(), read) for read in ("hidden", "last")),
]


@pytest.mark.parametrize(
    ("cell", "read"),
    [*((cell, "everything") for cell in KINDS), *(pytest.param(*each, marks=pytest.mark.slow) for each in FURTHER)],
    ids=str,
)
def test_the_derivative_by_hand_is_that_of_jax(doubles, cell, read):
    given = [jnp.asarray(array) for array in numbers(cell)]
    pulls = np.random.default_rng(1).normal(0, 1, (2, BATCH, STEPS, UNITS))

    def total(run, *given):
        states, last = run(cell, *given)
        if read == "hidden":
            return (states[0] * pulls[0]).sum()
        at_the_end = sum((state * pull[:, 0]).sum() for state, pull in zip(last, pulls, strict=False))
        if read == "last":
            return at_the_end
        return at_the_end + sum((state * pull).sum() for state, pull in zip(states, pulls, strict=False))

    both = jax.jit(lambda *given: [jax.grad(total, (1, 2, 3, 4))(run, *given) for run in (run_cell, plainly)])
    close(*both(*given), 1e-10)


@pytest.mark.slow
def test_the_derivative_of_the_derivative_is_that_of_jax(doubles):
    x, kernel, recurrent, bias = (jnp.asarray(array) for array in numbers(LstmCell()))

    def steepness(recurrent, run):
        slope = jax.grad(lambda recurrent: (run(LstmCell(), x, kernel, recurrent, bias)[0][0] ** 2).sum())(recurrent)
        return (slope**2).sum()

    both = jax.jit(lambda recurrent: [[jax.grad(steepness)(recurrent, run)] for run in (run_cell, plainly)])
    close(*both(recurrent), 1e-10)


@pytest.mark.slow
@pytest.mark.parametrize("cell", [LstmCell(), GruCell()], ids=str)
def test_nets_side_by_side_are_those_one_by_one(cell):
    several = [
        jnp.asarray(np.stack(arrays), jnp.float32) for arrays in zip(*(numbers(cell, s) for s in range(3)), strict=True)
    ]
    slopes = jax.grad(lambda *given: (run_cell(cell, *given)[0][0] ** 2).sum(), (0, 1, 2, 3))
    one, all_at_once = jax.jit(slopes), jax.jit(jax.vmap(slopes))
    alone = [one(*(array[index] for array in several)) for index in range(3)]
    close(all_at_once(*several), [np.stack(each) for each in zip(*alone, strict=True)], 1e-5)


@pytest.mark.parametrize("cell", KINDS, ids=str)
def test_no_state_depends_on_later_inputs(cell):
    x, *weights = (jnp.asarray(array, jnp.float32) for array in numbers(cell))
    for jacobian in jax.jit(jax.jacrev(lambda x: run_cell(cell, x, *weights)[0]))(x):
        reached = np.abs(np.asarray(jacobian)).sum(axis=(0, 2, 3, 5))  # [step of the state, step of the input]
        assert (reached[np.triu_indices(STEPS, 1)] == 0).all() and (reached[np.tril_indices(STEPS)] > 0).all()


def test_no_example_depends_on_another():
    x, *weights = (jnp.asarray(array, jnp.float32) for array in numbers(LstmCell()))
    jacobian = jax.jit(jax.jacrev(lambda x: run_cell(LstmCell(), x, *weights)[0][0]))(x)
    reached = np.abs(np.asarray(jacobian)).sum(axis=(1, 2, 4, 5))
    np.testing.assert_array_equal(reached > 0, np.eye(BATCH, dtype=bool))
