"""Nets of many widths in one program: padding changes nothing, and neither do the other nets beside one."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from research.double_descent import mlp
from research.double_descent.mlp import Split

SEEDS = jnp.arange(2)


@pytest.fixture(scope="module")
def splits():
    """Two seeds of 20 training and 10 test rows of 6 inputs and 3 classes, one target each."""
    generator = np.random.default_rng(0)
    x, test_x = generator.normal(size=(2, 20, 6)), generator.normal(size=(2, 10, 6))
    y, test_y = np.eye(3)[x.argmax(axis=-1) % 3], np.eye(3)[test_x.argmax(axis=-1) % 3]
    return Split(*(jnp.asarray(each, jnp.float32) for each in (x, y[:, None], test_x, test_y)))


def trained(splits, widths, records=(5, 30)):
    nets = mlp.initial_nets(SEEDS, widths, inputs=6, classes=3)
    repeated = splits._replace(y=jnp.repeat(splits.y, len(widths), axis=1))
    rates = mlp.uniform_rates(0.02, len(widths))
    given = {"loss": "cross_entropy", "batch_size": 8}
    return jax.tree.map(np.asarray, mlp.train(nets, repeated, SEEDS, rates, jnp.asarray(records), **given))


@pytest.mark.slow
def test_a_padded_net_learns_as_it_does_alone(splits):
    together, alone = trained(splits, (4, 64)), trained(splits, (4,))
    for both in zip(together, alone, strict=True):
        padded, single = (each[:, 0] for each in both)
        np.testing.assert_allclose(padded, single, rtol=1e-4, atol=1e-5)


@pytest.mark.slow
def test_narrow_nets_are_the_first_units_of_wide_ones():
    nets = mlp.initial_nets(SEEDS, (4, 9), inputs=6, classes=3)
    np.testing.assert_array_equal(nets.hidden[:, 0, :, :4], nets.hidden[:, 1, :, :4])
    assert not nets.hidden[:, 0, :, 4:].any() and not nets.output[:, 0, 4:].any()
    np.testing.assert_allclose(2 * nets.output[:, 0, :4], 3 * nets.output[:, 1, :4], rtol=1e-6)


@pytest.mark.slow
def test_records_do_not_change_the_training(splits):
    for one, other in zip(trained(splits, (4,)), trained(splits, (4,), records=(17, 30)), strict=True):
        np.testing.assert_allclose(one[..., -1], other[..., -1], rtol=1e-5)


def test_full_batches_repeat_the_rows_in_order():
    assert mlp._batches(jnp.asarray(0), jnp.asarray(3), 20, 20).tolist() == [list(range(20))]
    batches = np.asarray(mlp._batches(jnp.asarray(0), jnp.asarray(3), 20, 8))
    assert batches.shape == (2, 8) and len(set(batches.ravel().tolist())) == 16


@pytest.mark.slow
def test_a_wide_net_learns_its_rows_by_heart(splits):
    found = trained(splits, (4, 64), records=(30, 300))
    assert not found.train_error[:, 1, -1].any() and (found.train_loss[:, 1, -1] < 0.05).all()


@pytest.mark.slow
def test_a_layer_with_a_rate_of_zero_stays(splits):
    nets, given = mlp.initial_nets(SEEDS, (5,), inputs=6, classes=3), {"loss": "squared_error", "batch_size": 20}
    rates, records = mlp.layer_rates(jnp.zeros((1, 2))), jnp.asarray([1, 200])
    found = mlp.train(nets, splits, SEEDS, rates, records, **given)
    np.testing.assert_array_equal(found.test_loss[..., 0], found.test_loss[..., 1])
    rates = mlp.layer_rates(jnp.asarray([[0.0, 0.05]]))  # random features: the loss of the output alone falls
    found = mlp.train(nets, splits, SEEDS, rates, records, **given)
    hidden = jax.nn.relu(splits.x @ nets.hidden[:, 0])
    design = np.concatenate([hidden, np.ones((2, 20, 1))], axis=-1)
    for seed in range(2):
        fit = design[seed] @ np.linalg.lstsq(design[seed], splits.y[seed, 0], rcond=None)[0]
        least = np.square(fit - splits.y[seed, 0]).sum(axis=-1).mean()
        assert least - 1e-4 <= found.train_loss[seed, 0, 1] < 1.2 * least
