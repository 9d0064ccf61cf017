"""Least squares on random features: NumPy's solution, the known risk of ridgeless fits, and the peak at n."""

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from research.double_descent import random_features

SIZES = st.tuples(st.integers(1, 12), st.integers(1, 12), st.integers(1, 3), st.integers(0, 100))


@given(SIZES)
def test_the_solution_and_the_rank_are_those_of_numpy(sizes):
    rows, columns, outputs, seed = sizes
    generator = np.random.default_rng(seed)
    matrix, targets = generator.normal(size=(rows, columns)), generator.normal(size=(rows, outputs))
    matrix[:, -1] = matrix[:, 0]  # a column twice: not of full rank, and only the minimum norm is unique
    expected, _, rank, _ = np.linalg.lstsq(matrix, targets, rcond=None)
    found = random_features.spectrum(matrix)
    np.testing.assert_allclose(random_features.solution(found, targets), expected, rtol=1e-9, atol=1e-9)
    assert found.rank == rank


def test_the_solution_of_rank_zero_is_zero():
    assert not random_features.solution(random_features.spectrum(np.zeros((3, 2))), np.ones((3, 1))).any()


def test_features_that_are_not_finite_are_refused():
    with pytest.raises(ValueError, match="not finite"):
        random_features.spectrum(np.array([[1.0, np.nan]]))


def test_fewer_features_are_the_first_of_more():
    many = random_features.kernel(3, 5, 20)
    np.testing.assert_array_equal(random_features.kernel(3, 5, 7), many[:, :7])
    assert not np.array_equal(random_features.kernel(4, 5, 20), many)


@pytest.mark.parametrize("features", [10, 20, 60, 120])
def test_the_risk_is_that_of_the_closed_form(features):
    """Normal features: variance p / (n - p - 1) below n, n / (p - n - 1) above, and bias 1 - n / p of the signal.

    Hastie, Montanari, Rosset & Tibshirani 2022, section 3, and Belkin, Hsu & Xu 2020, "Two models of double descent".
    """
    rows, noise, generator = 40, 0.5, np.random.default_rng(0)
    signal = np.full(features, features**-0.5)
    excess = []
    for _ in range(300):
        matrix = generator.normal(size=(rows, features))
        targets = matrix @ signal + np.sqrt(noise) * generator.normal(size=rows)
        found = random_features.solution(random_features.spectrum(matrix), targets[:, None])[:, 0]
        excess.append(np.square(found - signal).sum())
    variance = features / (rows - features - 1) if features < rows else rows / (features - rows - 1)
    expected = noise * variance + max(0.0, 1 - rows / features)
    assert abs(np.mean(excess) - expected) < 4 * np.std(excess) / np.sqrt(len(excess))


def test_the_peak_is_at_the_rows_however_many_outputs_there_are():
    generator = np.random.default_rng(0)
    x, test_x = generator.normal(size=(60, 8)), generator.normal(size=(200, 8))
    widths, kernel = (20, 40, 60, 90, 180, 300, 600), random_features.kernel(0, 8, 600)
    for outputs in (1, 10):
        targets, test_y = (np.tanh(rows @ np.ones((8, outputs))) for rows in (x, test_x))
        noisy = targets + 0.3 * generator.normal(size=targets.shape)
        mse = []
        for width in widths:
            found = random_features.spectrum(random_features.features(x, kernel[:, :width]))
            predicted = random_features.features(test_x, kernel[:, :width]) @ random_features.solution(found, noisy)
            mse.append(random_features.errors(predicted, test_y)[1])
        assert widths[int(np.argmax(mse))] == 60


@pytest.mark.parametrize("shape", [(200, 200), (200, 120), (120, 200)])
@pytest.mark.parametrize("name", ["float32_default", "float32_eps"])
def test_the_cuts_in_float32_are_those_of_jax(shape, name):
    matrix, targets = ill_conditioned(shape), np.random.default_rng(0).normal(size=(shape[0], 2))
    cut = random_features.CUTS[name]
    single = (jnp.asarray(each, jnp.float32) for each in (matrix, targets))
    expected, _, rank, _ = jnp.linalg.lstsq(*single, rcond=cut.rcond)
    found = random_features.spectrum(matrix, cut)
    assert found.rank == rank and found.values.dtype == cut.precision
    difference = random_features.solution(found, targets) - expected
    assert np.linalg.norm(difference) < 0.02 * np.linalg.norm(expected)


def test_the_default_of_jax_drops_what_makes_the_peak():
    matrix, targets = ill_conditioned((200, 200)), np.random.default_rng(0).normal(size=(200, 2))
    found = {name: random_features.spectrum(matrix, cut) for name, cut in random_features.CUTS.items()}
    ranks = {name: spectrum.rank for name, spectrum in found.items()}
    assert ranks["float64"] == ranks["float32_eps"] == 200 > ranks["float32_default"] > 150
    norms = {name: np.linalg.norm(random_features.solution(of, targets)) for name, of in found.items()}
    assert norms["float32_default"] < 0.7 * norms["float64"] and 0.9 < norms["float32_eps"] / norms["float64"] < 1.1


def ill_conditioned(shape):
    """A matrix whose singular values fall from 1 to 1e-5: the default of float32 cuts at 2.4e-5, eps at 1.2e-7."""
    generator, smaller = np.random.default_rng(1), min(shape)
    left, right = (np.linalg.qr(generator.normal(size=(side, smaller)))[0] for side in shape)
    return (left * np.geomspace(1, 1e-5, smaller)) @ right.T


def test_errors_are_shares_and_sums_over_outputs():
    targets = np.eye(2)[[0, 1, 1]]
    predicted = np.array([[0.0, 1.0], [0.0, 1.0], [0.0, 3.0]])
    wrong, squared = random_features.errors(predicted, targets)
    assert wrong == pytest.approx(1 / 3) and squared == pytest.approx((2 + 0 + 4) / 3)
