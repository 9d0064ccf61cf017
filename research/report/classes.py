"""Which classes and which confusions are worth showing, from a classification as a dict."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

SHOWN = 20  # classes shown before only the worst are


class Confusion(NamedTuple):
    """`examples` of class `truth` were taken for `predicted`: a `share` of that class."""

    truth: str
    predicted: str
    examples: int
    share: float


def shown_classes(evaluation: Mapping[str, Any]) -> list[int]:
    """All classes in their order; of more than 20 those with the lowest F1, worst first."""
    scores = np.asarray(evaluation["per_class"]["f1"])
    if len(scores) <= SHOWN:
        return list(range(len(scores)))
    undefined_last = np.nan_to_num(scores, nan=2.0)
    return np.argsort(undefined_last, kind="stable")[:SHOWN].tolist()


def confusions(evaluation: Mapping[str, Any], limit: int = 10) -> list[Confusion]:
    """The most frequent mistakes, at most `limit`."""
    mistakes = np.array(evaluation["confusion"])
    totals, classes = mistakes.sum(axis=1), evaluation["classes"]
    np.fill_diagonal(mistakes, 0)
    worst = np.argsort(-mistakes, axis=None, kind="stable")[:limit]
    pairs = [divmod(int(place), len(mistakes)) for place in worst]
    return [
        Confusion(classes[truth], classes[said], int(mistakes[truth, said]), mistakes[truth, said] / totals[truth])
        for truth, said in pairs
        if mistakes[truth, said]
    ]
