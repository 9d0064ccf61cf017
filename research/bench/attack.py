"""The one-pixel attack that all peers run, timed by what they ask the net: pictures, each of which is a query.

Each searches with `POPULATION` candidates and as many generations as the workload says, on pictures labelled as the net
names them. A search that succeeds early asks less, and the peers ask about their best candidate once more in each
generation, so times are those of the queries counted. Success is that the net names the returned picture otherwise.
"""

import time
from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from research.bench.workloads import Workload

POPULATION = 400  # Su, Vargas, Sakurai 2017, section 4.1


class Searched(NamedTuple):
    """What a search on N pictures found: `flipped` bool [N], whether the net names the returned pictures otherwise."""

    flipped: np.ndarray
    queries: int


Search = Callable[[np.ndarray], Searched]  # numbers int [N] -> the search on the pictures of these numbers
Tally = Callable[[], dict[str, int]]


def most_queries(workload: Workload) -> int:
    """The candidates of a search that never succeeds: the first population, and its children in each generation."""
    return POPULATION * (workload.generations + 1)


def timed(workload: Workload, search: Search) -> tuple[Callable[[int], float], Tally]:
    """`run(steps) -> seconds` of that many times `most_queries` at the pace of a search on `steps` pictures.

    Every call takes the next pictures, whose numbers count on beyond `workload.examples`; the same for all peers. The
    tally is {"pictures", "flipped", "queries"} of all calls.
    """
    seen: Counter[str] = Counter(pictures=0, flipped=0, queries=0)

    def run(steps: int) -> float:
        numbers = seen["pictures"] + np.arange(steps)
        begun = time.perf_counter()
        found = search(numbers)
        seconds = time.perf_counter() - begun
        seen.update(pictures=steps, flipped=int(found.flipped.sum()), queries=found.queries)
        return seconds * steps * most_queries(workload) / found.queries

    return run, lambda: dict(seen)
