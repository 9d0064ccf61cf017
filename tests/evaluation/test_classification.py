"""`evaluate_logits` against closed forms: what a perfect, a constant and a known predictor must score."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from research.errors import UserError
from research.evaluation.classification import MISTAKES, evaluate_logits

NAMES = ("cat", "dog", "owl")
LABELS = np.array([0, 1, 2, 1, 0, 1])


def one_hot(predicted: np.ndarray, scale: float = 50.0) -> np.ndarray:
    return scale * np.eye(len(NAMES))[predicted]


def test_a_perfect_predictor_has_the_best_value_of_everything():
    found = evaluate_logits(one_hot(LABELS), LABELS, NAMES)
    assert found.accuracy == found.accuracy_high95 == 1.0
    assert found.loss == pytest.approx(0, abs=1e-12)
    assert found.brier == pytest.approx(0, abs=1e-12)
    assert found.calibration_error == pytest.approx(0, abs=1e-12)
    assert np.array_equal(found.confusion, np.diag([2, 3, 1]))
    assert len(found.mistakes["indices"]) == 0
    for scores in (found.per_class["precision"], found.per_class["recall"], found.per_class["f1"]):
        assert np.array_equal(scores, np.ones(3))


def test_equal_logits_score_as_chance():
    found = evaluate_logits(np.zeros((6, 3)), LABELS, NAMES)
    assert found.loss == pytest.approx(math.log(3), rel=1e-12)
    assert found.brier == pytest.approx((2 / 3) ** 2 + 2 / 9, rel=1e-12)
    assert found.accuracy == pytest.approx(2 / 6)  # of equal logits the first class is the prediction
    assert found.calibration_error == pytest.approx(0, abs=1e-12)  # says a third, is right a third of the time


def test_a_constant_predictor():
    found = evaluate_logits(one_hot(np.full(6, 1)), LABELS, NAMES)
    assert found.accuracy == 0.5
    assert found.per_class["precision"][1] == 0.5
    assert found.per_class["recall"].tolist() == [0, 1, 0]
    assert found.per_class["f1"][1] == pytest.approx(2 / 3)
    assert np.isnan(found.per_class["precision"][[0, 2]]).all()  # never predicted: undefined, not zero
    assert found.calibration_error == pytest.approx(0.5)
    assert found.brier == pytest.approx(1.0)  # half the examples at distance 2


def test_what_needs_no_learning_is_known():
    """Always the commonest class of these examples: no constant answer is better."""
    found = evaluate_logits(one_hot(np.full(6, 1)), LABELS, NAMES)
    assert found.baselines() == {"commonest_class": 0.5, "chance": pytest.approx(1 / 3)}
    assert evaluate_logits(one_hot(np.zeros(6, int)), LABELS, NAMES).accuracy < found.commonest_class
    assert evaluate_logits(one_hot(LABELS[:1]), LABELS[:1], NAMES).baselines()["commonest_class"] == 1


def test_confusion_has_the_truth_in_rows():
    found = evaluate_logits(one_hot(np.array([0, 1, 2, 2, 0, 2])), LABELS, NAMES)
    assert found.confusion.tolist() == [[2, 0, 0], [0, 1, 2], [0, 0, 1]]


def test_mistakes_are_the_surest_wrong_ones_surest_first():
    logits = one_hot(np.array([0, 2, 2, 0, 1, 1]), 1.0) * np.array([[1], [2], [9], [4], [3], [9]])
    found = evaluate_logits(logits, LABELS, NAMES).mistakes
    assert found["indices"].tolist() == [3, 4, 1]
    assert found["truth"].tolist() == [1, 0, 1]
    assert found["predicted"].tolist() == [0, 1, 2]
    assert found["probability"][0] == pytest.approx(math.exp(4) / (math.exp(4) + 2))


def test_mistakes_are_no_more_than_a_gallery_shows():
    labels = np.zeros(200, int)
    assert len(evaluate_logits(one_hot(np.ones(200, int)), labels, NAMES).mistakes["indices"]) == MISTAKES


@settings(max_examples=40, deadline=None)
@given(arrays(np.float64, (7, 4), elements=st.floats(-1e4, 1e4)), arrays(np.int64, 7, elements=st.integers(0, 3)))
def test_what_holds_for_any_logits(logits, labels):
    found = evaluate_logits(logits, labels, "abcd")
    assert np.array_equal(found.confusion.sum(axis=1), np.bincount(labels, minlength=4))
    assert np.array_equal(found.confusion.sum(axis=1), found.per_class["support"])
    assert np.trace(found.confusion) == found.accuracy * 7
    assert found.reliability["count"].sum() == 7
    assert 0 <= found.accuracy_low95 <= found.accuracy <= found.accuracy_high95 <= 1
    assert 0 <= found.brier <= 2
    assert 0 <= found.calibration_error <= 1
    assert 0 <= found.loss < math.inf
    shifted = evaluate_logits(logits + 3.0, labels, "abcd")  # a softmax does not see what all logits share
    assert shifted.loss == pytest.approx(found.loss, rel=1e-6, abs=1e-6)


def test_huge_logits_do_not_overflow():
    found = evaluate_logits(np.array([[1e300, -1e300], [-1e300, 1e300]]), np.array([0, 0]), "ab")
    assert found.accuracy == 0.5
    assert found.loss == pytest.approx(1e300)


def test_loss_is_computed_in_float64():
    logits = np.array([[16.0, 0.0]], np.float32)
    assert evaluate_logits(logits, np.array([0]), "ab").loss == pytest.approx(math.log1p(math.exp(-16)), rel=1e-7)


@pytest.mark.parametrize("broken", [math.nan, math.inf, -math.inf])
def test_logits_that_are_not_finite_are_named(broken):
    logits = one_hot(LABELS)
    logits[[2, 4], 1] = broken
    with pytest.raises(UserError, match=r"not finite for 2 of 6 examples \(the first is 2\).*learning rate"):
        evaluate_logits(logits, LABELS, NAMES)


@pytest.mark.parametrize(
    ("logits", "labels"),
    [
        (np.zeros((6, 2)), LABELS),
        (np.zeros((5, 3)), LABELS),
        (np.zeros((0, 3)), LABELS[:0]),
        (np.zeros((6, 3)), LABELS + 1),
        (np.zeros((6, 3)), LABELS - 1),
        (np.zeros((6, 3)), LABELS.astype(float)),
    ],
)
def test_what_does_not_fit_together_is_refused(logits, labels):
    with pytest.raises(ValueError, match=r"fit together|labels must be"):
        evaluate_logits(logits, labels, NAMES)


def test_metrics_are_flat_plain_numbers():
    metrics = evaluate_logits(one_hot(LABELS), LABELS, NAMES).metrics()
    wanted = {
        "accuracy",
        "accuracy_low95",
        "accuracy_high95",
        "balanced_accuracy",
        "loss",
        "brier",
        "calibration_error",
    }
    assert wanted == set(metrics)
    assert all(type(value) is float for value in metrics.values())


def test_balanced_accuracy_is_scikit_learns_and_weighs_classes_alike():
    from sklearn.metrics import balanced_accuracy_score

    random = np.random.default_rng(0)
    labels = np.r_[np.zeros(90, int), np.ones(9, int), 2]
    logits = random.normal(size=(100, 4)) - [0, 0, 0, 9]
    logits[np.arange(100), labels] += 1
    found = evaluate_logits(logits, labels, ("a", "b", "c", "none"))
    assert found.balanced_accuracy == pytest.approx(balanced_accuracy_score(labels, logits.argmax(1)))
    always = np.zeros((100, 4))
    always[:, 0] = 1
    constant = evaluate_logits(always, labels, ("a", "b", "c", "none"))
    assert constant.accuracy == 0.9 and constant.balanced_accuracy == pytest.approx(1 / 3)
