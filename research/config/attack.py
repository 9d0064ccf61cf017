"""The configuration of an attack by few pixels."""

import dataclasses
from typing import Annotated, Literal

from annotated_types import Ge, Interval, MinLen

from research.config.bounds import Positive, Section, Seed


@dataclasses.dataclass(frozen=True)
class OnePixel(Section):
    """Which pictures are attacked, and how the search goes; the search's defaults are Su et al.'s (2017)."""

    pictures: Positive = 200
    """Test pictures that the net classifies correctly, chosen at random; fewer where there are not so many."""
    pixels: Annotated[tuple[Annotated[int, Interval(gt=0, le=64)], ...], MinLen(1)] = (1, 3, 5)
    """How many pixels may change: each number is tried, and begins with what fewer pixels have found."""
    target: str | None = None
    """The class that the net must be made to name, or `all` for each in turn; by default any wrong one."""
    population: Annotated[int, Interval(ge=4, le=10**5)] = 400
    """Candidates of each generation."""
    generations: Annotated[int, Interval(ge=0, le=10**6)] = 100
    """Most generations; the search for a picture ends where a candidate succeeds."""
    mutation: Literal["rand1", "best1"] = "rand1"
    """A mutant starts from a random candidate, or from the fittest."""
    weight: Annotated[float, Interval(ge=0.0, le=2.0)] = 0.5
    """F, by which the difference of two candidates is multiplied."""
    crossover: Annotated[float, Interval(ge=0.0, le=1.0)] = 1.0
    """Share of a child's numbers that come from its mutant; 1: all, as in the paper."""
    exhaustive: Annotated[int, Ge(0)] = 0
    """For so many pictures the truth is found out: every one-pixel change, or bounds on them where there is colour."""
    linf: tuple[Annotated[float, Interval(gt=0.0, le=255.0)], ...] = (2.0, 8.0)
    """FGSM and PGD change every value by at most so much, of 0 to 255."""
    l2: tuple[Annotated[float, Interval(gt=0.0, le=1e6)], ...] = (127.5,)
    """PGD changes a picture by at most so much, as the root of all squares; 127.5 is 0.5 on the scale of 0 to 1."""
    seed: Seed = 0
    """Seed of the choice of pictures and of the search."""
