"""What a party hands to its worker."""

from collections.abc import Callable
from typing import NamedTuple


class Work(NamedTuple):
    """A workload, built and ready to run."""

    run: Callable[[int], float]  # steps -> seconds; returns when the work is done
    parameters: int
    versions: dict[str, str]
    device: str | None = None
    matmul: Callable[[], tuple[float, float]] | None = None  # the machine's yardstick: (operations, seconds)
    sample: tuple[float, ...] | list[float] = ()  # of the outputs before training: all parties must agree
