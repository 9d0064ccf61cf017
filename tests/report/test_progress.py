"""Progress off a terminal: plain lines."""

import pytest

from research.report import progress
from research.report.progress import counting


@pytest.fixture
def clock(monkeypatch):
    """`clock[0]` is the time in seconds."""
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    return now


def test_the_time_left_counts_from_where_this_run_began(clock, capsys):
    with counting("filters") as show:
        for done in (300, 301, 302, 512):
            show("conv", done, 512)
            clock[0] += 30
    assert capsys.readouterr().err.splitlines() == [
        "conv  300 of 512 filters",
        "conv  301 of 512 filters  1 h 45 min left",
        "conv  302 of 512 filters  1 h 45 min left",
        "conv  512 of 512 filters",
    ]


def test_without_a_total_nothing_is_left(clock, capsys):
    with counting("bytes") as show:
        show("file", 10, None)
    assert capsys.readouterr().err == "file  10 of ? bytes\n"
