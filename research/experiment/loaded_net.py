"""What comes under the microscope: a net with its parameters, of a trained run or of a file of pretrained weights."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from research import config as configuration
from research.config import Experiment, ImageExperiment, PretrainedNet
from research.data.images.image_set import ImageSet
from research.data.images.ink import Ink
from research.data.images.pixel_range import UNKNOWN, Ranges
from research.data.paths import data_root, expanded
from research.errors import UserError
from research.experiment.images.build import build_network, load_data
from research.experiment.images.transfer import transfer, weights_file
from research.experiment.training import load_variables, refuse_edited_config
from research.models.network import Network
from research.models.squeezenet import squeezenet
from research.models.vgg16 import SMALLEST_SIDE, vgg16
from research.report.record import read_record
from research.run_directory import CONFIG, RECORD, default_place, read_config
from research.trees import from_named, named_leaves
from research.weights.load import load_weights, open_weights
from research.weights.mapping import guess, plan

Tree = Any


class LoadedNet(NamedTuple):
    """A net ready to be looked at."""

    title: str
    net: Network
    params: Tree
    shape: tuple[int, int, int] | None  # of the pictures that it was trained on; None where any size will do
    channels: int
    classes: tuple[str, ...]  # none without a head
    layers: tuple[str, ...]  # convolutions and dense ones whose weights are there, in order
    data: Callable[[], ImageSet] | None  # what it was trained on
    ink: Ink | None  # how the strokes lie in those, where they are drawings
    squash: bool  # whether those were squashed to their size
    place: Path  # where what is seen is kept by default
    ranges: Ranges = UNKNOWN  # by which their numbers of more than 8 bits became bytes


def specimen(
    target: Path | str, *, seed: int | None = None, root: str | None = None, partial: bool = False
) -> LoadedNet:
    """The net of `target`: a run directory, a configuration file (its run, or its pretrained net), or a weight file.

    `seed` chooses among the trained ones; `root` is where data lies; with `partial` a weight file may lack layers.
    Raises UserError for anything else.
    """
    path = expanded(str(target))
    if path.suffix == ".py":
        return _configured(path, seed, root, partial)
    if path.is_dir():
        return _trained(path, seed, root)
    found = next((each for each in (path, data_root(root) / "weights" / path) if each.is_file()), None)
    if found is None:
        raise UserError(f"no {target}; give a run directory, a configuration or a weight file (VGG16, SqueezeNet)")
    return _pretrained(found, partial)


def _configured(path: Path, seed: int | None, root: str | None, partial: bool) -> LoadedNet:
    config = _of_pictures(configuration.load(str(path)))
    place = default_place(config, config)
    if (place / RECORD).is_file():
        return _trained(place, seed, root)
    if isinstance(config.model, PretrainedNet):
        return _pretrained(weights_file(config.model, root or config.data.root), partial)
    raise UserError(f"{path} is not trained yet (no {place / RECORD}); first: python scripts/train.py {path}")


def _trained(place: Path, seed: int | None, root: str | None) -> LoadedNet:
    if not (place / CONFIG).is_file():
        raise UserError(f"{place} is not a run directory (it has no {CONFIG}); train one with scripts/train.py")
    config = configuration.relocated(_of_pictures(read_config(place)), root)
    refuse_edited_config(config, place)
    data = read_record(place)["data"]
    shape, classes = tuple(data["shape"]), tuple(data["classes"])
    net, params = _parameters(config, len(classes), shape, config.seed if seed is None else seed, place)
    return LoadedNet(
        title=config.name,
        net=net,
        params=params,
        shape=(shape[0], shape[1], shape[2]),
        channels=shape[2],
        classes=classes,
        layers=tuple(name for name in net.names if name in params),
        data=functools.cache(functools.partial(load_data, config.data)),
        ink=None if data.get("ink") is None else Ink(**data["ink"]),
        squash=data.get("findings") is not None,
        ranges={kind: (low, high) for kind, (low, high) in data.get("ranges", {}).items()},
        place=place / "microscope",
    )


def _of_pictures(config: Experiment) -> ImageExperiment:
    if isinstance(config, ImageExperiment):
        return config
    raise UserError(f"{config.name} is not about pictures; the microscope looks at nets that read them")


def _parameters(
    config: ImageExperiment, classes: int, shape: tuple[int, ...], seed: int, place: Path
) -> tuple[Network, Tree]:
    """The whole net of a run and the parameters that it ended with; frozen ones are those of the weight file."""
    pixels = jax.ShapeDtypeStruct((1, *shape), np.uint8)
    if not isinstance(config.model, PretrainedNet):
        net = build_network(config.model, classes)
        return net, load_variables(config, {"params": _structure(net, pixels)}, seed, place)["params"]
    ready = transfer(config.model, config, classes)
    reads = pixels
    if ready.cut is not None:
        reads = jax.eval_shape(ready.cut.below.apply, {"params": ready.below}, pixels)[0]
    above = load_variables(config, {"params": _structure(ready.trained, reads)}, seed, place)["params"]
    leaves = named_leaves(ready.below) | named_leaves(above)
    return ready.net, from_named(leaves, _structure(ready.net, pixels))


def _pretrained(path: Path, partial: bool) -> LoadedNet:
    foreign = open_weights(path)
    architecture = foreign.notes.get("architecture") or guess(foreign)
    convention: Any = plan(foreign, architecture).convention
    net = {"vgg16": vgg16, "squeezenet": squeezenet}[architecture](convention=convention)
    like = _structure(net, jax.ShapeDtypeStruct((1, SMALLEST_SIDE, SMALLEST_SIDE, 3), np.uint8))
    wanted = {name: leaf.shape for name, leaf in named_leaves(like).items()}
    leaves = load_weights(path, wanted, architecture, partial).leaves
    params: dict[str, dict[str, jax.Array]] = {}
    for name, leaf in leaves.items():
        layer, _, part = name.rpartition("/")
        params.setdefault(layer, {})[part] = jnp.asarray(leaf)
    return LoadedNet(
        title=path.stem,
        net=net,
        params=params,
        shape=None,
        channels=3,
        classes=(),
        layers=tuple(name for name in net.names if name in params),
        data=None,
        ink=None,
        squash=False,
        place=Path("runs", f"{path.stem}-microscope"),
    )


def _structure(net: Network, inputs: Any) -> Tree:
    return jax.eval_shape(net.init, jax.random.key(0), inputs)["params"]
