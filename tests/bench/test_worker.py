"""What a peer's process answers."""

from research.bench.worker import answer
from research.bench.workloads import Work


def test_a_worker_reports_the_most_memory_that_it_held():
    assert answer(Work(lambda steps: 0.0, 0, {}, []), {"memory": True})["bytes"] > 1e7
