"""Training on top of a pretrained net: its weights, where it is split, and the features of its frozen part."""

import dataclasses
import json
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import platformdirs

from research import heap
from research.config import Augmentation, ImageExperiment, PretrainedNet
from research.data.images.augmentation import augmenter, view_keys
from research.data.images.image_set import ImageSet
from research.data.paths import data_root, expanded
from research.errors import UserError, warn
from research.models.apply import apply_of
from research.models.custom import own_base
from research.models.inference import outputs
from research.models.network import Network
from research.models.own_base import BASE, SIDE, base_shapes
from research.models.pixels import EXAMINED, check_pixels
from research.models.transfer import SplitNet, frozen_layers, split_net, transfer_net
from research.report.progress import counting
from research.training.feature_cache import cached, key_of
from research.training.freezing import frozen_leaves
from research.trees import from_named, named_leaves

if TYPE_CHECKING:
    from research.weights.load import Loaded

Tree = Any
BATCH_SIZE = 8  # pictures in the frozen part at once: 16 are not faster and take 180 MB more (VGG16, 150 pixels)
GROUP = 8  # such batches in one call: a tenth faster than calls of one, which transform the kernels anew
# File names of a backbone's ImageNet weights, in the order of the search: Keras' or torchvision's published files,
# arrays under our names, and files that scripts/weights.py import has written.
KNOWN = {
    "squeezenet": (
        "squeezenet_v1.1_imagenet_notop.npz",
        "squeezenet1_1-b8a52dc0.pth",
        "squeezenet.safetensors",
    ),
    "vgg16": (
        "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5",
        "vgg16_weights_tf_dim_ordering_tf_kernels.h5",
        "vgg16_imagenet_notop.npz",
        "vgg16-397923af.pth",
        "vgg16.safetensors",
    ),
}
WHERE = {
    "squeezenet": "it has 2,903,698 bytes, md5 7a2ddc84b782d16e8f211e6d92bd2244; torchvision's weights do as well: "
    "https://download.pytorch.org/models/squeezenet1_1-b8a52dc0.pth (4.7 MB, its sha256 begins with b8a52dc0)",
    "vgg16": "scripts/weights.py fetch vgg16 gets it (58,889,256 bytes, md5 6d6bbae143d832006294945121d1f1fc)",
}


class Transfer(NamedTuple):
    """A pretrained net with its weights, split for training."""

    net: Network  # whole
    frozen: frozenset[str]  # names of the leaves that are not trained
    split: SplitNet | None  # None where the whole net runs in training
    below: Tree  # parameters below the split
    start: dict[str, np.ndarray]  # the other pretrained leaves, by name
    weights: str  # fingerprint
    precision: str

    @property
    def trained(self) -> Network:
        """The net that training runs: the part above the split, or the whole."""
        return self.net if self.split is None else self.split.above


def load_pretrained(config: PretrainedNet, root: str | None) -> "Loaded":
    """The backbone's leaves from its weight file; UserError when it is missing, damaged or of another net."""
    from research.weights.load import load_named, load_weights  # slow to import

    if config.base is None:
        return load_weights(weights_file(config, root), _wanted(config), config.backbone)
    return load_named(weights_file(config, root), base_shapes(own_base(config.base)), config.base.label, BASE)


def transfer(
    loaded: "Loaded",
    config: PretrainedNet,
    experiment: ImageExperiment,
    classes: int,
    starts: Collection[Mapping[str, np.ndarray]] = (),
) -> Transfer:
    """The net that `config` describes, with `loaded` leaves, for training with the frozen part split off.

    Layers that differ in any of `starts` (leaves of variables by name, for each seed) from the loaded ones lie above
    the split, even if they are frozen.
    """
    shape = {"pooling": config.pooling, "hidden": config.hidden, "dropout": config.dropout}
    backbone = config.backbone if config.base is None else own_base(config.base)
    net = transfer_net(backbone, loaded.convention, classes, **shape)  # pyright: ignore[reportArgumentType]
    names = list(named_leaves(_structure(net)))
    given = [leaf for leaf in names if _layer(leaf) in frozen_layers(net, config.fine_tune)]
    frozen = frozen_leaves(names, experiment.train.freeze, given)
    steady = config.cache and (not experiment.augment.active or experiment.augment.views > 0)
    pretrained = {_layer(leaf) for leaf in loaded.leaves}
    moving = {_layer(leaf) for leaf in names if leaf not in frozen} | _changed(loaded.leaves, starts)
    parts = split_net(net, pretrained - moving) if steady else None
    under = set() if parts is None else set(parts.below.names)
    below = {leaf: jnp.asarray(value) for leaf, value in loaded.leaves.items() if _layer(leaf) in under}
    above = {leaf: value for leaf, value in loaded.leaves.items() if _layer(leaf) not in under}
    tree = from_named(below, _structure(parts.below)) if parts else {}
    return Transfer(net, frozen, parts, tree, above, loaded.fingerprint, experiment.train.precision)


