"""A difference in words: better and worse follow the metric, and are said only where a difference is shown."""

import pytest

from research.report.comparison_text import difference_text


def pair(mean, low=None, high=None, p=None):
    return {"a": "b1", "b": "a1", "mean": mean, "low95": low, "high95": high, "p": p}


@pytest.mark.parametrize(
    ("difference", "metric", "said"),
    [
        (pair(-0.012, -0.021, -0.003, 0.02), "accuracy", "b1 is worse than a1 by 1.20 points (0.30 to 2.10)"),
        (pair(0.012, 0.003, 0.021, 0.02), "accuracy", "b1 is better than a1 by 1.20 points (0.30 to 2.10)"),
        (pair(12.0, 3.0, 21.0, 0.02), "mae", "b1 is worse than a1 by 12.00 veh/h (3.00 to 21.00)"),
        (pair(-12.0, -21.0, -3.0, 0.02), "mae", "b1 is better than a1 by 12.00 veh/h (3.00 to 21.00)"),
        (
            pair(0.002, -0.003, 0.007, 0.3),
            "accuracy",
            "b1 is not shown to differ from a1: between 0.30 points worse and 0.70 points better, p = 0.3",
        ),
        (
            pair(2.0, -3.0, 7.0, 0.3),
            "mae",
            "b1 is not shown to differ from a1: between 7.000 veh/h worse and 3.000 veh/h better, p = 0.3",
        ),
        (
            pair(0.012, 0.003, 0.021, 0.06),  # after Holm
            "accuracy",
            "b1 is not shown to differ from a1: between 0.30 points better and 2.10 points better, "
            "but p = 0.06 with all comparisons counted",
        ),
        (pair(-0.01), "accuracy", "b1 is behind a1 by 1.00 points; there is no interval, so that may be chance"),
        (pair(-1.0), "mae", "b1 is ahead of a1 by 1.000 veh/h; there is no interval, so that may be chance"),
        (pair(0.0), "accuracy", "b1 and a1 have the same accuracy"),
    ],
)
def test_the_sentence(difference, metric, said):
    assert difference_text(difference, metric, "veh/h") == said
