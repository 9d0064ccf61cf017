"""Double descent over steps: gradient descent on features of two scales, and a net of one hidden layer."""

from collections.abc import Callable

import jax.numpy as jnp
import numpy as np

from research.config import EpochDescent, TwoScales
from research.double_descent import mlp, two_scales
from research.errors import UserError
from research.experiment.double_descent.digits import CLASSES, check_rows, seed_splits, seeds_of
from research.experiment.double_descent.parts import Arrays, Part

RECORDS = 120  # steps or epochs at which curves are measured, evenly in their logarithm
Show = Callable[[str, int, int], None]


def check(config: EpochDescent) -> None:
    """UserError for groups that do not fit together, steps that diverge, or rows that are not there."""
    check_rows(config)
    linear = config.two_scales
    lengths = {len(linear.features), len(linear.scales), len(linear.coefficients)}
    if len(lengths) > 1:
        raise UserError("--two-scales.features, scales and coefficients need one value for each group of features")
    if 0.0 in linear.coefficients:
        raise UserError("--two-scales.coefficients holds a 0: a group without a signal is best not learned at all")
    if sum(linear.features) >= linear.rows:
        raise UserError("--two-scales.rows must be more than all features: the closed form is of n >> D")
    # The largest eigenvalue of a sample covariance: (1 + sqrt(D / n))^2 of the largest variance (Marchenko & Pastur).
    largest = max(linear.scales) ** 2 * (1 + np.sqrt(sum(linear.features) / linear.rows)) ** 2
    if linear.step_size >= 2 / largest:
        raise UserError(f"--two-scales.step-size {linear.step_size} diverges; choose one below {2 / largest:.3g}")


def curves(config: EpochDescent, part: Part, show: Show) -> Arrays:
    """All curves, by V variants, S seeds and R records.

    two_scales/steps [R]; two_scales/measured [V, S, R] and two_scales/closed_form [V, R]: the risk with one step size,
    and with one for each group
    mlp/epochs [R]; mlp/test_error, test_loss, train_error, train_loss [V, S, R], for each of `mlp.factors`
    """
    count = len(config.mlp.factors)
    show("two scales", 0, 1)
    linear = part("two_scales", lambda: _two_scales(config))
    show("two scales", 1, 1)
    found = []
    for index in range(count):
        show("nets over epochs", index, count)
        found.append(part(f"mlp_{index}", lambda index=index: _mlp(config, config.mlp.factors[index])))
    show("nets over epochs", count, count)
    nets = {f"mlp/{name}": np.stack([of[name] for of in found]) for name in mlp.Curves._fields}
    return {f"two_scales/{name}": array for name, array in linear.items()} | nets | {"mlp/epochs": found[0]["epochs"]}


def records(last: int) -> np.ndarray:
    """Up to `RECORDS` whole steps from 1 to `last`, evenly in their logarithm."""
    return np.unique(np.geomspace(1, last, RECORDS).round().astype(int))


def model_of(config: TwoScales) -> two_scales.Regression:
    """The regression that `config` describes."""
    return two_scales.regression(config.features, config.scales, config.coefficients, config.noise_variance)


def step_sizes(config: TwoScales) -> np.ndarray:
    """Step sizes [2, D]: one for all, and those with which all groups agree when the first group is at its best."""
    model = model_of(config)
    agreed = two_scales.best_step(model, config.rows, config.step_size, feature=0)
    apart = two_scales.rates_that_agree(model, config.rows, agreed)
    return np.stack([np.full_like(apart, config.step_size), apart])


def _two_scales(config: EpochDescent) -> Arrays:
    linear = config.two_scales
    model, rates, steps = model_of(linear), step_sizes(linear), records(linear.steps)
    arrays = (model.scales, model.coefficients, model.noise_variance, rates, np.asarray(seeds_of(config)), steps)
    measured = two_scales.measured_risk(*map(jnp.asarray, arrays), rows=linear.rows)
    closed = [two_scales.closed_form_risk(model, rate, linear.rows, steps) for rate in rates]
    return {"steps": steps, "measured": np.asarray(measured).swapaxes(0, 1), "closed_form": np.stack(closed)}


def _mlp(config: EpochDescent, factors: tuple[float, float]) -> Arrays:
    """The curves [S, R] of the net with these factors of the layers' learning rates; all have one compiled program."""
    settings, seeds, at = config.mlp, jnp.asarray(seeds_of(config)), records(config.mlp.epochs)
    splits = seed_splits(config, (config.noise,))
    nets = mlp.initial_nets(seeds, [settings.width], inputs=splits.x.shape[-1], classes=CLASSES)
    rates = mlp.layer_rates(settings.learning_rate * jnp.asarray([factors]))
    given = {"loss": settings.loss, "batch_size": settings.batch_size}
    measured = mlp.train(nets, splits, seeds, rates, jnp.asarray(at), **given)
    return {"epochs": at} | {name: np.asarray(array)[:, 0] for name, array in measured._asdict().items()}