def features(ready: Transfer, data: ImageSet) -> dict[str, np.ndarray]:
    """The inputs of training for every split [N, ...]: pixels, or cached features of the frozen part."""
    _check_pixels(data.images["train"])
    found = {}
    with counting("pictures") as show:
        for split in ("train", "validation", "test"):
            images = data.images[split]
            key = (data.fingerprint, split)
            found[split] = _features(ready, key, len(images), images.__getitem__, f"features of {split}", show)
            found[split] = images if found[split] is None else found[split]
    return found


def views(ready: Transfer, data: ImageSet, config: Augmentation, seed: int) -> np.ndarray | None:
    """Features of `config.views` views of each training picture, one view after the other [views * N, ...].

    The views are drawn with `seed`, not with a training's own, so that all trainings share them. None without a split.
    """
    images, augment = data.images["train"], augmenter(config)
    if augment is None:
        return None
    draw = jax.jit(lambda view, index, pictures: augment(view_keys(seed, view, index), pictures))

    def pictures(indices: np.ndarray) -> np.ndarray:
        view, index = np.divmod(indices, len(images))
        both = [np.asarray(draw(v, index, images[index])) for v in np.unique(view)]  # a piece may lie in two views
        return np.stack([both[int(np.searchsorted(np.unique(view), v))][i] for i, v in enumerate(view)])

    described = json.dumps(dataclasses.asdict(config) | {"seed": seed}, sort_keys=True)
    with counting("views") as show:
        count = config.views * len(images)
        return _features(ready, (data.fingerprint, "views", described), count, pictures, "features of views", show)


def frozen_outputs(ready: Transfer, images: np.ndarray) -> np.ndarray:
    """The inputs of training for `images` [N, H, W, 3]: features of the frozen part if there is one, else pixels."""
    if ready.split is None:
        return images
    return outputs(
        apply_of(ready.split.below, ready.precision),
        {"params": ready.below},
        images,
        batch_size=BATCH_SIZE,
        group=GROUP,
    )


def check_weights(config: ImageExperiment) -> None:
    """Raise UserError, which names their source, when the net's pretrained weights are missing."""
    if isinstance(config.model, PretrainedNet):
        weights_file(config.model, config.data.root)


def weights_file(config: PretrainedNet, root: str | None) -> Path:
    """The backbone's weight file: the one named, else the first of the known names; UserError when there is none."""
    if config.base and not config.weights:
        raise UserError(
            f"model.weights is missing: the file with the weights of {config.base.label} (npz, safetensors)"
        )
    names = (config.weights,) if config.weights else KNOWN[config.backbone]
    folders = (Path(), data_root(root) / "weights")
    paths = (folder / expanded(name) for name in names for folder in folders)
    path = next((path for path in paths if path.is_file()), None)
    if path is None:
        looked = " and ".join(str(folder.absolute()) for folder in folders)
        origin = "" if config.base else f"{WHERE[config.backbone]}; "
        raise UserError(
            f"no weights {' or '.join(names)} (looked in {looked}); {origin}put it there or give it as --model.weights "
            "FILE"
        )
    return path


def _check_pixels(images: np.ndarray) -> None:
    """Refuse pixels that are not RGB in 0..255, and warn of likely BGR, on a sample spread over the set."""
    chosen = np.linspace(0, len(images) - 1, min(len(images), EXAMINED)).astype(int)
    for finding in check_pixels(images[chosen]):
        warn(finding)


def _features(
    ready: Transfer,
    address: Collection[str],
    count: int,
    pictures: Callable[[np.ndarray], np.ndarray],
    title: str,
    show: Callable[[str, int, int], None],
) -> np.ndarray | None:
    """The cached features of the `count` pictures that `pictures(indices)` gives; None without a split or pictures."""
    if ready.split is None or not count:
        return None

    def compute() -> Iterator[np.ndarray]:
        step = BATCH_SIZE * GROUP
        for start in range(0, count, step):
            end = min(start + step, count)
            yield frozen_outputs(ready, pictures(np.arange(start, end)))
            heap.release_gaps()
            show(title, end, count)

    # Layers of the same name may differ in a setting (a pool's mode), so the key covers all their settings.
    wiring = repr((ready.split.below.layers, ready.split.below.wires))
    key = key_of(ready.weights, *address, wiring, ready.precision, jax.__version__)
    return cached(platformdirs.user_cache_path("receptive") / "features", key, count, compute)


def _wanted(config: PretrainedNet) -> dict[str, tuple[int, ...]]:
    bare = named_leaves(_structure(transfer_net(config.backbone, "caffe", 1)))
    return {name: leaf.shape for name, leaf in bare.items() if not name.startswith("head/")}


def _changed(leaves: Mapping[str, np.ndarray], starts: Collection[Mapping[str, np.ndarray]]) -> set[str]:
    """The layers of `leaves` that differ in any of `starts`."""
    return {
        _layer(name)
        for start in starts
        for name, leaf in leaves.items()
        if not np.array_equal(start.get(f"params/{name}", leaf), leaf)
    }


def _layer(leaf: str) -> str:
    return leaf.rsplit("/", 1)[0]


def _structure(net: Network) -> Tree:
    """Shapes of the parameters of a net that reads pixels, as a tree, except those above a flattening."""
    pixels = jnp.zeros((1, SIDE, SIDE, 3), jnp.uint8)
    return jax.eval_shape(lambda: net.init(jax.random.key(0), pixels)).get("params", {})
