import numpy as np

from research.evaluation.shrinking import shrinkage

DAYS = np.repeat(np.arange(8), 5)


def windows(believable):
    """Truths around 0, and forecasts that know the share `believable` [P] of them and add noise of the same size."""
    draw = np.random.default_rng(0)
    truth = draw.standard_normal((40, 24, 1))
    return believable[:, None] * truth + (1 - believable[:, None]) * draw.standard_normal(truth.shape), truth


def test_what_is_right_is_believed_and_noise_is_not():
    forecasts, truth = windows(np.linspace(1, 0, 24))
    share = shrinkage(forecasts, np.zeros_like(truth), truth, DAYS)
    assert share.shape == (24,) and (share[:3] > 0.8).all() and (share[-3:] < 0.2).all()
    assert np.polyfit(np.arange(24), share, 1)[0] < 0


def test_unit_and_level_do_not_matter():
    forecasts, truth = windows(np.full(24, 0.6))
    plain = shrinkage(forecasts, np.zeros_like(truth), truth, DAYS)
    moved = shrinkage(100 * forecasts + 7, np.full_like(truth, 7), 100 * truth + 7, DAYS)
    np.testing.assert_array_equal(plain, moved)


def test_unknown_truths_do_not_count():
    forecasts, truth = windows(np.full(24, 0.6))
    gone = np.zeros(truth.shape, bool)
    gone[3:20:4] = True
    without = shrinkage(forecasts, np.zeros_like(truth), np.where(gone, np.nan, truth), DAYS)
    wild = np.where(gone, 1e6, forecasts)
    np.testing.assert_array_equal(without, shrinkage(wild, np.zeros_like(truth), np.where(gone, np.nan, truth), DAYS))


def test_one_day_proves_nothing():
    forecasts, truth = windows(np.ones(24))
    assert not shrinkage(forecasts, np.zeros_like(truth), truth, np.zeros(40)).any()
