"""Nothing of the future, of later parts or of what nobody measured is within reach of a forecaster."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from research.config import ConvForecaster, DenseForecaster, RecurrentForecaster, SeriesData, SeriesExperiment
from research.experiment.series.build import build, windowed

CONFIG = SeriesExperiment(
    name="hours",
    data=SeriesData(context="4h", horizon="6h", calendar=("time_of_day",), reference="day", smooth=1.0, validation=0.3),
)
MODELS = {
    "dense": DenseForecaster(hidden=(5,)),
    "cnn": ConvForecaster(channels=(4, 4)),
    "lstm": RecurrentForecaster(hidden=(4,)),
    "gru": RecurrentForecaster(cell="gru", hidden=(4,)),
    "rnn": RecurrentForecaster(cell="rnn", hidden=(4,)),
    "stacked": RecurrentForecaster(hidden=(4, 3)),
    "decoder": RecurrentForecaster(cell="lstm", hidden=(4,), decoder="autoregressive"),
}
QUICK = ("dense", "cnn", "lstm", "decoder")
KINDS = [kind if kind in QUICK else pytest.param(kind, marks=pytest.mark.slow) for kind in MODELS]


def with_data(**changes):
    return dataclasses.replace(CONFIG, data=dataclasses.replace(CONFIG.data, **changes))


def test_training_does_not_see_validation_without_early_stopping(write_series, tmp_path):
    def disturbed(columns):
        flow = columns["flow"].copy()
        flow[188:] = 3 * flow[188:] + 100
        return columns | {"flow": flow}

    config = with_data(source=str(write_series(tmp_path / "hours.csv")))
    other = build(with_data(source=str(write_series(tmp_path / "other.csv", disturbed))))
    usual = build(config)
    for name, mine in usual.windows["train"]._asdict().items():
        np.testing.assert_array_equal(mine, getattr(other.windows["train"], name))
    np.testing.assert_array_equal(usual.windows["validation"].expected, other.windows["validation"].expected)
    np.testing.assert_array_equal(usual.reference.spread, other.reference.spread)


@pytest.mark.parametrize("kind", KINDS)
def test_forecasts_depend_on_their_context_and_on_nothing_else(kind, write_series, tmp_path):
    config = dataclasses.replace(with_data(source=str(write_series(tmp_path / "hours.csv"))), model=MODELS[kind])
    plan = build(config)
    params = plan.initialize(jax.random.key(0))
    rows, start = windowed(plan.windows["train"], plan.sizes), jnp.array([30])

    def forecast(values):
        return plan.apply(params, rows._replace(values=values).windows(start)[0], None)[0][0, ..., 0]

    slopes = np.abs(np.asarray(jax.jacobian(forecast)(rows.values))).sum(axis=(0, 1))  # [R, F]
    assert (slopes[30:34] > 0).all()
    assert not slopes[:30].any() and not slopes[34:].any()


@pytest.mark.parametrize("kind", KINDS)
def test_what_stands_for_the_unknown_is_never_read(kind, write_series, tmp_path):
    def gappy(columns):
        flow = columns["flow"].copy()
        flow[::5] = np.nan
        return columns | {"flow": flow}

    source = str(write_series(tmp_path / "hours.csv", gappy))
    config = dataclasses.replace(with_data(source=source, missing="mask", reference="mean"), model=MODELS[kind])
    plan = build(config)
    params = plan.initialize(jax.random.key(0))
    rows, starts = windowed(plan.windows["train"], plan.sizes), jnp.arange(20)
    other = rows._replace(values=jnp.where(rows.known > 0, rows.values, 1e7))
    assert int((rows.known == 0).sum()) > 30
    usual, changed = (plan.apply(params, each.windows(starts)[0], None)[0] for each in (rows, other))
    assert np.isfinite(usual).all()
    np.testing.assert_array_equal(usual, changed)


def test_means_and_spreads_are_of_training_alone_and_profiles_of_what_is_past(write_series, tmp_path):
    """A change of validation changes nothing of what test is scaled by, and of a profile only what test is given."""

    def later(columns):
        flow = columns["flow"].copy()
        flow[10 * 24 : 11 * 24] += 500  # a day of validation
        return columns | {"flow": flow}

    sources = [str(write_series(tmp_path / "a.csv")), str(write_series(tmp_path / "b.csv", later))]
    for reference, alike in (("mean", True), ("day", False)):
        one, two = (build(with_data(source=source, reference=reference, test=0.15)) for source in sources)
        for split in ("train", "validation"):
            np.testing.assert_array_equal(one.windows[split].expected, two.windows[split].expected)
        assert np.array_equal(one.windows["test"].expected, two.windows["test"].expected) == alike
        np.testing.assert_array_equal(one.windows["test"].spread, two.windows["test"].spread)
