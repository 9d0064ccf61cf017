"""Foreign arrays and our leaves brought together by name: the plan of a port, before anything is moved."""

import re
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from research.errors import UserError
from research.weights import layouts
from research.weights.forecaster import forecaster_layout, several_kinds, stated
from research.weights.foreign import Foreign
from research.weights.keras_pictures import picture_objections
from research.weights.layouts import CONVENTIONS, LAYOUTS, TOP_ENDS, TOP_READS, TOPS, Layout, Row

CHANGES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    layouts.AS_IT_IS: lambda array: array,
    layouts.KERNEL: lambda array: array.transpose(2, 3, 1, 0),
    layouts.MATRIX: lambda array: array.transpose(1, 0),
    # torch flattens 512 x 7 x 7 channels first, we (as Keras) channels last; a convolution kernel comes to the same.
    layouts.FLATTEN: lambda array: array.reshape(-1, 512, 7, 7).transpose(2, 3, 1, 0).reshape(25088, -1),
    layouts.POINT: lambda array: array.reshape(array.shape[:2]).transpose(1, 0),
    layouts.TWELFTHS: lambda array: array.astype(np.float32) / 4096,
}


UNNAMED = re.compile(r"(?:conv2d|dense)(?:_\d+)?/vars/\d+")  # by Keras itself
FORECASTER = "forecaster"  # its tables are made from the file


class Step(NamedTuple):
    """One foreign array, the leaf that it is (None: nothing that the table knows), and the change on the way.

    `after` is the leaf's array; where the change cannot be made, the array as it came, for its shape to be named.
    """

    foreign: str
    leaf: str | None
    change: str
    before: np.ndarray
    after: np.ndarray


class PortPlan(NamedTuple):
    """How a file maps onto an architecture, step by step in the file's order.

    `ordered`: that order is the net's. `objections` are what the file says of its layers that ours are not, each with
    the layer's name.
    """

    path: str
    architecture: str
    layout: str
    convention: str
    steps: tuple[Step, ...]
    ordered: bool
    objections: tuple[str, ...] = ()

    @property
    def leaves(self) -> dict[str, Step]:
        """The steps that end at a leaf, by its name."""
        return {step.leaf: step for step in self.steps if step.leaf is not None}


def plan(foreign: Foreign, architecture: str) -> PortPlan:
    """The mapping by the layout that knows most of the file's names.

    Raises UserError when none knows half, or the architecture is not known: then the weights are of another net.
    """
    if architecture not in CONVENTIONS:
        raise UserError(f"{foreign.path} holds weights of {architecture}; known are {' and '.join(CONVENTIONS)}")
    best = max(_tables(foreign)[architecture], key=lambda layout: _known(foreign, layout))
    if not _is_of(foreign, best):
        raise _another_net(foreign, architecture)
    convention = foreign.notes.get("convention", best.convention)
    if convention not in CONVENTIONS[architecture]:
        known = " and ".join(CONVENTIONS[architecture])
        raise UserError(f"{foreign.path} tells of {presupposed(architecture)} {convention!r}; known are {known}")
    steps = _with_own_top(tuple(_step(name, foreign, best) for name in foreign.arrays), architecture, best)
    ordered = foreign.kind in ("keras-h5", "torch")
    planned = PortPlan(str(foreign.path), architecture, best.name, convention, steps, ordered)
    if architecture == "vgg16":
        return planned._replace(objections=picture_objections(foreign, {leaf.split("/")[0] for leaf in planned.leaves}))
    if architecture != FORECASTER:
        return planned
    return planned._replace(objections=(*stated(foreign).objections, *several_kinds(planned.leaves)))


def guess(foreign: Foreign) -> str:
    """The architecture whose tables know most of the file's names; UserError when the file is of none."""
    best = {name: max(tables, key=lambda layout: _known(foreign, layout)) for name, tables in _tables(foreign).items()}
    known = {name: _known(foreign, layout) for name, layout in best.items() if _is_of(foreign, layout)}
    if not known:
        raise _another_net(foreign, " or ".join(best))
    return max(known, key=lambda name: known[name])


def _is_of(foreign: Foreign, layout: Layout) -> bool:
    """Whether a layout knows half of the file's names, or half of its own are in the file; one or two are chance."""
    known, own = _known(foreign, layout), len({row.leaf for row in layout.rows})
    return known > 0 and 2 * known >= min(len(foreign.arrays), own)


def _with_own_top(steps: tuple[Step, ...], architecture: str, layout: Layout) -> tuple[Step, ...]:
    """The steps; without leaves of the top where these layers are a head that somebody put in its place."""
    leaves = {step.leaf: step.after.shape for step in steps if step.leaf is not None}
    own = all(leaf not in leaves or leaves[leaf][:1] == (size,) for leaf, size in TOP_READS.items())
    if own and (not layout.by_number or TOP_ENDS.get(architecture) in leaves):
        return steps
    top = TOPS[architecture]
    return tuple(step._replace(leaf=None) if step.leaf and step.leaf.split("/")[0] in top else step for step in steps)


def presupposed(architecture: str) -> str:
    """What the convention of an architecture is about."""
    return "gates" if architecture == FORECASTER else "preprocessing"


def _tables(foreign: Foreign) -> dict[str, tuple[Layout, ...]]:
    return LAYOUTS | {FORECASTER: (forecaster_layout(foreign),)}


def _another_net(foreign: Foreign, wanted: str) -> UserError:
    names = ", ".join(list(foreign.arrays)[:3])
    return UserError(f"{foreign.path} holds weights of another net than {wanted} (it has {names} ...)")


def _known(foreign: Foreign, layout: Layout) -> int:
    return sum(_row(name, foreign, layout) is not None for name in foreign.arrays)


def _row(name: str, foreign: Foreign, layout: Layout) -> Row | None:
    if foreign.kind not in layout.kinds:
        return None
    alias = foreign.aliases.get(name, name)
    if layout.by_number and alias != name and not UNNAMED.fullmatch(alias):
        return None
    names = (name,) if layout.by_number else (alias, name)
    return next((row for called in names for row in layout.rows if re.fullmatch(row.foreign, called)), None)


def _step(name: str, foreign: Foreign, layout: Layout) -> Step:
    before, row = foreign.arrays[name], _row(name, foreign, layout)
    if row is None:
        return Step(name, None, layouts.AS_IT_IS, before, before)
    try:
        after = CHANGES[row.change](before)
    except ValueError:
        after = before
    return Step(name, row.leaf, row.change, before, after)
