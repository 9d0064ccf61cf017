"""`weights.py inspect|import|export|fetch|classify`"""

import dataclasses
import difflib
import inspect
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Literal

import tyro

from research import config as configuration
from research.cli.prepare import DataFlags
from research.cli.weights_classify import classify
from research.cli.weights_leaves import leaf_shapes
from research.cli.weights_table import show_mapping
from research.command_line import MISTAKE, parse
from research.config import ImageExperiment, PretrainedNet
from research.data.fetch import fetch
from research.data.paths import data_root, expanded
from research.errors import UserError, warn
from research.models.custom import own_base
from research.models.imagenet import CLASSES
from research.models.own_base import base_shapes
from research.report.progress import counting
from research.run_directory import read_config
from research.weights.conversion import Shapes, check_conversion, convert
from research.weights.export import export
from research.weights.forecaster import describe
from research.weights.load import (
    fingerprint,
    gates_known,
    open_weights,
    plan_named,
    slashed,
    wanted_forecaster,
    weights_only_caveat,
)
from research.weights.mapping import FORECASTER, ConversionPlan, guess, plan_conversion
from research.weights.name_tables import TOPS
from research.weights.native_file import save_native
from research.weights.published import VGG16_NOTOP, VGG16_TOP, check_published, provenance
from research.weights.weight_file import WeightFile

File = Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="FILE")]
Destination = Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="DESTINATION")]
Architecture = Literal["vgg16", "squeezenet", "forecaster"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Inspect:
    """The file, and the architecture to compare it with."""

    file: File
    """Keras .h5, .weights.h5 or .keras, torch .pth, .safetensors or .npz, by its content; for export also a run."""
    architecture: Architecture | None = None
    """By default the architecture whose names the file has."""
    drop_top: bool = False
    """Leave out the classifier (fc1, fc2, predictions) or your own head in its place; not for a forecaster."""
    partial: bool = False
    """Take the layers that the file has kernels for, even if others are missing."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Look(Inspect):
    """The file, and what to compare it with."""

    base: str | None = None
    """Compare it with the base of your own (PretrainedNet.base) of this configuration or run."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Convert(Inspect):
    """The file, the target, and the parts to convert."""

    destination: Destination
    """import: NAME.safetensors, with NAME.json beside it; export: NAME and .safetensors, .npz, .keras, .h5 or .pth."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Export(Convert):
    """A run directory or a weight file, and the target, whose suffix says what is written."""

    seed: int | None = None
    """The seed of a run; by default the first, and of tables in Keras or PyTorch the mean of all."""


@dataclasses.dataclass(frozen=True)
class Fetch:
    """The weights to fetch, and their folder."""

    architecture: Annotated[Literal["vgg16"], tyro.conf.Positional, tyro.conf.arg(metavar="ARCHITECTURE")]
    """vgg16: Keras' published file."""
    top: bool = False
    """With the classifier of 1000 classes (553 MB) rather than without (59 MB)."""
    data: DataFlags = dataclasses.field(default_factory=DataFlags)
    mirror: str | None = None
    """A URL to fetch the file from instead of the known one."""


def weights(arguments: Sequence[str]) -> int:
    """weights.py inspect|import|export|fetch|classify

    weights.py inspect FILE
    weights.py inspect FILE --base CONFIG|RUN
    weights.py import FILE NAME.safetensors
    weights.py export RUN NAME.safetensors|NAME.npz|NAME.keras|NAME.h5|NAME.pth
    weights.py export FILE NAME.safetensors|NAME.h5
    weights.py fetch vgg16
    weights.py classify FILE PICTURE...
    """
    if not arguments or arguments[0] in ("-h", "--help"):
        print(f"usage: {inspect.cleandoc(weights.__doc__ or '')}\n\nEach has its own --help.")
        return 0
    action, *rest = arguments
    if action not in ACTIONS:
        near = difflib.get_close_matches(action, ACTIONS, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise UserError(f"no action {action}{hint} (there are {', '.join(ACTIONS)})")
    return ACTIONS[action](rest)


def _inspect(arguments: Sequence[str]) -> int:
    """Show how a weight file maps to our leaves: what is transposed, missing or extra. Nothing is written.

    The exit code is 2 when the file does not fit.
    """
    flags = parse(Look, arguments, about=_inspect.__doc__ or "")
    file, plan, wanted = _planned(flags) if flags.base is None else _of_own_base(flags, flags.base)
    conversion = check_conversion(plan, wanted, flags.partial, flags.drop_top)
    show_mapping(file, plan, conversion, wanted, provenance(file))
    if plan.architecture == FORECASTER and not conversion.wrong:
        print(describe(convert(plan, wanted), plan.convention, gates_known(file)))
        _warn_weights_only(file, plan)
    return MISTAKE if conversion.wrong else 0


def _of_own_base(flags: Inspect, place: str) -> tuple[WeightFile, ConversionPlan, Shapes]:
    """The file, the plan of its conversion, and the leaves of the base of one's own in `place`."""
    if flags.architecture or flags.drop_top:
        raise UserError("--base names the net, which is taken whole; leave out --architecture and --drop-top")
    config = read_config(Path(place)) if Path(place).is_dir() else configuration.load(place)
    base = (
        config.model.base if isinstance(config, ImageExperiment) and isinstance(config.model, PretrainedNet) else None
    )
    if base is None:
        raise UserError(f"the model of {place} has no base of your own (PretrainedNet.base); leave out --base")
    file = open_weights(expanded(flags.file))
    return file, plan_named(file, base.label), slashed(base_shapes(own_base(base)))


def _import(arguments: Sequence[str]) -> int:
    """Write a weight file in our own format: NAME.safetensors, and NAME.json with a sha256 of every leaf."""
    flags = parse(Convert, arguments, about=_import.__doc__ or "")
    file, plan, wanted = _planned(flags)
    check_published(file)
    target = expanded(flags.destination)
    leaves = convert(plan, wanted, flags.partial, flags.drop_top)
    source = {"file": file.path.name, "sha256": file.sha256}
    path = save_native(target, leaves, architecture=plan.architecture, convention=plan.convention, source=source)
    numbers = sum(leaf.size for leaf in leaves.values())
    print(f"imported: {path} ({plan.architecture}, {len(leaves)} leaves, {numbers:,} numbers, {plan.convention})")
    print(f"fingerprint {fingerprint(leaves, plan.convention)}")
    _warn_weights_only(file, plan)
    return 0


def _warn_weights_only(file: WeightFile, plan: ConversionPlan) -> None:
    sentence = weights_only_caveat(file) if plan.architecture == FORECASTER else None
    if sentence:
        warn(sentence)


def _export(arguments: Sequence[str]) -> int:
    """Write a trained run as .safetensors or .npz, as a Keras model (.keras, .h5), or as .pth, a state dict of PyTorch
    with the source of its module beside it. Beside these two, FILE.json describes inputs and outputs: docs/formats.md.

    A weight file is written as plain .safetensors, or as the .h5 that Keras' load_weights takes.
    """
    flags = parse(Export, arguments, about=_export.__doc__ or "")
    if expanded(flags.file).is_dir():
        return _export_run(flags)
    if flags.seed is not None:
        raise UserError(f"--seed is of a run, and {flags.file} is a file; leave it out")
    file, plan, wanted = _planned(flags)
    check_published(file)
    target = expanded(flags.destination)
    leaves = convert(plan, wanted, flags.partial, flags.drop_top)
    print(f"exported: {export(target, leaves, architecture=plan.architecture, convention=plan.convention)}")
    if target.suffix == ".h5" and plan.convention == "torch":
        print("note: these weights want torchvision's preprocessing, not that of keras.applications.vgg16")
    return 0


def _export_run(flags: Export) -> int:
    if flags.architecture or flags.drop_top or flags.partial:
        raise UserError(f"{flags.file} is a run, whose net is known; leave out --architecture, --drop-top, --partial")
    from research import experiment  # imports much that files of weights need not wait for

    for path in experiment.export(expanded(flags.file), expanded(flags.destination), flags.seed):
        print(f"exported: {path}")
    return 0


def _fetch(arguments: Sequence[str]) -> int:
    """Fetch published weights. An interrupted download is resumed; the md5 is checked."""
    flags = parse(Fetch, arguments, about=_fetch.__doc__ or "")
    known = VGG16_TOP if flags.top else VGG16_NOTOP
    target = data_root(flags.data.root) / "weights" / known.name
    with counting("bytes") as show:
        fetch(target, known.md5, (flags.mirror or known.folder,), show)
    print(f"ready: {target}; look into it with scripts/weights.py inspect")
    return 0


ACTIONS: dict[str, Callable[[Sequence[str]], int]] = {
    "inspect": _inspect,
    "import": _import,
    "export": _export,
    "fetch": _fetch,
    "classify": classify,
}


def _planned(flags: Inspect) -> tuple[WeightFile, ConversionPlan, dict[str, tuple[int, ...]]]:
    """The file, the plan of its conversion, and the leaves of a net like the file's, with or without its top."""
    file = open_weights(expanded(flags.file))
    plan = plan_conversion(file, flags.architecture or file.notes.get("architecture") or guess(file))
    if plan.architecture == FORECASTER:
        if flags.drop_top or flags.partial:
            flag = "--drop-top" if flags.drop_top else "--partial"
            raise UserError(f"{file.path} holds a forecaster, which is taken whole or not at all; leave out {flag}")
        return file, plan, wanted_forecaster(plan)
    top = [leaf for leaf in plan.leaves if leaf.split("/")[0] in TOPS[plan.architecture]]
    last = plan.leaves.get("predictions/bias")
    wanted = leaf_shapes(
        plan.architecture,
        include_top=plan.architecture == "vgg16" and bool(top) and not flags.drop_top,
        classes=last.before.size if last else CLASSES,
    )
    return file, plan, wanted
