"""Reliability, expected calibration error and Brier score against closed forms."""

import numpy as np
import pytest

from research.evaluation.calibration import brier_score, calibration_error, reliability


def test_bins_hold_their_examples_means():
    curve = reliability(np.array([0.05, 0.15, 0.19, 0.95]), np.array([False, True, False, True]), bins=10)
    assert curve["count"].tolist() == [1, 2, 0, 0, 0, 0, 0, 0, 0, 1]
    assert curve["accuracy"][[0, 1, 9]].tolist() == [0, 0.5, 1]
    assert curve["confidence"][1] == pytest.approx(0.17)
    assert np.isnan(curve["accuracy"][2:9]).all()


def test_an_edge_belongs_to_the_bin_below_it_and_one_to_the_last():
    curve = reliability(np.array([0.25, 0.5, 1.0]), np.ones(3, bool), bins=4)
    assert curve["count"].tolist() == [1, 1, 0, 1]


def test_calibration_error_weights_gaps_by_counts():
    confidence, correct = np.array([0.9, 0.9, 0.9, 0.6]), np.array([True, True, False, False])
    expected = 3 / 4 * abs(2 / 3 - 0.9) + 1 / 4 * 0.6
    assert calibration_error(reliability(confidence, correct, bins=10)) == pytest.approx(expected)


def test_who_says_80_percent_and_is_right_80_percent_is_calibrated():
    correct = np.arange(1000) % 5 > 0
    assert calibration_error(reliability(np.full(1000, 0.8), correct)) == pytest.approx(0, abs=1e-12)


def test_calibration_error_does_not_cancel_between_bins():
    curve = reliability(np.array([0.55] * 10 + [0.95] * 10), np.array([True] * 10 + [True] * 5 + [False] * 5), bins=10)
    assert calibration_error(curve) == pytest.approx(0.45)


@pytest.mark.parametrize(
    ("probabilities", "expected"),
    [([1, 0, 0], 0.0), ([0, 1, 0], 2.0), ([1 / 3] * 3, 2 / 3), ([0.5, 0.5, 0], 0.5), ([0.6, 0.3, 0.1], 0.26)],
)
def test_brier_score(probabilities, expected):
    assert brier_score(np.array([probabilities]), np.array([0])) == pytest.approx(expected)
