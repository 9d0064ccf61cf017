import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from research.config import Optimizer
from research.training.optimizer import build_optimizer, build_schedule

PARAMS = {"kernel": jnp.array([1.0, -2.0])}
SLOPE = {"kernel": jnp.array([0.3, 4.0])}


def first_update(config):
    optimizer = build_optimizer(config, total_steps=10, steps_per_epoch=5)
    return np.asarray(optimizer.update(SLOPE, optimizer.init(PARAMS), PARAMS)[0]["kernel"])


def test_first_updates_in_closed_form():
    rate = 0.1
    np.testing.assert_allclose(first_update(Optimizer("sgd", rate, momentum=0.0)), [-0.03, -0.4], rtol=1e-6)
    np.testing.assert_allclose(first_update(Optimizer("adam", rate)), [-0.1, -0.1], rtol=1e-4)
    decayed = first_update(Optimizer("adamw", rate, weight_decay=0.5))
    np.testing.assert_allclose(decayed, [-0.1 - 0.1 * 0.5 * 1.0, -0.1 + 0.1 * 0.5 * 2.0], atol=1e-5)
    np.testing.assert_allclose(first_update(Optimizer("rmsprop", rate)), [-0.1 / np.sqrt(0.1)] * 2, rtol=1e-4)


def test_clipping_bounds_the_global_norm():
    update = first_update(Optimizer("sgd", 1.0, momentum=0.0, clip_norm=0.5))
    np.testing.assert_allclose(np.linalg.norm(update), 0.5, rtol=1e-5)
    np.testing.assert_allclose(update / update[0], SLOPE["kernel"] / SLOPE["kernel"][0], rtol=1e-5)


@pytest.mark.parametrize("name", ["adam", "adamw", "sgd", "rmsprop"])
def test_a_group_has_a_rate_of_its_own_and_the_first_pattern_counts(name):
    params = {layer: {"kernel": jnp.array([1.0, -2.0]), "bias": jnp.array([0.5])} for layer in ("block5", "head")}
    slopes = jax.tree.map(lambda leaf: 0.3 * leaf, params)

    def updates(*rates):
        optimizer = build_optimizer(Optimizer(name, 0.1, rates=rates), total_steps=10, steps_per_epoch=5)
        state, found = optimizer.init(params), None
        for _ in range(3):
            found, state = optimizer.update(slopes, state, params)
        return found

    usual, grouped = updates(), updates(("block5/*", 0.25), ("*/bias", 0.0))
    for leaf, factor in (("kernel", 0.25), ("bias", 0.25)):
        np.testing.assert_allclose(grouped["block5"][leaf], factor * usual["block5"][leaf], rtol=1e-6)
    np.testing.assert_array_equal(grouped["head"]["kernel"], usual["head"]["kernel"])
    np.testing.assert_array_equal(grouped["head"]["bias"], 0.0)


@pytest.mark.parametrize("kind", ["constant", "cosine", "linear", "exponential"])
def test_schedules_start_at_the_peak_and_end_at_the_share(kind):
    config = Optimizer("adam", 0.2, schedule=kind, final_share=0.1)
    rate = build_schedule(config, total_steps=100, steps_per_epoch=10)
    values = np.array([rate(step) for step in range(101)])
    np.testing.assert_allclose(values[0], 0.2, rtol=1e-6)
    np.testing.assert_allclose(values[100], 0.2 if kind == "constant" else 0.02, rtol=1e-5)
    assert (np.diff(values) <= 1e-9).all()


def test_warmup_rises_and_then_meets_the_peak():
    config = Optimizer("adam", 0.2, schedule="cosine", warmup_epochs=2)
    rate = build_schedule(config, total_steps=100, steps_per_epoch=10)
    np.testing.assert_allclose([rate(0), rate(10), rate(20)], [0, 0.1, 0.2], atol=1e-6)
    assert rate(30) < 0.2


def test_every_name_of_the_configuration_has_an_optimizer():
    for name in ("adam", "adamw", "sgd", "rmsprop"):
        config = Optimizer(name)
        assert isinstance(build_optimizer(config, total_steps=1, steps_per_epoch=1), optax.GradientTransformation)
