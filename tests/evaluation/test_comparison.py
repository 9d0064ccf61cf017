"""Differences of models: against scipy's t test, published corrections, and what a correction must keep."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import t, ttest_rel, wilcoxon

from research.evaluation.comparison import compare_splits, holm, paired, step_by_step


def test_paired_equals_scipys_t_test():
    a, b = [0.91, 0.93, 0.92, 0.95], [0.90, 0.91, 0.92, 0.91]
    found, expected = paired(a, b), ttest_rel(a, b)
    assert found["p"] == pytest.approx(expected.pvalue)
    low, high = expected.confidence_interval(0.95)
    assert (found["mean"], found["low95"], found["high95"]) == pytest.approx((0.0175, low, high))


def test_paired_is_antisymmetric():
    there, back = paired([1.0, 2.0, 4.0], [1.5, 1.0, 2.0]), paired([1.5, 1.0, 2.0], [1.0, 2.0, 4.0])
    assert there["high95"] is not None and back["low95"] is not None
    assert (there["mean"], there["low95"], there["p"]) == pytest.approx((-back["mean"], -back["high95"], back["p"]))
    assert there["high95"] == pytest.approx(-back["low95"])


@pytest.mark.parametrize(
    ("a", "b", "mean"),
    [
        ([0.9], [0.8], 0.1),
        ([0.9, 0.8], [0.9, 0.8], 0.0),
        ([0.3, 0.1 + 0.2], [0.2, 0.2], 0.1),
        ([0.5, 0.7], [0.4, 0.6], 0.1),
    ],
)
def test_pairs_that_cannot_tell_have_a_mean_only(a, b, mean):
    assert paired(a, b) == {"mean": pytest.approx(mean), "low95": None, "high95": None, "p": None}


@pytest.mark.parametrize(("a", "b"), [([1.0, 2.0], [1.0, 2.0, 3.0]), ([], [])])
def test_pairs_of_different_length_or_none_are_refused(a, b):
    with pytest.raises(ValueError, match=f"{len(a)} and {len(b)} values cannot be paired"):
        paired(a, b)


def test_holm_equals_worked_out_values():
    # As R's p.adjust(c(0.01, 0.04, 0.03, 0.005), "holm"); by hand 0.01 * 3, 0.04 raised to 0.03 * 2, and 0.005 * 4.
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.6, 0.7]) == [1.0, 1.0]
    assert holm([0.2]) == [0.2]
    assert holm([]) == []


@given(st.lists(st.floats(0.0, 1.0), min_size=1, max_size=8), st.randoms())
def test_holm_lies_between_nothing_and_bonferroni_and_keeps_the_order(p_values, random):
    found = np.asarray(holm(p_values))
    assert np.all(found >= np.asarray(p_values)) and np.all(found <= np.minimum(1.0, len(found) * np.asarray(p_values)))
    assert np.all(np.diff(found[np.argsort(p_values, kind="stable")]) >= 0)
    order = list(range(len(p_values)))
    random.shuffle(order)
    assert holm([p_values[index] for index in order]) == found[order].tolist()


def test_holm_errs_in_any_of_five_true_hypotheses_once_in_twenty():
    drawn = np.random.default_rng(0).random((4000, 5))
    assert np.mean([min(holm(row)) <= 0.05 for row in drawn]) == pytest.approx(0.05, abs=0.012)


def test_each_is_compared_with_the_one_before_it_and_p_is_corrected():
    values = {"a": [0.70, 0.72, 0.73], "b": [0.80, 0.83, 0.82], "c": [0.95, 0.95, 0.96], "d": [0.95, 0.95, 0.96]}
    found = step_by_step(values)
    b, c = paired(values["b"], values["a"]), paired(values["c"], values["b"])
    assert list(found) == ["b", "c", "d"]
    assert found["b"]["mean"] == b["mean"] and found["c"]["low95"] == c["low95"]
    # d is c: nothing to test, so two were tested.
    assert b["p"] is not None and c["p"] is not None
    assert [found[name]["p"] for name in "bcd"] == [*holm([b["p"], c["p"]]), None]
    assert found["d"]["mean"] == 0.0
    assert found["b"]["p"] != b["p"] or found["c"]["p"] != c["p"]


def test_splits_equal_the_worked_out_corrected_test():
    a, b = np.array([3.0, 5.0, 4.0, 6.5, 2.0]), np.array([4.0, 5.5, 6.0, 7.0, 3.5])
    found, difference = compare_splits(a, b, 0.2), a - b
    # Nadeau & Bengio 2003, eq. 9: of five folds n_test / n_train is 1/4.
    error = np.sqrt((1 / 5 + 1 / 4) * np.var(difference, ddof=1))
    half = 2.7764451 * error  # t at 0.975 with 4 degrees of freedom, from any table
    assert (found["mean"], found["low95"], found["high95"]) == pytest.approx((-1.1, -1.1 - half, -1.1 + half))
    assert found["p"] == pytest.approx(2 * t.sf(1.1 / error, 4))
    assert found["wilcoxon_p"] == pytest.approx(wilcoxon(a, b).pvalue)


def test_of_a_vanishing_test_part_the_corrected_test_is_students():
    a, b = [0.91, 0.93, 0.92, 0.95], [0.90, 0.91, 0.92, 0.91]
    found = compare_splits(a, b, 1e-9)
    assert {name: found[name] for name in ("mean", "low95", "high95", "p")} == pytest.approx(paired(a, b))


def test_equal_models_on_overlapping_splits_rarely_differ():
    """The error of a split has a part that all splits share, as overlapping training parts give it."""
    generator, S, share = np.random.default_rng(0), 10, 0.2
    ratio = share / (1 - share)
    correlation = ratio / (1 + ratio)  # which the correction assumes
    shared, own = generator.normal(size=(300, 1)), generator.normal(size=(300, S))
    errors = np.sqrt(correlation) * shared + np.sqrt(1 - correlation) * own
    found = np.mean([compare_splits(row, np.zeros(S), share)["p"] < 0.05 for row in errors])
    naive = np.mean([paired(row, np.zeros(S))["p"] < 0.05 for row in errors])
    assert found < 0.08 < 0.2 < naive


def test_splits_that_cannot_tell_have_a_mean_only():
    found = compare_splits([0.9, 0.8], [0.9, 0.8], 0.1)
    assert found == {"mean": 0.0, "low95": None, "high95": None, "p": None, "wilcoxon_p": None}
    ties = compare_splits([1.0, 2.0, 3.0, 5.0], [1.0, 1.0, 2.0, 3.0], 0.1)  # with a 0 and two equal ones
    assert ties["wilcoxon_p"] is not None and 0 < ties["wilcoxon_p"] <= 1


@pytest.mark.parametrize("share", [0.0, 1.0, 1.2])
def test_a_test_part_of_nothing_or_everything_is_refused(share):
    with pytest.raises(ValueError, match="test part"):
        compare_splits([1.0, 2.0], [2.0, 2.0], share)
