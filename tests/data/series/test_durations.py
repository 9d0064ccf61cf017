import numpy as np
import pytest

from research.data.series.durations import format_duration, seconds_of, steps_of

FIVE_MINUTES = np.timedelta64(5, "m")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1s", 1),
        ("5min", 300),
        ("6h", 21_600),
        ("1d", 86_400),
        ("2w", 1_209_600),
        (" 1d 12h ", 129_600),
        ("1.5H", 5400),
    ],
)
def test_durations_are_read(text, seconds):
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["", "6", "h", "6 hours", "-1h", "1m", "9" * 50 + "h", "1h\x1b[2J", "٣h"])
def test_what_is_no_duration(refusal, text):
    with refusal("is no duration", "as in 30min or 6h"):
        seconds_of(text)


@pytest.mark.parametrize("text", ["0h", "0.0001s", "9" * 30 + "h", "0.3s"])
def test_what_is_no_whole_number_of_seconds(refusal, text):
    with refusal(repr(text), "no whole number of seconds"):
        seconds_of(text)


def test_steps_are_counted_or_given():
    assert [steps_of(text, FIVE_MINUTES) for text in ("6h", "24h", "30min", "72", " 1 ")] == [72, 288, 6, 72, 1]
    assert steps_of("6h", np.timedelta64(1, "h")) == 6


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("7min", ("7min is no whole number of steps of 5 min", "5 min or 10 min")),
        ("1min", ("steps of 5 min; give 5 min",)),
        ("0", ("'0' is no number of steps",)),
        ("-3", ("'-3' is no number of steps",)),
        ("", ("is no number of steps",)),
        ("1.5", ("'1.5' is no number of steps",)),
        ("six", ("'six' is no duration",)),
    ],
)
def test_what_is_no_number_of_steps(refusal, text, words):
    with refusal(*words):
        steps_of(text, FIVE_MINUTES)


@pytest.mark.parametrize(
    ("text", "months", "steps"),
    [
        ("24", 1, 24),
        ("1 month", 1, 1),
        ("2 years", 1, 24),
        ("1y", 3, 4),
        ("8 quarters", 3, 8),
        ("6mo", 3, 2),
        ("5q", 1, 15),
    ],
)
def test_steps_of_months_are_counted_or_given(text, months, steps):
    assert steps_of(text, np.timedelta64(months, "M")) == steps


@pytest.mark.parametrize("text", ["6h", "30d", "4 months", "1 year 3 months", "0 years", "month"])
def test_what_is_no_number_of_steps_of_months(refusal, text):
    with refusal(f"--data.context {text} is no whole number of steps of 3 months", "as in 12", "2 years"):
        steps_of(text, np.timedelta64(3, "M"), "--data.context")


def test_durations_are_formatted():
    assert [format_duration(np.timedelta64(count, "M")) for count in (1, 3, 12, 18, 24)] == [
        *("1 month", "3 months", "1 year", "18 months", "2 years")
    ]
    assert format_duration(np.timedelta64(90, "m")) == "1 h 30 min"
    assert [format_duration(seconds) for seconds in (0, 59, 300, 433, 3600, 90_000, 86_400)] == [
        *("0 s", "59 s", "5 min", "7 min 13 s", "1 h", "1 d 1 h", "1 d")
    ]
