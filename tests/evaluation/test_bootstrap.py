"""Bootstrap intervals: against scipy's BCa, how often they hold the truth, and what may not change them."""

import numpy as np
import pytest
from scipy.stats import bootstrap

from research.evaluation import bootstrap as module
from research.evaluation.bootstrap import bootstrap_ends


def root(means):
    return np.sqrt(means)


def test_the_ends_are_scipys():
    squares = np.random.default_rng(0).lognormal(sigma=2, size=(80, 1))  # skewed: BCa is far from the percentiles
    low, high = bootstrap_ends(squares, root, resamples=20_000)
    drawn = {"n_resamples": 20_000, "method": "BCa", "random_state": np.random.default_rng(1), "vectorized": True}
    expected = bootstrap((squares[:, 0],), lambda x, axis: np.sqrt(x.mean(axis)), **drawn).confidence_interval
    assert (low[0], high[0]) == pytest.approx((expected.low, expected.high), rel=0.01)
    plain = bootstrap((squares[:, 0],), lambda x, axis: np.sqrt(x.mean(axis)), **drawn | {"method": "percentile"})
    assert plain.confidence_interval.high < 0.975 * high[0]


def test_the_interval_holds_the_truth_about_95_times_in_100():
    generator, held = np.random.default_rng(0), []
    for _ in range(300):
        low, high = bootstrap_ends(generator.normal(size=(60, 1)) ** 2, root, resamples=400)
        held.append(low[0] <= 1 <= high[0])
    assert 0.90 < np.mean(held) < 0.98


def test_the_same_seed_gives_the_same_ends_in_pieces_of_any_size(monkeypatch):
    rows = np.random.default_rng(0).random((30, 2))
    whole, other = bootstrap_ends(rows, root), bootstrap_ends(rows, root, seed=1)
    monkeypatch.setattr(module, "CELLS", 1000)
    assert np.allclose(bootstrap_ends(rows, root), whole, rtol=1e-12) and not np.allclose(whole, other)


def test_what_does_not_scatter_has_no_width_and_what_is_undefined_has_no_ends():
    rows = np.stack([np.full(9, 4.0), np.full(9, np.nan)], axis=1)
    low, high = bootstrap_ends(rows, root)
    assert low[0] == high[0] == 2.0 and np.isnan([low[1], high[1]]).all()
    assert np.isnan(bootstrap_ends(rows[:1], root)).all()
