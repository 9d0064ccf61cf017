"""The one way to load weights: from any weight file, ours or not, to the leaves that a net wants."""

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from research.errors import UserError, warn
from research.seals import array_digest
from research.weights.conversion import Shapes, convert
from research.weights.forecaster import Description, describe, forecaster_shapes, stated
from research.weights.mapping import FORECASTER, ConversionPlan, Step, plan_conversion
from research.weights.name_tables import AS_IT_IS, gates_and_output
from research.weights.native_file import is_native, verified
from research.weights.published import check_published
from research.weights.weight_file import WeightFile, read


class Loaded(NamedTuple):
    """Leaves by name (float32), the preprocessing that they were trained with, and a digest of both, in hex."""

    leaves: dict[str, np.ndarray]
    convention: str
    fingerprint: str


def load_weights(path: Path | str, wanted: Shapes, architecture: str, partial: bool = False) -> Loaded:
    """The `wanted` leaves ({name: shape}) of `architecture` ("vgg16", "squeezenet") from the file at `path`.

    Strict both ways: every leaf is present in its shape, and nothing is left over except an unwanted top. With
    `partial`, only the layers with a kernel in the file. The same numbers give the same fingerprint from any format.
    Raises UserError with everything that is wrong.
    """
    file = check_published(open_weights(path))
    stated_architecture = file.notes.get("architecture", architecture)
    if stated_architecture != architecture:
        raise UserError(f"{path} holds weights of another net: of {stated_architecture}, not of {architecture}")
    plan = plan_conversion(file, architecture)
    leaves = convert(plan, wanted, partial)
    return Loaded(leaves, plan.convention, fingerprint(leaves, plan.convention))


def load_named(path: Path | str, wanted: Shapes, net: str, layer: str) -> Loaded:
    """The `wanted` leaves ({dotted name: shape}) of the `net` of one's own, as leaves of `layer`, from a file's arrays.

    Strict both ways; raises UserError with everything that is wrong.
    """
    plan = plan_named(open_weights(path), net)
    found = convert(plan, slashed(wanted))
    leaves = {f"{layer}/{name.replace('/', '.')}": leaf for name, leaf in found.items()}
    return Loaded(leaves, plan.convention, fingerprint(leaves, plan.convention))


def plan_named(file: WeightFile, net: str) -> ConversionPlan:
    """The plan by which the `net` of one's own takes a file's arrays, which have the names of its leaves.

    `Conv_0/kernel`, `Conv_0.kernel` and `params.Conv_0.kernel` are one; the plan writes all with slashes.
    """
    names = {name.replace(".", "/"): array for name, array in file.arrays.items()}
    steps = (Step(name, re.sub("^params/", "", name), AS_IT_IS, array, array) for name, array in names.items())
    return ConversionPlan(str(file.path), net, "its own names", "own", tuple(steps), ordered=False)


def slashed(wanted: Shapes) -> Shapes:
    """`wanted` by names with slashes in place of dots."""
    return {name.replace(".", "/"): shape for name, shape in wanted.items()}


def load_arrays(path: Path | str) -> dict[str, np.ndarray]:
    """The arrays of the file at `path` as leaves of variables, float32: `Conv_0.kernel` as `params/Conv_0/kernel`.

    Names that begin with batch_stats keep that. Raises UserError where an array has other than finite real numbers.
    """
    leaves = {name.replace(".", "/"): array for name, array in open_weights(path).arrays.items()}
    wrong = [name for name, array in leaves.items() if array.dtype.kind != "f" or not np.isfinite(array).all()]
    if wrong:
        raise UserError(f"{path}: {', '.join(wrong)} should be real numbers, all finite")
    own = ("params/", "batch_stats/")
    return {
        name if name.startswith(own) else f"params/{name}": array.astype(np.float32) for name, array in leaves.items()
    }


def forecaster_leaves(path: Path | str) -> tuple[dict[str, np.ndarray], Description]:
    """The leaves (float32) of the forecaster in the file at `path`, and a description of its net.

    Raises UserError when its layers do not chain or are of another kind than ours; every offending leaf is named.
    """
    file = open_weights(path)
    plan = plan_conversion(file, FORECASTER)
    leaves = convert(plan, wanted_forecaster(plan))
    return leaves, describe(leaves, plan.convention, gates_known(file))


def load_forecaster(
    path: Path | str, wanted: Shapes, gates: str, output: str = "linear", shape: tuple[int, int] | None = None
) -> dict[str, np.ndarray]:
    """The `wanted` leaves ({name: shape}) of a net with such gates and output, from the forecaster file at `path`.

    `shape` are the net's steps of horizon and its series, which the file's must be where it says them.

    Strict both ways: raises one UserError that lists all that is missing, extra, misshapen, or of another kind. Gates
    and an output that the file does not state are assumed to be the net's, with a warning.
    """
    file = open_weights(path)
    if sentence := weights_only_caveat(file):
        warn(sentence)
    plan = plan_conversion(file, FORECASTER)
    own_gates, own_output = gates_and_output(plan.convention)
    found = list(plan.objections)
    if gates_known(file) and own_gates != gates and not any(leaf.startswith("rnn") for leaf in wanted):
        found.append(f"gates ({own_gates}, the net's {gates}: --model.gates)")
    if stated(file).output is not None and own_output != output:
        found.append(f"output ({own_output}, the net's {output}: --model.output)")
    own_shape = stated(file).shape
    if shape and own_shape and own_shape != shape and not (1 in shape and 1 in own_shape):
        found.append(f"outputs ({_steps_by_series(own_shape)}, the net's {_steps_by_series(shape)})")
    return convert(plan._replace(objections=tuple(found)), wanted)


def _steps_by_series(shape: tuple[int, int]) -> str:
    return f"{shape[0]} steps x {shape[1]} series"


def wanted_forecaster(plan: ConversionPlan) -> dict[str, tuple[int, ...]]:
    """The leaves of a plan's forecaster, if its layers chain."""
    return forecaster_shapes({leaf: step.after for leaf, step in plan.leaves.items()})


def gates_known(file: WeightFile) -> bool:
    """Whether a forecaster's file states its gates."""
    return stated(file).gates is not None


def weights_only_caveat(file: WeightFile) -> str | None:
    """A sentence on what a forecaster's file with weights alone leaves open; None for other files.

    Files of torch and of arrays alone are not asked: none of them is read but under our names.
    """
    if file.kind not in ("keras-h5", "keras3") or {"config", "convention"} & file.notes.keys():
        return None
    return (
        f"{file.path.name} holds weights only: it cannot tell whether a layer reads backwards (go_backwards), masks "
        "steps, is wrapped in another, is used twice, or has another activation or other gates than ours, nor whether "
        "there are several outputs, or layers without weights (Activation, Reshape, Rescaling); to have that checked, "
        "save the whole model (NAME.keras)"
    )


def open_weights(path: Path | str) -> WeightFile:
    """`read`, and for a file of our own its manifest checked, leaf by leaf."""
    file = read(path)
    if file.kind != "safetensors" or not is_native(file.notes):
        return file
    verified(file.path, file.arrays, file.notes)
    return file._replace(kind="ours")


def fingerprint(leaves: Mapping[str, np.ndarray], convention: str) -> str:
    """One digest of all leaves and of their net's preprocessing; the order of the leaves does not matter."""
    lines = [f"{name} {array_digest(leaves[name])}" for name in sorted(leaves)]
    return hashlib.sha256("\n".join([convention, *lines]).encode()).hexdigest()
