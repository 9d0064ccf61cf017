"""The plan of a conversion: the leaf for each array of a weight file, by names."""

import re
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from research.errors import UserError
from research.weights import name_tables
from research.weights.forecaster import forecaster_layout, several_kinds, stated
from research.weights.keras_config import parsed
from research.weights.keras_graph import graph_of
from research.weights.keras_pictures import picture_objections
from research.weights.name_tables import CONVENTIONS, LAYOUTS, TOP_ENDS, TOP_READS, TOPS, Layout, Row
from research.weights.weight_file import WeightFile

CHANGES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    name_tables.AS_IT_IS: lambda array: array,
    name_tables.KERNEL: lambda array: array.transpose(2, 3, 1, 0),
    name_tables.MATRIX: lambda array: array.transpose(1, 0),
    # torch flattens 512 x 7 x 7 channels first, we (as Keras) channels last; a convolution kernel comes to the same.
    name_tables.FLATTEN: lambda array: array.reshape(-1, 512, 7, 7).transpose(2, 3, 1, 0).reshape(25088, -1),
    name_tables.POINT: lambda array: array.reshape(array.shape[:2]).transpose(1, 0),
    name_tables.TWELFTHS: lambda array: array.astype(np.float32) / 4096,
}


UNNAMED = re.compile(r"(?:conv2d|dense)(?:_\d+)?/vars/\d+")  # by Keras itself
FORECASTER = "forecaster"  # its tables are made from the file


class Step(NamedTuple):
    """One array of the file: its name there, its leaf (None where no table knows the name), and the change.

    `after` is the leaf's array. Where the change fails, it is the array as in the file, so that a message can show its
    shape.
    """

    name: str
    leaf: str | None
    change: str
    before: np.ndarray
    after: np.ndarray


class ConversionPlan(NamedTuple):
    """How a file maps onto an architecture: one step for each array, in the file's order.

    `ordered` is True where that order is the net's. `objections` are settings in the file that differ from our layers',
    each with the layer's name; `top_objections` are those of the top, which matter only for a net with its top.
    """

    path: str
    architecture: str
    layout: str
    convention: str
    steps: tuple[Step, ...]
    ordered: bool
    objections: tuple[str, ...] = ()
    top_objections: tuple[str, ...] = ()

    @property
    def leaves(self) -> dict[str, Step]:
        """The steps that have a leaf, by the leaf's name."""
        return {step.leaf: step for step in self.steps if step.leaf is not None}


def plan_conversion(file: WeightFile, architecture: str) -> ConversionPlan:
    """The plan by the layout that knows most of the file's names.

    Raises UserError for an unknown architecture, and when no layout knows half of the names (another net's weights).
    """
    if architecture not in CONVENTIONS:
        raise UserError(f"{file.path} holds weights of {architecture}; known are {' and '.join(CONVENTIONS)}")
    best = max(_tables(file)[architecture], key=lambda layout: _known(file, layout))
    if not _is_of(file, best):
        raise _another_net(file, architecture)
    convention = file.notes.get("convention", best.convention)
    if name_tables.without_shape(convention) not in CONVENTIONS[architecture]:
        known = " and ".join(CONVENTIONS[architecture])
        raise UserError(f"{file.path} tells of {presupposed(architecture)} {convention!r}; known are {known}")
    steps = _with_own_top(tuple(_step(name, file, best) for name in file.arrays), architecture, best)
    steps = _with_biases(steps, file)
    ordered = file.kind in ("keras-h5", "torch")
    plan = ConversionPlan(str(file.path), architecture, best.name, convention, steps, ordered)
    if architecture == FORECASTER:
        faults = (*stated(file).objections, *several_kinds(plan.leaves), *_lora(steps, ()))
        return plan._replace(objections=faults)
    stated_of = picture_objections(file, architecture, {leaf: step.name for leaf, step in plan.leaves.items()})
    top = dict.fromkeys(each for layer in stated_of if layer in TOPS[architecture] for each in stated_of[layer])
    base = dict.fromkeys(each for layer in stated_of if layer not in TOPS[architecture] for each in stated_of[layer])
    base |= dict.fromkeys(_lora(steps, TOPS[architecture]))
    return plan._replace(objections=tuple(base), top_objections=tuple(top))


