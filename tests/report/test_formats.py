"""Numbers as people read them."""

import math

import pytest

from research.report import formats


@pytest.mark.parametrize(
    ("write", "value", "expected"),
    [
        (formats.count, 93322, "93,322"),
        (formats.count, None, "–"),
        (formats.short_count, 999, "999"),
        (formats.short_count, 86_704_128, "86.7 M"),
        (formats.short_count, 1500, "1.5 k"),
        (formats.shape, [28, 28, 32], "28×28×32"),
        (formats.shape, [], "–"),
        (formats.percent, 0.9931, "99.31%"),
        (formats.percent, math.nan, "–"),
        (formats.decimal, 0.02134, "0.0213"),
        (formats.decimal, 0.0064, "0.00640"),
        (formats.decimal, 3.42e-5, "3.42e-05"),
        (formats.decimal, 0, "0.0000"),
        (formats.decimal, math.inf, "–"),
        (formats.seconds, 0.423, "0.42 s"),
        (formats.seconds, 37.12, "37.1 s"),
        (formats.seconds, 725, "12 min 05 s"),
        (formats.seconds, 59.96, "1 min 00 s"),
        (formats.seconds, 3599.6, "1 h 00 min"),
        (formats.seconds, 12_000, "3 h 20 min"),
        (formats.metric_label, "calibration_error", "calibration error"),
    ],
)
def test_numbers(write, value, expected):
    assert write(value) == expected


def test_shares_are_percentages_and_nothing_else_is():
    assert formats.metric("accuracy", 0.5) == "50.00%"
    assert formats.metric("loss", 0.5) == "0.5000"
    assert formats.interval("accuracy", 0.9913, 0.9945) == "99.13–99.45%"
    assert formats.interval("loss", 0.02, 0.03) == "0.0200 to 0.0300"
    assert formats.interval("loss", None, 0.03) == ""


def test_ends_of_intervals_are_no_metrics_of_their_own():
    splits = {"train": {"loss": 1}, "test": {"loss": 1, "accuracy": 1, "accuracy_low95": 0, "accuracy_high95": 1}}
    assert formats.metric_names(splits) == ["loss", "accuracy"]
