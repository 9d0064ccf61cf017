"""The check and execution of a conversion plan: a net gets every leaf, or a UserError lists all errors."""

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import takewhile
from typing import NamedTuple

import numpy as np

from research.errors import UserError
from research.weights.channel_order import channel_fault
from research.weights.mapping import FORECASTER, ConversionPlan, Step
from research.weights.name_tables import CONVENTIONS, TOPS

Shapes = Mapping[str, tuple[int, ...]]
ANOTHER = "these are weights of another net, or of a changed one; scripts/weights.py inspect shows each"
OWN = (
    "a base of your own needs all of its arrays under the names of its leaves, and no others; "
    "scripts/weights.py inspect FILE --base CONFIG shows each"
)
CHANNELS = "channels"
PUBLISHED = "these published weights would see other colours than in their training"
VGG19_CONVS = 16
BATCH_NORM = r"(?:running|moving)_mean|batch_normalization"  # in the names of arrays: torch's and Keras', Keras 3's
FEW = 3  # names of each kind of error, where most leaves do not fit


class Conversion(NamedTuple):
    """A checked plan: the step of each wanted leaf, and all errors as {kind of error: names}."""

    taken: dict[str, Step]  # correct ones only
    left_out: tuple[str, ...]  # the file's names of an unwanted top, or of a bias without its kernel
    wrong: dict[str, list[str]]


def check_conversion(plan: ConversionPlan, wanted: Shapes, partial: bool = False, drop_top: bool = False) -> Conversion:
    """The step that each of the `wanted` leaves takes, and all that is missing, extra, doubled or of a wrong shape.

    With `partial`, missing leaves are no error, and a bias without its kernel is left out. With `drop_top`, a user's
    own head is left out, as an unwanted top always is.
    """
    top = TOPS.get(plan.architecture, ())
    unwanted_top = not any(_layer(leaf) in top for leaf in wanted)
    kernels = {_layer(leaf) for leaf in plan.leaves if leaf.endswith("/kernel")}
    taken: dict[str, Step] = {}
    left_out: list[str] = []
    wrong: dict[str, list[str]] = {"missing": [], "extra": [], "twice": [], "of another shape": [], "not numbers": []}
    wrong["of another kind"] = [*plan.objections, *(() if unwanted_top else plan.top_objections)]
    head = head_of(plan) if drop_top else ()
    for step in plan.steps:
        if step.name in head:
            left_out.append(step.name)
        elif step.leaf is None or (step.leaf not in wanted and not (unwanted_top and _layer(step.leaf) in top)):
            wrong["extra"].append(step.name)
        elif step.leaf not in wanted or (partial and _layer(step.leaf) not in kernels):
            left_out.append(step.name)
        elif step.leaf in taken:
            wrong["twice"].append(f"{step.leaf} ({taken[step.leaf].name} and {step.name})")
        else:
            taken[step.leaf] = step
    there = set(taken)
    for leaf, step in list(taken.items()):
        if not _sound(step, leaf, wanted[leaf], wrong):
            del taken[leaf]
    if not partial:
        wrong["missing"] = [leaf for leaf in wanted if leaf not in there]
    if not any(wrong.values()):
        fault = channel_fault(plan.architecture, plan.convention, {leaf: step.after for leaf, step in taken.items()})
        wrong[CHANNELS] = [] if fault is None else [fault]
    return Conversion(taken, tuple(left_out), {error: names for error, names in wrong.items() if names})


def convert(
    plan: ConversionPlan, wanted: Shapes, partial: bool = False, drop_top: bool = False
) -> dict[str, np.ndarray]:
    """The wanted leaves, float32, contiguous, in the order of `wanted`.

    `partial` and `drop_top` are those of `check_conversion`. Raises one UserError that lists every error; where most
    leaves do not fit, the first few of each kind.
    """
    conversion = check_conversion(plan, wanted, partial, drop_top)
    if conversion.wrong:
        fits = 2 * len(conversion.taken) >= len(wanted) or set(conversion.wrong) == {"missing"}
        listed = complaint(conversion, None if fits and not _relative(plan) else FEW)
        raise UserError(f"{plan.path} does not fit {plan.architecture} ({hint(conversion, plan)}): {listed}")
    if not conversion.taken:
        raise UserError(f"{plan.path} has no kernel of {plan.architecture}; name another file")
    return {
        leaf: np.ascontiguousarray(conversion.taken[leaf].after, np.float32)
        for leaf in wanted
        if leaf in conversion.taken
    }


def complaint(conversion: Conversion, most: int | None = None) -> str:
    """All errors on one line; at most `most` names of each kind, and how many more there are."""
    return "; ".join(f"{error}: {_listed(names, most)}" for error, names in conversion.wrong.items())


