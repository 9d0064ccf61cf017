"""The matrix of many pairs: every pair stands once, says which is worse, and its numbers are never folded."""

import itertools

import pytest

from research.report.ranking_matrix import matrix
from research.report.tables import fits, names_folded, rows_of

NAMES = ["traffic_profile", "time-of-day mean", "traffic_told_the_hour_of_day", "traffic_lstm", "last value"]


def pairs_of(names, *, p=0.001):
    """Each next is worse by 10."""
    return [
        {"a": a, "b": b, "mean": 10.0 * (i - j), "low95": -99.0, "high95": -1.0, "p": p, "lag": 3, "days": 15}
        for (i, a), (j, b) in itertools.combinations(enumerate(names), 2)
    ]


def test_each_pair_stands_once_below_the_diagonal(titles_of):
    made = matrix(NAMES, pairs_of(NAMES), "veh/h")
    rows = rows_of(made)
    assert [row[0].split()[0] for row in rows] == ["1", "2", "3", "4", "5"]
    assert rows[0][1:] == ("", "", "", "")
    assert rows[4][1:] == ("40.00\nworse", "30.00\nworse", "20.00\nworse", "10.00\nworse")
    assert rows[2] == ("3 traffic_told_the_hour_of_day", "20.00\nworse", "10.00\nworse", "", "")
    assert titles_of(made) == ["Forecaster", "1", "2", "3", "4"]
    assert "veh/h" in str(made.title) and "10 pairs" in str(made.title)


def test_a_pair_may_be_given_either_way_and_a_row_may_be_better():
    (pair,) = pairs_of("ab")
    turned = [pair | {"a": "b", "b": "a", "mean": 10.0, "low95": 1.0, "high95": 19.0}]
    assert rows_of(matrix("ab", turned))[1][1] == "10.00\nworse"
    assert rows_of(matrix("ba", turned))[1][1] == "−10.00\nbetter"


@pytest.mark.parametrize("change", [{"p": 0.2}, {"p": None}, {"low95": None, "high95": None}, {"high95": 2.0}])
def test_what_is_not_shown_is_unclear(change):
    (found,) = pairs_of("ab")
    assert rows_of(matrix("ab", [found | change]))[1][1] == "10.00\nunclear"


def test_nine_fit_a_terminal_unfolded_and_twenty_do_not(printed):
    names = [f"traffic_{number}_forecaster" for number in range(9)]
    made = matrix(names, pairs_of(names, p=0.4))
    text = printed(names_folded(made))
    assert fits(made) and max(map(len, text.splitlines())) <= 80
    assert text.count("unclear") == 36
    many = [f"traffic_{number}" for number in range(20)]
    assert not fits(matrix(many, pairs_of(many)))
