"""Evaluated regressions: scikit-learn's numbers, what is undefined, and what intervals promise."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics

from research.errors import NotFiniteError
from research.evaluation.intervals import fewest_for, proportion
from research.evaluation.metrics import ENDS, REGRESSION_SCORES
from research.evaluation.regression import evaluate_regression, split_conformal


@pytest.fixture
def prices():
    generator = np.random.default_rng(0)
    truth = generator.lognormal(12, 0.4, 300)
    return truth * generator.lognormal(0, 0.15, 300), truth


VALUES = st.integers(-900, 10**9).map(lambda thousandths: thousandths / 1000)


@given(st.lists(st.tuples(VALUES, VALUES), min_size=2, max_size=40))
def test_scores_are_those_of_scikit_learn(pairs):
    predicted, truth = np.array(pairs).T
    found = evaluate_regression(predicted, truth)
    assert found.mae == pytest.approx(metrics.mean_absolute_error(truth, predicted))
    assert found.rmse == pytest.approx(metrics.root_mean_squared_error(truth, predicted))
    logarithmic = metrics.root_mean_squared_log_error(truth, predicted)
    assert found.rmsle == pytest.approx(logarithmic, rel=1e-6, abs=1e-12)
    if np.ptp(truth) > 1e-3 * np.abs(truth).max():
        assert found.r2 == pytest.approx(metrics.r2_score(truth, predicted), rel=1e-6, abs=1e-9)


def test_every_score_lies_in_its_interval(prices):
    found = evaluate_regression(*prices).metrics()
    assert set(found) == {f"{name}{end}" for name in REGRESSION_SCORES for end in ("", *ENDS)}
    for name in REGRESSION_SCORES:
        assert found[f"{name}_low95"] < found[name] < found[f"{name}_high95"]
    assert all(type(value) is float for value in found.values())


def test_the_interval_of_r2_holds_that_of_all_rows():
    generator, held = np.random.default_rng(1), []
    for _ in range(60):
        known, rest = generator.normal(size=(2, 100))
        found = evaluate_regression(known, known + rest)  # R² of 1/2 over all rows
        held.append(found.r2_low95 <= 0.5 <= found.r2_high95)
    assert np.mean(held) > 0.87


def test_a_change_of_unit_scales_what_is_in_that_unit_only(prices):
    predicted, truth = prices
    here, there = (evaluate_regression(factor * predicted, factor * truth) for factor in (1, 1000))
    for end in ("", *ENDS):
        for name, factor in (("mae", 1000), ("rmse", 1000), ("r2", 1)):
            assert getattr(there, name + end) == pytest.approx(factor * getattr(here, name + end)), name


def test_a_truth_far_from_zero_costs_no_digits_of_r2():
    truth = np.random.default_rng(0).normal(size=50)
    here, there = (evaluate_regression(offset + truth / 2, offset + truth) for offset in (0.0, 1e8))
    assert (there.r2, there.r2_low95) == pytest.approx((here.r2, here.r2_low95), abs=1e-6)


@pytest.mark.parametrize("value", [0.0, 0.1, 1e9 / 3])
def test_a_constant_truth_has_no_r2(value):
    constant = evaluate_regression(value + np.arange(7.0), np.full(7, value))
    assert np.isnan([constant.r2, constant.r2_low95, constant.r2_high95]).all() and constant.rmsle > 0
    assert not any(name.startswith("r2") for name in constant.metrics())


def test_resamples_of_one_value_have_no_r2():
    truth = np.array([7.7, 7.7, 7.7, 7.7, 0.7])
    found = evaluate_regression(truth + 0.1 * np.arange(5), truth)
    assert 0 < found.r2_low95 < found.r2 < found.r2_high95


def test_what_is_undefined_is_not_a_number_and_no_metric():
    for predicted, truth in ((-1.0, 3.0), (3.0, -1.0)):
        found = evaluate_regression(np.array([1.0, predicted, 2.0]), np.array([2.0, truth, 0.0]))
        assert np.isnan([found.rmsle, found.rmsle_low95]).all() and not np.isnan(found.rmse_high95)
        assert not any(name.startswith("rmsle") for name in found.metrics())
    assert set(evaluate_regression(np.ones(1), np.zeros(1)).metrics()) == {"mae", "rmse", "rmsle"}


def test_a_perfect_prediction_errs_nowhere(prices):
    found = evaluate_regression(prices[1], prices[1])
    assert (found.mae_high95, found.rmse_high95, found.rmsle_high95, found.r2_low95) == (0, 0, 0, 1)


def test_intervals_equal_worked_out_values():
    truth = np.array([0.0, 2.0, 4.0, 14.0])  # two lie on an end
    found = evaluate_regression(truth, truth, (truth * 0, np.full(4, 4.0)), 0.8)
    low, high = proportion(3, 4)
    assert found.intervals == pytest.approx(
        {
            "target": 0.8,
            "coverage": 0.75,
            "coverage_low95": low,
            "coverage_high95": high,
            "width": 4.0,
            "winkler": 4 + 10 * 10 / 4,
        }
    )
    names = ("interval_coverage", "interval_coverage_low95", "interval_width", "interval_winkler")
    assert set(names) < set(found.metrics()) and "interval_target" not in found.metrics()
    assert dataclasses.asdict(found)["intervals"]["target"] == 0.8


def test_intervals_without_an_end_hold_all_and_have_no_width():
    found = evaluate_regression(np.zeros(3), np.zeros(3), (np.full(3, -np.inf), np.full(3, np.inf)))
    assert found.metrics()["interval_coverage"] == 1.0 and "interval_width" not in found.metrics()


def test_predictions_that_are_not_finite_are_named():
    with pytest.raises(NotFiniteError, match=r"not finite for 2 of 4 rows \(the first is 1\).*learning rate"):
        evaluate_regression(np.array([0, np.nan, np.inf, 1]), np.zeros(4))


@pytest.mark.parametrize(
    ("predicted", "truth", "ends", "said"),
    [
        (np.zeros(3), np.zeros(2), None, "fit together"),
        (np.zeros((2, 1)), np.zeros((2, 1)), None, "fit together"),
        (np.zeros(0), np.zeros(0), None, "fit together"),
        (np.zeros(2), np.array([0, np.nan]), None, "truth is not finite"),
        (np.zeros(2), np.zeros(2), (np.zeros(1), np.zeros(1)), "fit together"),
        (np.zeros(2), np.zeros(2), (np.ones(2), np.zeros(2)), "above its high end"),
        (np.zeros(2), np.zeros(2), (np.full(2, np.nan), np.zeros(2)), "not a number"),
    ],
)
def test_what_does_not_fit_together_is_refused(predicted, truth, ends, said):
    with pytest.raises(ValueError, match=said):
        evaluate_regression(predicted, truth, ends)


@pytest.mark.parametrize(("coverage", "n"), [(0.9, 9), (0.9, 10), (0.8, 99), (0.5, 1)])
def test_a_new_row_lies_below_as_often_as_promised(coverage, n):
    scores = np.random.default_rng(n).lognormal(size=(8000, n + 1))
    held = np.mean([row[-1] <= split_conformal(row[:-1], coverage) for row in scores])
    most = coverage + 1 / (n + 1)  # Lei et al. 2018, theorem 2.2: without ties no more than this
    assert coverage - 0.015 < held < most + 0.015


def test_too_few_rows_promise_nothing():
    few = fewest_for(0.9)
    assert split_conformal(np.arange(few), 0.9) == few - 1
    assert split_conformal(np.arange(few - 1), 0.9) == split_conformal(np.zeros(0), 0.9) == np.inf


@pytest.mark.parametrize(("scores", "coverage"), [([[1.0]], 0.9), ([np.nan], 0.5), ([1.0], 0.0), ([1.0], 1.0)])
def test_scores_that_have_no_rank_are_refused(scores, coverage):
    with pytest.raises(ValueError, match="coverage of"):
        split_conformal(np.array(scores), coverage)
