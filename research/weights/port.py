"""A plan carried out: judged as a whole first, so that a net is loaded with every leaf or not at all."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np

from research.errors import UserError
from research.weights.head import head_of
from research.weights.layouts import TOPS
from research.weights.mapping import PortPlan, Step

Shapes = Mapping[str, tuple[int, ...]]
FEW = 3  # names of each offence, where most of the net is not there


class ForecastEvaluation(NamedTuple):
    """What `Plan` does for the leaves that are wanted, and all that is wrong with it: {offence: what offends}."""

    taken: dict[str, Step]  # sound ones only
    left_out: tuple[str, ...]  # foreign names of a top that is not wanted, or of a bias without its kernel
    wrong: dict[str, list[str]]


def judge(planned: PortPlan, wanted: Shapes, partial: bool = False, drop_top: bool = False) -> ForecastEvaluation:
    """Which step each of the `wanted` leaves takes, and everything that is missing, extra, doubled or misshapen.

    With `partial`, missing leaves are no offence, and a bias without its kernel is left out; with `drop_top`, a head
    of the user's own is left out as the net's own top is.
    """
    top = TOPS[planned.architecture]
    unwanted_top = not any(_layer(leaf) in top for leaf in wanted)
    kernels = {_layer(leaf) for leaf in planned.leaves if leaf.endswith("/kernel")}
    taken: dict[str, Step] = {}
    left_out: list[str] = []
    wrong: dict[str, list[str]] = {"missing": [], "extra": [], "twice": [], "of another shape": [], "not numbers": []}
    wrong["of another kind"] = list(planned.objections)
    head = head_of(planned) if drop_top else ()
    for step in planned.steps:
        if step.foreign in head:
            left_out.append(step.foreign)
        elif step.leaf is None or (step.leaf not in wanted and not (unwanted_top and _layer(step.leaf) in top)):
            wrong["extra"].append(step.foreign)
        elif step.leaf not in wanted or (partial and _layer(step.leaf) not in kernels):
            left_out.append(step.foreign)
        elif step.leaf in taken:
            wrong["twice"].append(f"{step.leaf} ({taken[step.leaf].foreign} and {step.foreign})")
        else:
            taken[step.leaf] = step
    there = set(taken)
    for leaf, step in list(taken.items()):
        if not _sound(step, leaf, wanted[leaf], wrong):
            del taken[leaf]
    if not partial:
        wrong["missing"] = [leaf for leaf in wanted if leaf not in there]
    return ForecastEvaluation(taken, tuple(left_out), {offence: names for offence, names in wrong.items() if names})


def port(planned: PortPlan, wanted: Shapes, partial: bool = False, drop_top: bool = False) -> dict[str, np.ndarray]:
    """The wanted leaves, float32, contiguous, in the order of `wanted`; `partial` and `drop_top` as in `judge`.

    Raises one UserError that lists every leaf that is missing, extra, doubled, misshapen, or holds no numbers; where
    most are, the first of each.
    """
    judgement = judge(planned, wanted, partial, drop_top)
    if judgement.wrong:
        fits = 2 * len(judgement.taken) >= len(wanted) or set(judgement.wrong) == {"missing"}
        raise UserError(
            f"{planned.path} does not fit {planned.architecture} ({_hint(judgement, planned)}): "
            f"{complaint(judgement, None if fits else FEW)}"
        )
    if not judgement.taken:
        raise UserError(f"{planned.path} has no kernel of {planned.architecture}; name another file")
    return {
        leaf: np.ascontiguousarray(judgement.taken[leaf].after, np.float32)
        for leaf in wanted
        if leaf in judgement.taken
    }


def complaint(judgement: ForecastEvaluation, most: int | None = None) -> str:
    """All that is wrong, on one line; of each offence at most `most` names, and how many more there are."""
    return "; ".join(f"{offence}: {_listed(names, most)}" for offence, names in judgement.wrong.items())


def _listed(names: list[str], most: int | None) -> str:
    shown = ", ".join(names[:most])
    return shown if most is None or len(names) <= most else f"{shown} and {len(names) - most} more"


def _hint(judgement: ForecastEvaluation, planned: PortPlan) -> str:
    if set(judgement.wrong) == {"missing"}:
        return "this is a part of the net; only scripts/weights.py import --partial takes one"
    if set(judgement.wrong) == {"extra"} and head_of(planned).issuperset(judgement.wrong["extra"]):
        return "this is a head of its own; scripts/weights.py import --drop-top leaves it out"
    return "these are weights of another net, or of a changed one; scripts/weights.py inspect shows each"


def _sound(step: Step, leaf: str, shape: tuple[int, ...], wrong: dict[str, list[str]]) -> bool:
    """Note a wrong shape, and numbers that no sound training leaves behind; shapes first, they cost nothing."""
    array = step.after
    if array.shape != tuple(shape):
        wrong["of another shape"].append(f"{leaf} is {times(array.shape)}, not {times(shape)}")
        return False
    if array.dtype.kind != "f" or not _finite(array):
        wrong["not numbers"].append(f"{leaf} ({array.dtype if array.dtype.kind != 'f' else 'NaN or infinite'})")
        return False
    return True


def _finite(array: np.ndarray) -> bool:
    """As float32, which leaves become."""
    with np.errstate(over="ignore"):
        return bool(np.isfinite(array.astype(np.float32, copy=False)).all())


def times(shape: Iterable[int]) -> str:
    """A shape as 3x3x64x64; a single number as `scalar`."""
    return "x".join(map(str, shape)) or "scalar"


def _layer(leaf: str) -> str:
    return leaf.rpartition("/")[0]
