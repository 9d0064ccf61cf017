"""A net with its parameters, loaded from a trained run or a file of pretrained weights, for the microscope."""

import functools
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, cast

import jax
import jax.numpy as jnp
import numpy as np

from research import config as configuration
from research.config import Experiment, ImageExperiment, PretrainedNet
from research.data.images.image_set import ImageSet
from research.data.images.pixel_range import UNKNOWN, Ranges
from research.data.paths import data_root, expanded
from research.errors import UserError
from research.experiment.images.build import build_network, load_data
from research.experiment.images.preprocessing import read_preprocessing
from research.experiment.images.transfer import KNOWN, load_pretrained, transfer, weights_file
from research.experiment.training import ended_leaves, load_variables, refuse_edited_config, refuse_edited_net
from research.models.custom import CustomNet, own_base
from research.models.custom_taps import tap_network, with_parameters
from research.models.network import Network, beyond, joined, upto
from research.models.normalization import without_statistics
from research.models.own_base import BASE, SIDE, base_variables
from research.models.squeezenet import squeezenet
from research.models.transfer import Backbone
from research.models.vgg16 import SMALLEST_SIDE, vgg16
from research.report.record import read_record
from research.run_directory import CONFIG, RECORD, default_run_dir, read_config
from research.training.checkpoints import fitted
from research.trees import from_named, named_leaves
from research.weights.load import load_weights, open_weights
from research.weights.mapping import guess, plan_conversion

Tree = Any


class LoadedNet(NamedTuple):
    """A net, its parameters, and facts about its training pictures."""

    title: str
    net: Network
    params: Tree
    shape: tuple[int, int, int] | None  # [H, W, C] of its training pictures; None where the net takes any size
    channels: int
    classes: tuple[str, ...]  # empty without a head
    layers: tuple[str, ...]  # convolutions and dense layers whose weights were loaded, in order
    data: Callable[[], ImageSet] | None  # loads the training data
    ink: Mapping[str, Any] | None  # the layout of strokes (see `measure_ink`) in training pictures that are drawings
    squash: bool  # whether training pictures were resized without keeping their proportions
    out_dir: Path  # the default folder of the microscope's results
    ranges: Ranges = UNKNOWN  # ranges that scaled training pictures of more than 8 bits to bytes

    def head(self) -> tuple[Network, Tree]:
        """The part of the net that its output needs, and its parameters: of a net of one's own a single tap."""
        part = upto(self.net, self.net.names[-1])
        return part, {name: self.params[name] for name in part.names if name in self.params}


def load_net(
    target: Path | str, *, seed: int | None = None, root: str | None = None, partial: bool = False
) -> LoadedNet:
    """Load `target`: a run directory, a configuration file (its run, or its pretrained net), a weight file, or the
    name of a backbone, for its ImageNet weights (see `transfer.KNOWN`).

    `seed` selects a member of a run with several seeds. `root` is the data folder. With `partial` a weight file may
    lack layers. Raises UserError for any other target.
    """
    path = expanded(str(target))
    if path.suffix == ".py":
        return _configured(path, seed, root, partial)
    if path.is_dir():
        return _trained(path, seed, root)
    if str(target) in KNOWN:
        return _pretrained(weights_file(PretrainedNet(backbone=cast(Backbone, str(target))), root), partial)
    candidates = (path, data_root(root) / "weights" / path)
    weights = next((candidate for candidate in candidates if candidate.is_file()), None)
    if weights is None:
        raise UserError(f"no {target}; give a run directory, a configuration, a weight file, or vgg16 or squeezenet")
    return _pretrained(weights, partial)


def _configured(path: Path, seed: int | None, root: str | None, partial: bool) -> LoadedNet:
    config = _image_config(configuration.load(str(path)))
    run_dir = default_run_dir(config, config)
    if (run_dir / RECORD).is_file():
        return _trained(run_dir, seed, root)
    if isinstance(config.model, PretrainedNet) and config.model.base:
        return _own_base(config.model, root or config.data.root)
    if isinstance(config.model, PretrainedNet):
        return _pretrained(weights_file(config.model, root or config.data.root), partial)
    raise UserError(f"{path} is not trained yet (no {run_dir / RECORD}); first: python scripts/train.py {path}")


def _trained(run_dir: Path, seed: int | None, root: str | None) -> LoadedNet:
    if not (run_dir / CONFIG).is_file():
        raise UserError(f"{run_dir} is not a run directory (it has no {CONFIG}); train one with scripts/train.py")
    config = configuration.relocated(_image_config(read_config(run_dir)), root)
    refuse_edited_config(config, run_dir)
    refuse_edited_net(config, run_dir)
    record = read_record(run_dir)
    data, (ink, squash, ranges) = record["data"], read_preprocessing(record)
    shape, classes = tuple(data["shape"]), tuple(data["classes"])
    if shape[2] not in (1, 3):
        raise UserError(f"{run_dir} reads {shape[2]} channels; the microscope draws pictures of 1 or 3")
    net, params, layers = _parameters(config, len(classes), shape, config.seed if seed is None else seed, run_dir)
    return LoadedNet(
        title=config.name,
        net=net,
        params=params,
        shape=(shape[0], shape[1], shape[2]),
        channels=shape[2],
        classes=classes,
        layers=layers,
        data=functools.cache(functools.partial(load_data, config.data)),
        ink=ink,
        squash=squash,
        ranges=ranges,
        out_dir=run_dir / "microscope",
    )


