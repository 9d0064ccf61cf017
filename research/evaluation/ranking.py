"""The ranking of forecasters: every pair is tested, and p-values are corrected for the number of pairs."""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypedDict

import numpy as np

from research.evaluation.comparison import correct_for_several
from research.evaluation.diebold_mariano import DieboldMariano, by_day, diebold_mariano
from research.evaluation.forecast_errors import known_mean
from research.evaluation.intervals import SeedInterval, across_seeds
from research.evaluation.metrics import metric_of


class Ranked(TypedDict):
    """One model's mean loss over windows, over its seeds (a baseline has one)."""

    name: str
    loss: SeedInterval


class Pair(TypedDict):
    """Two models, the better one first; every p is corrected by Holm over all pairs, and None where there is no test.

    test: mean and interval of the difference (better - worse; the interval is not corrected), with p and p_student
    corrected; p_days and days: the same with days as the unit.
    """

    better: str
    worse: str
    test: DieboldMariano
    p_days: float | None
    days: int


@dataclass(frozen=True)
class Ranking:
    """Models from the least loss to the most, and all pairs of them in that order."""

    rows: tuple[Ranked, ...]
    pairs: tuple[Pair, ...]


def ranking(
    losses: Mapping[str, np.ndarray], positions: np.ndarray, days: np.ndarray, horizon: int, lag: int | None = None
) -> Ranking:
    """Rank models by `losses`: name -> loss of each seed and window [S, N], NaN where nothing is known.

    positions [N] and horizon as in `diebold_mariano`; days [N] of the origins. A model is tested by its loss averaged
    over seeds: the windows tell whether the difference holds on other days, the spread over seeds whether it holds in
    another training. Raises ValueError as `diebold_mariano` does.
    """
    rows = [Ranked(name=name, loss=across_seeds(known_mean(loss, axis=1).tolist())) for name, loss in losses.items()]
    rows.sort(key=lambda row: metric_of("loss").sort_key(row["loss"]["mean"]))
    averages = {name: np.mean(loss, axis=0) for name, loss in losses.items()}
    pairs = [
        _pair(better["name"], worse["name"], averages, positions, days, horizon, lag)
        for better, worse in itertools.combinations(rows, 2)
    ]
    for name in ("p", "p_student"):
        correct_for_several([pair["test"] for pair in pairs], name)
    correct_for_several(pairs, "p_days")
    return Ranking(tuple(rows), tuple(pairs))


def _pair(better, worse, averages, positions, days, horizon, lag) -> Pair:
    a, b = averages[better], averages[worse]
    daily = by_day(a, b, days)
    test = diebold_mariano(a, b, positions, horizon, lag)
    return Pair(better=better, worse=worse, test=test, p_days=daily["p"], days=daily["clusters"])
