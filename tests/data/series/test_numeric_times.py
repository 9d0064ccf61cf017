"""Times as numbers: Unix times and day numbers of spreadsheets."""

import numpy as np
import pandas as pd
import pytest

from research.data.series.timestamps import read_timestamps
from research.errors import UserError

HOURS = pd.date_range("2016-01-04", periods=60, freq="h")
EXPECTED = HOURS.to_numpy("datetime64[ms]")
ROWS = np.arange(60) + 2


def read(column, day_first=False, time_zone=None):
    return read_timestamps(pd.Series(column), ROWS, "a.csv", day_first=day_first, time_zone=time_zone)


SECONDS = EXPECTED.astype("datetime64[s]").astype(np.int64)
DAYS = 42373 + np.arange(60) / 24  # as a spreadsheet counts 2016-01-04 0:00 and the hours after


@pytest.mark.parametrize(
    "cells",
    [
        SECONDS, SECONDS.astype(float), SECONDS * 1000, SECONDS * 10**6, SECONDS * 10**9, SECONDS.astype(str),
        (SECONDS * 1000).astype(str), (SECONDS * 1000).astype(float), pd.array(SECONDS, dtype="Int64"),
    ],
)  # fmt: skip
def test_unix_times_are_utc(cells):
    local, tokyo = read(cells), read(cells, time_zone="Asia/Tokyo")
    for found in (local, tokyo):
        np.testing.assert_array_equal(found.times, EXPECTED)
        assert found.notes == (("unix", 60, 0),)
    assert tokyo.absolute and not local.absolute


def test_unix_times_have_parts_of_a_second():
    found = read([f"{second}.25" for second in SECONDS])
    np.testing.assert_array_equal(found.times, EXPECTED + np.timedelta64(250, "ms"))


@pytest.mark.parametrize(
    "cells",
    [
        DAYS,
        [f"{day:.10f}" for day in DAYS],
        [f"{day:.4f}" for day in DAYS],  # to 4 seconds
        [f"{day:.5f}".replace(".", ",") for day in DAYS],
        [f"{day:.15g}" for day in DAYS],  # whole where they can be
    ],
)
def test_day_numbers_of_a_spreadsheet(cells):
    found = read(cells)
    np.testing.assert_array_equal(found.times, EXPECTED)
    assert found.notes == (("excel", 60, 0),) and not found.absolute
    assert not read(cells, time_zone="Asia/Tokyo").absolute  # what its clock showed


@pytest.mark.parametrize(
    ("cells", "words"),
    [
        (np.arange(60), ("row 2", "'0' is no time", "Unix time", "--data.time")),
        (np.arange(60) + 60000, ("row 2", "'60000'")),  # modified Julian dates, say
        (np.r_[SECONDS[:30], SECONDS[30:] * 1000], ("row 32", "or not what the first row has")),
        ([*SECONDS[:30].astype(str), *["soon"] * 30], ("row 32", "'soon' is no time")),
        (["1.45187E+12"] * 60, ("row 2", "'1.45187E+12'", "digits are lost")),
        (["12:30"] * 60, ("row 2", "has no date", "--data.time Date Time")),
        (["04/01/16 10:00"] * 60, ("row 2", "year has two digits")),
        (np.r_[np.nan, SECONDS[1:]], ("row 2 has no time",)),
        ([True] * 60, ("row 2", "'True' is no time")),
    ],
)
def test_numbers_that_are_no_times(refusal, cells, words):
    with refusal("a.csv", *words):
        read(cells)
    with pytest.raises(UserError) as error:
        read(cells)
    assert "day-first" not in str(error.value)