def _image_config(config: Experiment) -> ImageExperiment:
    if isinstance(config, ImageExperiment):
        return config
    raise UserError(f"{config.name} is not about pictures; the microscope looks at nets that read them")


def _parameters(
    config: ImageExperiment, classes: int, shape: tuple[int, ...], seed: int, run_dir: Path
) -> tuple[Network, Tree, tuple[str, ...]]:
    """The whole net of a run, its final parameters, and the layers that have some.

    Frozen parameters come from the weight file. A net of one's own is the network of its taps, and BatchNorm the
    Affine that it is after training.
    """
    pixels = jax.ShapeDtypeStruct((1, *shape), np.uint8)
    if not isinstance(config.model, PretrainedNet):
        net = build_network(config.model, classes)
        variables = load_variables(config, jax.eval_shape(net.init, jax.random.key(0), pixels), seed, run_dir)
        if isinstance(net, CustomNet):
            return _taps_of(net, variables, shape)
        net, params = without_statistics(net, variables)
        return net, params, tuple(name for name in net.names if name in params)
    own = ended_leaves(config, seed, run_dir)
    transferred = transfer(load_pretrained(config.model, config.data.root), config.model, config, classes, [own])
    inputs = pixels
    if transferred.split is not None:
        inputs = jax.eval_shape(transferred.split.below.apply, {"params": transferred.below}, pixels)[0]
    above = fitted(own, {"params": _structure(transferred.trained, inputs)}, run_dir)["params"]
    if config.model.base:
        base = own_base(config.model.base)
        net, params, layers = _taps_of(base, base_variables(base, transferred.below[BASE]), shape)
        net = joined(net, beyond(transferred.net, BASE))
        return net, params | above, (*layers, *above)
    leaves = named_leaves(transferred.below) | named_leaves(above)
    params = from_named(leaves, _structure(transferred.net, pixels))
    return transferred.net, params, tuple(name for name in transferred.net.names if name in params)


def _taps_of(net: CustomNet, variables: Tree, shape: tuple[int, ...]) -> tuple[Network, Tree, tuple[str, ...]]:
    """The network of the taps of a net of one's own, its parameters, and the taps of modules that have some."""
    taps, params = tap_network(net, variables, shape)
    return taps, params, with_parameters(taps, variables)


def _own_base(model: PretrainedNet, root: str | None) -> LoadedNet:
    """The base of one's own that `model` names, with its weights and without a head, on pictures of `SIDE`."""
    base = own_base(model.base)  # pyright: ignore[reportArgumentType]
    leaves = {name.partition("/")[2]: leaf for name, leaf in load_pretrained(model, root).leaves.items()}
    shape = (SIDE, SIDE, 3)
    net, params, layers = _taps_of(base, base_variables(base, leaves), shape)
    title = base.label.rpartition(":")[2]
    return _bare(title, net, params, layers, shape)


def _pretrained(path: Path, partial: bool) -> LoadedNet:
    file = open_weights(path)
    architecture = file.notes.get("architecture") or guess(file)
    convention: Any = plan_conversion(file, architecture).convention
    net = {"vgg16": vgg16, "squeezenet": squeezenet}[architecture](convention=convention)
    structure = _structure(net, jax.ShapeDtypeStruct((1, SMALLEST_SIDE, SMALLEST_SIDE, 3), np.uint8))
    wanted = {name: leaf.shape for name, leaf in named_leaves(structure).items()}
    leaves = load_weights(path, wanted, architecture, partial).leaves
    params: dict[str, dict[str, jax.Array]] = {}
    for name, leaf in leaves.items():
        layer, _, part = name.rpartition("/")
        params.setdefault(layer, {})[part] = jnp.asarray(leaf)
    return _bare(path.stem, net, params, tuple(name for name in net.names if name in params), None)


def _bare(
    title: str, net: Network, params: Tree, layers: tuple[str, ...], shape: tuple[int, int, int] | None
) -> LoadedNet:
    """A net without a head, and without data of its own."""
    return LoadedNet(
        title=title,
        net=net,
        params=params,
        shape=shape,
        channels=3,
        classes=(),
        layers=layers,
        data=None,
        ink=None,
        squash=False,
        out_dir=Path("runs", f"{title}-microscope"),
    )


def _structure(net: Network, inputs: Any) -> Tree:
    return jax.eval_shape(net.init, jax.random.key(0), inputs)["params"]
