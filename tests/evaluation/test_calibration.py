"""Reliability, expected calibration error and Brier score against closed forms."""

import numpy as np
import pytest

from research.evaluation.calibration import brier_score, calibration_error, merged, reliability


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
    ("counts", "expected"),
    [
        ([0, 3, 0, 30, 5, 90, 7], [33, 102]),  # 3 join 30; 5 join 90; the 7 left above join those
        ([20, 20, 0], [20, 20]),
        ([2, 0, 1], [3]),  # too few in all: one bin
    ],
)
def test_bins_are_merged_until_each_has_20_examples(counts, expected):
    middles = (np.arange(len(counts)) + 0.5) / len(counts)
    confidence = np.repeat(middles, counts)
    drawn = merged(reliability(confidence, np.arange(len(confidence)) % 3 > 0, bins=len(counts)))
    assert drawn["count"].tolist() == expected
    assert (drawn["edges"][0], drawn["edges"][-1]) == (0, 1) and len(drawn["edges"]) == len(expected) + 1
    assert np.sum(drawn["confidence"] * drawn["count"]) == pytest.approx(confidence.sum())
    assert np.sum(drawn["accuracy"] * drawn["count"]) == pytest.approx(np.sum(np.arange(len(confidence)) % 3 > 0))


def test_merged_bins_have_wilsons_interval():
    drawn = merged(reliability(np.full(25, 0.9), np.arange(25) < 25))
    assert drawn["accuracy"].tolist() == [1.0]
    assert (drawn["low95"][0], drawn["high95"][0]) == pytest.approx((0.8668, 1.0), abs=1e-4)  # 1 / (1 + 1.96² / 25)


@pytest.mark.parametrize(
    ("probabilities", "expected"),
    [([1, 0, 0], 0.0), ([0, 1, 0], 2.0), ([1 / 3] * 3, 2 / 3), ([0.5, 0.5, 0], 0.5), ([0.6, 0.3, 0.1], 0.26)],
)
def test_brier_score(probabilities, expected):
    assert brier_score(np.array([probabilities]), np.array([0])) == pytest.approx(expected)