def _listed(names: list[str], most: int | None) -> str:
    shown = ", ".join(names[:most])
    return shown if most is None or len(names) <= most else f"{shown} and {len(names) - most} more"


def hint(conversion: Conversion, plan: ConversionPlan) -> str:
    """What the file of a conversion with errors most likely is, and what to do."""
    if plan.architecture not in CONVENTIONS:
        return OWN
    if set(conversion.wrong) == {CHANNELS}:
        return PUBLISHED
    if set(conversion.wrong) == {"missing"}:
        return _missing_hint(plan.architecture, conversion.wrong["missing"])
    if set(conversion.wrong) == {"extra"} and head_of(plan).issuperset(conversion.wrong["extra"]):
        return "above the base it has a head of its own; scripts/weights.py import --drop-top leaves it out"
    return _relative(plan) or ANOTHER


def _relative(plan: ConversionPlan) -> str | None:
    """For a file with VGG's names: that these are weights of VGG19, or of a net with batch norm; else None."""
    if plan.architecture != "vgg16":
        return None
    convs = sum(step.before.ndim == 4 for step in plan.steps)
    norms = len({_layer_name(step.name) for step in plan.steps if re.search(BATCH_NORM, step.name)})
    net = "VGG19" if convs == VGG19_CONVS else "VGG16"
    if norms >= convs > 0:
        return f"these are weights of {net} with batch norm, which is not known here; give VGG16's without it"
    return f"these are weights of {net}, which is not known here; give VGG16's" if net == "VGG19" else None


def _missing_hint(architecture: str, missing: list[str]) -> str:
    """Advice on a file that lacks only the `missing` leaves."""
    if all(leaf.endswith("/bias") for leaf in missing):
        return "layers without a bias are taken where the file says use_bias=False: save the whole model as NAME.keras"
    if architecture != FORECASTER:
        return "this is a part of the net: give a whole one; weights.py and microscope.py take a part, with --partial"
    if all(leaf.startswith("head/") for leaf in missing):
        return "its last layer is a recurrent one; ours have a Dense layer above it, so train the model with one"
    return ANOTHER


def _sound(step: Step, leaf: str, shape: tuple[int, ...], wrong: dict[str, list[str]]) -> bool:
    """Whether shape and numbers of the leaf are right; adds errors to `wrong`. Shapes come first: they are cheap."""
    array = step.after
    if array.shape != tuple(shape):
        wrong["of another shape"].append(f"{leaf} is {format_shape(array.shape)}, not {format_shape(shape)}")
        return False
    if array.dtype.kind != "f" or not _finite(array):
        wrong["not numbers"].append(f"{leaf} ({array.dtype if array.dtype.kind != 'f' else 'NaN or infinite'})")
        return False
    return True


def _finite(array: np.ndarray) -> bool:
    """Whether all numbers are finite as float32, the type of leaves."""
    with np.errstate(over="ignore"):
        return bool(np.isfinite(array.astype(np.float32, copy=False)).all())


def format_shape(shape: Iterable[int]) -> str:
    """A shape as 3x3x64x64; a single number as `scalar`."""
    return "x".join(map(str, shape)) or "scalar"


def _layer(leaf: str) -> str:
    return leaf.rpartition("/")[0]


def head_of(plan: ConversionPlan) -> frozenset[str]:
    """The file's names of the arrays that belong to a user's own head above the base.

    A head has no convolution. It consists of dense layers; of all arrays after the base, where the file keeps the net's
    order; and of all arrays beside the base, where the base is a net inside the net (`vgg16/...`). A forecaster has no
    such head: its dense layers are its own.
    """
    base = [index for index, step in enumerate(plan.steps) if step.leaf is not None]
    if not base or plan.architecture == FORECASTER:
        return frozenset()
    within = _common([_parts(plan.steps[index].name)[:-1] for index in base])
    ranks: dict[str, int] = {}
    for step in plan.steps:
        ranks[_layer_name(step.name)] = max(ranks.get(_layer_name(step.name), 0), step.before.ndim)
    return frozenset(
        step.name
        for index, step in enumerate(plan.steps)
        if step.leaf is None and ranks[_layer_name(step.name)] <= 2
        if ranks[_layer_name(step.name)] == 2
        or (plan.ordered and index > base[-1])
        or _parts(step.name)[: len(within)] != within
    )


def _common(names: Sequence[list[str]]) -> list[str]:
    """The first parts that all `names` share."""
    columns = takewhile(lambda column: len(set(column)) == 1, zip(*names, strict=False))
    return [column[0] for column in columns]


def _parts(name: str) -> list[str]:
    return re.split(r"[/.]", name)


def _layer_name(name: str) -> str:
    """The layer of an array: its name without the last part."""
    return re.sub(r"[/.][^/.]*$", "", name)
