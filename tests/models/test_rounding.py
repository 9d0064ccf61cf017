"""bfloat16 on a CPU: rounded operands, products in float32; the true bfloat16 elsewhere."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from research.models.apply import SMALLEST_HALF, apply_of
from research.models.classifiers import cnn
from research.models.forecasters import ForecastSpec, cnn_forecaster, recurrent_forecaster
from research.models.layers import Dense
from research.models.network import sequence
from research.models.rounding import LARGEST, rounded

SPEC = ForecastSpec(horizon=4, channels=2, calendar=3)
RANDOM = np.random.default_rng(0)
WINDOW = {
    "values": RANDOM.standard_normal((5, 6, 2)),
    "known": np.ones((5, 6, 2)),
    "calendar": RANDOM.standard_normal((5, 10, 3)),
}
WINDOW = {name: jnp.asarray(column, jnp.float32) for name, column in WINDOW.items()}
PICTURES = RANDOM.integers(0, 256, (2 * SMALLEST_HALF, 10, 10, 1)).astype(np.uint8)

NETS = {
    "columns and Winograd, in halves": (cnn((16, 16), (16,), 3, padding="same"), PICTURES),
    "rows": (cnn((4, 8), (16,), 3, padding="same", dropout=0.5), PICTURES[:3]),
    "causal": (cnn_forecaster(SPEC, (8, 8)), WINDOW),
    "rnn": (recurrent_forecaster(SPEC, "rnn", (8,)), WINDOW),
    "lstm": (recurrent_forecaster(SPEC, "lstm", (8, 8)), WINDOW),
    "gru": (recurrent_forecaster(SPEC, "gru", (8,)), WINDOW),
    "gru, reset before": (recurrent_forecaster(SPEC, "gru", (8,), reset_after=False), WINDOW),
    "decoder": (recurrent_forecaster(SPEC, "lstm", (8,), decoder="autoregressive"), WINDOW),
}

LONG = ("columns and Winograd, in halves", "causal", "rnn", "gru, reset before", "decoder")  # to compile
QUICK = [pytest.param(name, marks=pytest.mark.slow) if name in LONG else name for name in NETS]


def started(net, inputs):
    return jax.jit(net.init)(jax.random.key(0), jax.tree.map(lambda leaf: leaf[:1], inputs))


def loss_of(apply, inputs):
    def loss(params):
        found, _ = apply(params, inputs, None)
        return jnp.mean((found - found.mean(axis=0)) ** 2), found

    return jax.jit(jax.value_and_grad(loss, has_aux=True))


def truly(net):
    """`net` on arrays of bfloat16, as an accelerator runs it."""

    def apply(params, inputs, key):
        coarse = jax.tree.map(lambda leaf: leaf.astype(jnp.bfloat16), params)
        return net.apply(coarse, inputs)[0].astype(jnp.float32), {}

    return apply


def test_numbers_are_rounded_to_the_nearest_bfloat16():
    bits = np.concatenate([np.arange(0, 2**32, 4099), (np.arange(2**16) << 16) + 2**15])  # any, and ties
    x = bits.astype(np.uint32).view(np.float32)
    x = x[(np.abs(x) < LARGEST) & (np.abs(x) > 2.0**-120)]  # denormal numbers may count as zeros
    np.testing.assert_array_equal(jax.jit(rounded)(x), x.astype(jnp.bfloat16).astype(np.float32))
    beyond = np.array([np.inf, -np.inf, np.nan, 3e38, -1e34], np.float32)
    np.testing.assert_array_equal(jax.jit(rounded)(beyond), beyond)
    assert jax.grad(rounded)(1.001) == 1


@pytest.mark.slow
@pytest.mark.parametrize("name", NETS)
def test_a_cpu_runs_no_bfloat16(name):
    net, inputs = NETS[name]
    params = jax.eval_shape(net.init, jax.random.key(0), jax.tree.map(lambda leaf: leaf[:1], inputs))
    assert "bf16[" not in str(loss_of(apply_of(net, "bfloat16"), inputs).lower(params).compile().as_text())


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow) if name in LONG else name for name in NETS]
)
def test_it_computes_what_bfloat16_does(name):
    net, inputs = NETS[name]
    params = started(net, inputs)
    (_, exact), exact_slopes = loss_of(apply_of(net), inputs)(params)
    (_, found), slopes = loss_of(apply_of(net, "bfloat16"), inputs)(params)
    (_, coarse), coarse_slopes = loss_of(truly(net), inputs)(params)
    assert 0 < distance(found, exact) <= 1.2 * distance(coarse, exact) + 1e-3
    for one, true, wanted in zip(*map(jax.tree.leaves, (slopes, coarse_slopes, exact_slopes)), strict=True):
        assert one.dtype == jnp.float32
        assert distance(one, wanted) <= 1.2 * distance(true, wanted) + 1e-3


def distance(found, wanted):
    """Relative L2."""
    found, wanted = np.asarray(found, np.float64), np.asarray(wanted, np.float64)
    return np.linalg.norm(found - wanted) / max(np.linalg.norm(wanted), 1e-30)


def test_operands_of_all_three_products_are_rounded():
    net = sequence(Dense(6, activation="linear", name="dense"))
    x, kernel, slope = (jnp.asarray(RANDOM.standard_normal(shape), jnp.float32) for shape in ((4, 5), (5, 6), (4, 6)))
    variables = {"params": {"dense": {"kernel": kernel, "bias": jnp.zeros(6)}}}
    found, pull = jax.vjp(lambda variables, x: apply_of(net, "bfloat16")(variables, x, None)[0], variables, x)
    by_variables, by_x = pull(slope)
    near = [np.asarray(each.astype(jnp.bfloat16), np.float64) for each in (x, kernel, slope)]
    for one, wanted in (
        (found, near[0] @ near[1]),
        (by_variables["params"]["dense"]["kernel"], near[0].T @ near[2]),
        (by_x, near[2] @ near[1].T),
    ):
        np.testing.assert_allclose(one, wanted, rtol=1e-5, atol=1e-6)


@pytest.mark.slow
def test_one_exported_program_has_both_ways():
    net, inputs = NETS["rows"]
    params = started(net, inputs)
    run = jax.jit(lambda params, x: apply_of(net, "bfloat16")(params, x, None)[0])
    both, one = (
        jax.export.export(run, platforms=platforms)(params, inputs).mlir_module()
        for platforms in (["cpu", "cuda"], ["cpu"])
    )
    assert "stablehlo.case" in both and "xbf16>" in both and "xbf16>" not in one
