"""Training on top of a pretrained net: its weights, the cut, and what the frozen part makes of the pictures."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import platformdirs

from research.config import PretrainedNet
from research.data.images import ImageSet
from research.data.places import data_root
from research.errors import UserError
from research.models.apply import apply_of
from research.models.inference import outputs
from research.models.network import Network
from research.models.transfer import Cut, cut, transfer_net
from research.models.vgg16 import SMALLEST_SIDE
from research.report.progress import counting
from research.training.feature_cache import cached, key_of
from research.trees import from_named, named_leaves
from research.weights.load import Loaded, load_weights

Tree = Any
PIECE = 64  # pictures per step through the frozen part: 0.6 GB of activations for SqueezeNet at 200 pixels
PUBLISHED = {
    "squeezenet": "squeezenet_v1.1_imagenet_notop.npz",
    "vgg16": "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5",
}
WHERE = {
    "squeezenet": "port one with scripts/weights.py import FILE (torchvision's squeezenet1_1 does)",
    "vgg16": "fetch it with scripts/weights.py fetch vgg16 (58,889,256 bytes, md5 6d6bbae143d832006294945121d1f1fc)",
}


class Transfer(NamedTuple):
    """A pretrained net made ready."""

    net: Network  # whole
    cut: Cut
    frozen: Tree  # parameters below the cut
    start: dict[str, np.ndarray]  # pretrained leaves above the cut, by name
    weights: str  # fingerprint


def transfer(config: PretrainedNet, outputs_count: int, root: str | None) -> Transfer:
    """The net that `config` describes, its weights loaded; UserError when they are missing or of another net."""
    loaded = _weights(config, root)
    shape = {"pooling": config.pooling, "hidden": config.hidden, "dropout": config.dropout}
    net = transfer_net(config.backbone, loaded.convention, outputs_count, **shape)  # pyright: ignore[reportArgumentType]
    parts = cut(net, config.fine_tune)
    names = {name: {leaf for leaf in loaded.leaves if leaf.rsplit("/", 1)[0] == name} for name in net.names}
    below = {leaf: jnp.asarray(loaded.leaves[leaf]) for name in parts.below.names for leaf in names[name]}
    above = {leaf: loaded.leaves[leaf] for name in parts.above.names for leaf in names[name]}
    return Transfer(net, parts, from_named(below, _structure(parts.below)), above, loaded.fingerprint)


def features(ready: Transfer, data: ImageSet) -> dict[str, np.ndarray]:
    """What the frozen part makes of every split [N, ...], float32, from the cache where it has been computed before."""
    folder = platformdirs.user_cache_path("receptive") / "features"
    names = ",".join(ready.cut.below.names)
    found = {}
    with counting("pictures") as show:
        for split in ("train", "validation", "test"):
            images = getattr(data, split).images

            def compute(images: np.ndarray = images, split: str = split) -> Iterator[np.ndarray]:
                for start in range(0, len(images), PIECE):
                    index = np.minimum(np.arange(start, start + PIECE), len(images) - 1)  # one size, compiled once
                    yield frozen_outputs(ready, images[index])[: len(images) - start]
                    show(f"features of {split}", min(start + PIECE, len(images)), len(images))

            key = key_of(ready.weights, data.fingerprint, split, names, "float32", jax.__version__)
            found[split] = cached(folder, key, len(images), compute) if len(images) else images
    return found


def frozen_outputs(ready: Transfer, images: np.ndarray) -> np.ndarray:
    """What the frozen part makes of `images` [N, H, W, 3]."""
    return outputs(apply_of(ready.cut.below), ready.frozen, images, batch_size=PIECE)


def _weights(config: PretrainedNet, root: str | None) -> Loaded:
    name = config.weights or PUBLISHED[config.backbone]
    places = [Path(name).expanduser(), data_root(root) / "weights" / name]
    path = next((place for place in places if place.is_file()), None)
    if path is None:
        raise UserError(
            f"no weights {name} (looked for {places[0].absolute()} and {places[1].absolute()}); "
            f"{WHERE[config.backbone]}, and give it as --model.weights"
        )
    bare = transfer_net(config.backbone, "caffe", 1)
    wanted = {name: leaf.shape for name, leaf in named_leaves(_structure(bare)).items() if not name.startswith("head/")}
    return load_weights(path, wanted, config.backbone)


def _structure(net: Network) -> Tree:
    """Shapes of the parameters of a net that begins with pixels, in its structure."""
    pixels = jnp.zeros((1, SMALLEST_SIDE, SMALLEST_SIDE, 3), jnp.uint8)
    return jax.eval_shape(lambda: net.init(jax.random.key(0), pixels)).get("params", {})