def guess(file: WeightFile) -> str:
    """The architecture whose tables know most of the file's names; UserError when no table fits."""
    best = {name: max(tables, key=lambda layout: _known(file, layout)) for name, tables in _tables(file).items()}
    known = {name: _known(file, layout) for name, layout in best.items() if _is_of(file, layout)}
    if not known:
        raise _another_net(file, " or ".join(best))
    return max(known, key=lambda name: known[name])


def _is_of(file: WeightFile, layout: Layout) -> bool:
    """Whether a layout knows half of the file's names, or half of the layout's names are in the file."""
    known, own = _known(file, layout), len({row.leaf for row in layout.rows})
    return known > 0 and 2 * known >= min(len(file.arrays), own)


def _with_own_top(steps: tuple[Step, ...], architecture: str, layout: Layout) -> tuple[Step, ...]:
    """The steps; a top that is a user's own head, by its sizes, gets no leaves."""
    leaves = {step.leaf: step.after.shape for step in steps if step.leaf is not None}
    own = all(leaf not in leaves or leaves[leaf][:1] == (size,) for leaf, size in TOP_READS.items())
    if own and (not layout.by_number or TOP_ENDS.get(architecture) in leaves):
        return steps
    top = TOPS[architecture]
    return tuple(step._replace(leaf=None) if step.leaf and step.leaf.split("/")[0] in top else step for step in steps)


def _with_biases(steps: tuple[Step, ...], file: WeightFile) -> tuple[Step, ...]:
    """The steps; after kernels of layers that Keras made without a bias (use_bias=False) one of zeros."""
    graph, leaves = parsed(file.notes, file.path, graph_of), {step.leaf for step in steps}
    found: list[Step] = []
    for step in steps:
        found.append(step)
        layer, _, part = (step.leaf or "").rpartition("/")
        key = graph.key_of(file.aliases.get(step.name, step.name)) if graph and part == "kernel" else None
        settings = graph.nodes[key].layer.settings if graph and key is not None else {}
        if settings.get("use_bias") is False and f"{layer}/bias" not in leaves:
            twice = (2,) if settings.get("reset_after") is True else ()  # a GRU's, for both products
            zeros = np.zeros((*twice, *step.after.shape[-1:]), np.float32)
            found.append(Step(f"{step.name} (use_bias=False)", f"{layer}/bias", name_tables.ZEROS, zeros, zeros))
    return tuple(found)


def _lora(steps: tuple[Step, ...], top: tuple[str, ...]) -> list[str]:
    """In words, our layers below the `top` whose kernels lack their LoRA updates, as in legacy files."""
    ours = {step.name.rpartition("/")[0] for step in steps if step.leaf and step.leaf.split("/")[0] not in top}
    names = [step.name.rpartition("/") for step in steps]
    found = dict.fromkeys(layer for layer, _, last in names if layer in ours and last.startswith("lora_"))
    advice = "kernels without what LoRA has learned; save NAME.keras or NAME.weights.h5, which have both in one"
    return [f"{advice} ({', '.join(found)})"] if found else []


def presupposed(architecture: str) -> str:
    """What the convention of an architecture states, in a word."""
    return "gates" if architecture == FORECASTER else "preprocessing"


def _tables(file: WeightFile) -> dict[str, tuple[Layout, ...]]:
    return LAYOUTS | {FORECASTER: (forecaster_layout(file),)}


def _another_net(file: WeightFile, wanted: str) -> UserError:
    names = ", ".join(list(file.arrays)[:3])
    return UserError(f"{file.path} holds weights of another net than {wanted} (it has {names} ...)")


def _known(file: WeightFile, layout: Layout) -> int:
    return sum(_row(name, file, layout) is not None for name in file.arrays)


def _row(name: str, file: WeightFile, layout: Layout) -> Row | None:
    if file.kind not in layout.kinds:
        return None
    alias = file.aliases.get(name, name)
    if layout.by_number and alias != name and not UNNAMED.fullmatch(alias):
        return None
    names = (name,) if layout.by_number else (alias, name)
    return next((row for called in names for row in layout.rows if re.fullmatch(row.pattern, called)), None)


def _step(name: str, file: WeightFile, layout: Layout) -> Step:
    before, row = file.arrays[name], _row(name, file, layout)
    if row is None:
        return Step(name, None, name_tables.AS_IT_IS, before, before)
    try:
        after = CHANGES[row.change](before)
    except ValueError:
        after = before
    return Step(name, row.leaf, row.change, before, after)
