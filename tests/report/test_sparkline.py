"""The small curve: its points, its gaps, and the numbers at its axes."""

import re

import numpy as np

from research.report.sparkline import BOTTOM, LEFT, RIGHT, TOP, significant, sparkline


def test_a_curve_runs_through_its_values():
    drawn = sparkline([0.0, 1.0, 4.0])
    points = [
        tuple(map(float, pair)) for pair in re.findall(r"[ML]([\d.]+) ([\d.]+)(?=[ML\"])", drawn.split("<path")[2])
    ]
    assert points == [(LEFT, BOTTOM), ((LEFT + RIGHT) / 2, BOTTOM - (BOTTOM - TOP) / 4), (RIGHT, TOP)]
    assert all(f">{text}</text>" in drawn for text in ("activation", "step", "0", "2", "4"))
    long = sparkline(np.arange(5000.0))
    assert len(long) < 5000 and ">4999</text>" in long and f"L{RIGHT:.1f} {TOP:.1f}" in long


def test_broken_curves_have_gaps_and_empty_ones_no_drawing():
    assert sparkline([]) == sparkline([np.nan, np.inf]) == ""
    assert sparkline([1.0, np.nan, 2.0, 3.0]).split("<path")[2].count("M") == 2
    for flat in ([2.0], [2.0, 2.0]):
        assert "nan" not in sparkline(flat) and ">2</text>" in sparkline(flat)


def test_numbers_have_three_digits_and_exponents_only_where_they_must():
    written = {
        0.0: "0",
        0.01234: "0.0123",
        7.5: "7.5",
        999.6: "1,000",
        -1234.4: "-1,234",
        2e7: "2.00e+07",
        1e-7: "1.00e-07",
    }
    assert {value: significant(value) for value in written} == written
    assert significant(np.float32(2.5)) == "2.5" and significant(float("nan")) == "–"
