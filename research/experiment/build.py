"""From a configuration to the parts that the rooms supply: data, network, and the function that runs it."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from research.config import Augmentation, ConvNet, DenseNet, Experiment, ImageData, PretrainedNet
from research.data.augmentation import augmenter, view_keys
from research.data.images import ImageSet
from research.data.sources import load_images
from research.errors import UserError
from research.experiment.transfer import Transfer, features, transfer, views, weights_file
from research.models.apply import Apply, apply_of
from research.models.cnn import cnn
from research.models.dense import dense_sequence, dense_wired
from research.models.network import Network
from research.models.summary import summarize
from research.models.vgg16 import SMALLEST_SIDE
from research.report.progress import counting
from research.training.feature_cache import key_of
from research.training.freezing import frozen_leaves
from research.training.program import Augment
from research.training.state import Examples
from research.trees import from_named, named_leaves

Tree = Any


class Parts(NamedTuple):
    """What a configuration stands for."""

    data: ImageSet
    inputs: Mapping[str, np.ndarray]  # by split, what the trained net reads: pixels, or features of a frozen part
    views: np.ndarray | None  # what training reads in place of inputs["train"]: views of it, one after the other
    net: Network  # what is trained
    start: Mapping[str, np.ndarray]  # leaves of it that start pretrained, by name
    frozen: frozenset[str]  # names of the leaves that are not trained
    augment: Augment | None  # of what training reads, batch by batch
    summary: list[dict[str, Any]]  # of the whole
    apply: Apply  # (parameters, inputs, dropout key or None) -> logits [B, K]
    identity: str  # of all that training reads


def build(config: Experiment) -> Parts:
    """Load the data and wire the network; UserError where the two do not fit or the data is not sound."""
    _refuse_idle_views(config)
    if isinstance(config.model, PretrainedNet):
        weights_file(config.model, config.data.root)  # before minutes of reading pictures
    data = load_data(config.data)
    if isinstance(config.model, PretrainedNet):
        return _on_pretrained(config.model, config, data)
    net = build_network(config.model, len(data.classes))
    summary = summarize(net, data.train.images.shape[1:])
    return Parts(
        data=data,
        inputs={split: getattr(data, split).images for split in ("train", "validation", "test")},
        views=None,
        net=net,
        start={},
        frozen=frozen_leaves(_leaves(net, data.train.images), config.train.freeze),
        augment=_in_steps(config.augment),
        summary=summary,
        apply=apply_of(net, config.train.precision),
        identity=data.fingerprint,
    )


def _on_pretrained(model: PretrainedNet, config: Experiment, data: ImageSet) -> Parts:
    ready = _fitting_transfer(model, config, data)
    inputs = features(ready, data)
    kept = ready.cut is not None
    return Parts(
        data=data,
        inputs=inputs,
        views=views(ready, data, config.augment, config.data.split_seed) if kept else None,
        net=ready.trained,
        start=ready.start,
        frozen=ready.frozen & set(_leaves(ready.trained, inputs["train"])),
        augment=None if kept else _in_steps(config.augment),
        summary=summarize(ready.net, data.train.images.shape[1:]),
        apply=apply_of(ready.trained, config.train.precision),
        identity=key_of(data.fingerprint, ready.weights),
    )


def _refuse_idle_views(config: Experiment) -> None:
    frozen = isinstance(config.model, PretrainedNet) and config.model.cache
    if config.augment.views and not (frozen and config.augment.active):
        raise UserError("augment.views are of augmented pictures on a frozen, cached part; leave --augment.views out")


def _leaves(net: Network, inputs: np.ndarray) -> list[str]:
    """The names of the leaves of `net`, for inputs like these."""
    example = jax.ShapeDtypeStruct((1, *inputs.shape[1:]), inputs.dtype)
    return list(named_leaves(jax.eval_shape(net.init, jax.random.key(0), example).get("params", {})))


def _fitting_transfer(model: PretrainedNet, config: Experiment, data: ImageSet) -> Transfer:
    height, width, channels = data.train.images.shape[1:]
    if channels != 3 or min(height, width) < SMALLEST_SIDE:
        change = (
            "leave out --data.gray"
            if channels == 1 and min(height, width) >= SMALLEST_SIDE
            else "choose another --data.size"
        )
        raise UserError(
            f"{model.backbone} takes colour pictures of {SMALLEST_SIDE} pixels or more; these are "
            f"{height}x{width}x{channels}: {change}, or a net of your own"
        )
    return transfer(model, config, len(data.classes))


def load_data(config: ImageData) -> ImageSet:
    """The labelled pictures that `config` names, split."""
    with counting("pictures") as show:
        return load_images(
            config.source,
            config.root,
            validation=config.validation,
            test=config.test,
            split_seed=config.split_seed,
            train_limit=config.train_limit,
            size=config.size,
            gray=config.gray,
            show=show,
        )


def build_network(config: DenseNet | ConvNet, outputs: int) -> Network:
    """The network that `config` describes, with `outputs` logits."""
    if isinstance(config, DenseNet):
        wiring = {"sequence": dense_sequence, "wired": dense_wired}[config.build]
        return wiring(config.hidden, outputs, config.dropout)
    if config.output == "sigmoid" and outputs != 2:
        raise UserError(f"model.output sigmoid tells two classes apart, and there are {outputs}: use softmax")
    return cnn(
        config.channels,
        config.hidden,
        outputs,
        kernel=config.kernel,
        padding=config.padding,
        pool_last=config.pool_last,
        output=config.output,
        dropout=config.dropout,
    )


def _in_steps(config: Augmentation) -> Augment | None:
    """Augmentation as the training program calls it: each example's view is an address of (seed, epoch, example)."""
    augment = augmenter(config)
    if augment is None:
        return None
    return lambda seed, epoch, index, inputs: augment(view_keys(seed, epoch, index), inputs)


def initializer(parts: Parts):
    """`initialize(key) -> parameters` of the net, for pictures of the data's size."""
    example = jnp.zeros((1, *parts.inputs["train"].shape[1:]), parts.inputs["train"].dtype)

    def initialize(key: jax.Array) -> Tree:
        params = parts.net.init(key, example)["params"]
        return from_named(
            named_leaves(params) | {name: jnp.asarray(leaf) for name, leaf in parts.start.items()}, params
        )

    return initialize


def at_once(inputs: np.ndarray) -> int:
    """Examples per batch where nothing is trained: as many as are 2 MiB, from 16 to 256.

    (1,000 photos of 150 pixels take 3 s by 31 at once and 13 s by 250, whose chips no longer fit.)
    """
    return max(16, min(256, 2**21 // max(inputs[:1].nbytes, 1)))


def read_in_training(parts: Parts) -> np.ndarray:
    """What training draws its batches from: the inputs [N, ...], or views of them [views * N, ...]."""
    return parts.inputs["train"] if parts.views is None else parts.views


def on_device(parts: Parts, split: str) -> Examples:
    """A split as arrays on the device; of train, what training reads."""
    inputs = read_in_training(parts) if split == "train" else parts.inputs[split]
    return Examples(jnp.asarray(inputs), jnp.asarray(getattr(parts.data, split).labels))
