"""Dates such as 04/01/2016, whose day and month change places unseen: which order makes sense of a whole column."""

import numpy as np

from research.data.series.months import keeps_to_months, month_of

FEWEST = 4  # different times from which a calendar can be seen
NONSENSE = 0.5  # share of the steps from first to last that times in the wrong order fill at most (our own rule)
BETTER = 4  # times that share, at least, is what they fill in the right order


def other_order_is_meant(read: np.ndarray, other: np.ndarray) -> bool:
    """Whether times `read` [N] in one order of day and month make no series, and those in the `other` order do.

    Months read as days are up to twelve days and then nothing for the rest of the year; days read as months leave most
    of each month empty, or go back in time.
    """
    if len(np.unique(read)) < FEWEST or len(read) != len(other) or np.array_equal(read, other):
        return False
    share = _filled(read)
    empty = share <= NONSENSE and _filled(other) >= BETTER * share
    return empty or (_goes_back(read) and not _goes_back(other))


def _goes_back(times: np.ndarray) -> bool:
    return bool((np.diff(times).astype(np.int64) < 0).any())


def _filled(times: np.ndarray) -> float:
    """The share of the steps from the first of `times` to the last that have one, at their commonest distance."""
    found = np.unique(times.astype("datetime64[s]"))
    places = month_of(found) if keeps_to_months({"": found}) else found.astype(np.int64)
    kinds, counts = np.unique(np.diff(places), return_counts=True)
    return len(found) / (int(places[-1] - places[0]) / int(kinds[counts.argmax()]) + 1)
