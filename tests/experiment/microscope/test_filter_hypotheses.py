"""Several hypotheses are one family: the p-value of each is corrected for all."""

import pytest

from research.evaluation.comparison import holm
from research.experiment.microscope import filter_hypotheses
from research.report.microscope import Hypothesis


def test_named_filters_are_corrected_for_the_number_of_hypotheses(monkeypatch):
    found = iter([0.04, 0.001, 0.02])
    one = lambda *given: Hypothesis("a", 0, "owl", 0.9, 0.8, 1.0, next(found), 1.0, 64, 9, 9, False)  # noqa: E731
    monkeypatch.setattr(filter_hypotheses, "_test_hypothesis", one)
    tests = filter_hypotheses.test_hypotheses(None, [None] * 3, None, 0)
    assert [test.p_family for test in tests] == pytest.approx(holm([0.04, 0.001, 0.02]))
    assert [test.tested for test in tests] == [3, 3, 3] and tests[1].p_family == pytest.approx(0.003)
