"""The head that a user put above a base: which of a file's arrays it is, by names, shapes and order."""

import re
from collections.abc import Sequence
from itertools import takewhile

from research.weights.mapping import PortPlan, Step


def head_of(planned: PortPlan) -> frozenset[str]:
    """The foreign names of the arrays that are no leaf and belong to a head above the base.

    These are dense layers; where the file has its layers in the net's order, all that comes after the base; and where
    the base is a part of the net (`vgg16/...`), all beside it. Never a layer with a convolution.
    """
    base = [place for place, step in enumerate(planned.steps) if step.leaf is not None]
    if not base:
        return frozenset()
    within = _common([_parts(planned.steps[place].foreign)[:-1] for place in base])
    ranks: dict[str, int] = {}
    for step in planned.steps:
        ranks[_layer(step)] = max(ranks.get(_layer(step), 0), step.before.ndim)
    return frozenset(
        step.foreign
        for place, step in enumerate(planned.steps)
        if step.leaf is None and ranks[_layer(step)] <= 2
        if ranks[_layer(step)] == 2
        or (planned.ordered and place > base[-1])
        or _parts(step.foreign)[: len(within)] != within
    )


def _common(names: Sequence[list[str]]) -> list[str]:
    """The parts that all `names` begin with."""
    columns = takewhile(lambda column: len(set(column)) == 1, zip(*names, strict=False))
    return [column[0] for column in columns]


def _parts(name: str) -> list[str]:
    return re.split(r"[/.]", name)


def _layer(step: Step) -> str:
    """The name without its last part: the layer's, of which the array is a kernel, a bias or a statistic."""
    return re.sub(r"[/.][^/.]*$", "", step.foreign)
