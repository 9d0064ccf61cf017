"""Numbers as people read them."""

import math

import pytest

from research.evaluation.calibration import BINS
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
        (formats.measure, 52.0312, "52.03"),
        (formats.measure, 9.99996, "10.00"),
        (formats.measure, 0.012342, "0.01234"),
        (formats.measure, 12345.6, "12,346"),
        (formats.measure, -1.5, "-1.500"),
        (formats.measure, 0.0, "0.000"),
        (formats.measure, 3e-7, "3.000e-07"),
        (formats.measure, math.nan, "–"),
        (formats.duration, 1 / 12, "5 min"),
        (formats.duration, 1.5, "1.5 h"),
        (formats.duration, 24.0, "24 h"),
        (formats.duration, 168, "7 d"),
        (formats.duration, formats.MONTH, "1 month"),
        (formats.duration, 14 * formats.MONTH, "14 months"),
        (formats.duration, 731, "731 h"),
        (formats.duration, None, "–"),
        (formats.metric_label, "calibration_error", f"calibration error, {BINS} bins"),
        (formats.metric_label, "smape", "sMAPE"),
        (formats.metric_label, "interval_winkler", "interval Winkler score"),
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


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("mae", 52.0312, "52.03"),
        ("rmse", 512.61, "512.6"),
        ("mape", 0.0771, "7.71%"),
        ("smape", 1.2, "120.00%"),
        ("mase", 0.79149, "0.791"),
        ("scaled_mae", 0.25, "0.2500"),
        ("interval_coverage", 0.9042, "90.42%"),
        ("interval_worst_hour_coverage", 0.8, "80.00%"),
        ("interval_width", 201.41, "201.4"),
        ("mase", math.nan, "–"),
        ("interval_width", None, "–"),
    ],
)
def test_each_metric_of_a_forecast_has_its_own_notation(name, value, expected):
    assert formats.metric(name, value) == expected


def test_both_ends_of_a_quantity_have_the_same_digits():
    assert formats.interval("mae", 94.912, 113.91) == "94.9 to 113.9"
    assert formats.interval("mae", -0.81, 9.0) == "-0.810 to 9.000"
    assert formats.interval("mase", 0.7, 0.8) == "0.700 to 0.800"


def test_only_quantities_have_the_unit_of_the_series():
    named = [formats.metric_label(name, "veh/h") for name in ("mae", "rmse", "mape", "mase", "loss", "scaled_mae")]
    assert named == ["MAE, veh/h", "RMSE, veh/h", "MAPE", "MASE", "loss", "scaled MAE"]
