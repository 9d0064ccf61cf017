"""From a configuration to the parts that the rooms supply: data, network, and the function that runs it."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from research.config import ConvNet, DenseNet, Experiment, ImageData, PretrainedNet
from research.data.images import ImageSet
from research.data.sources import load_images
from research.errors import UserError
from research.experiment.transfer import Transfer, features, transfer
from research.models.apply import Apply, apply_of
from research.models.cnn import cnn
from research.models.dense import dense_sequence, dense_wired
from research.models.network import Network
from research.models.summary import summarize
from research.models.vgg16 import SMALLEST_SIDE
from research.report.progress import counting
from research.training.feature_cache import key_of
from research.training.state import Examples
from research.trees import from_named, named_leaves

Tree = Any


class Parts(NamedTuple):
    """What a configuration stands for."""

    data: ImageSet
    inputs: Mapping[str, np.ndarray]  # by split, what the trained net reads: pixels, or features of a frozen part
    net: Network  # what is trained
    start: Mapping[str, np.ndarray]  # leaves of it that start pretrained, by name
    summary: list[dict[str, Any]]  # of the whole
    apply: Apply  # (parameters, inputs, dropout key or None) -> logits [B, K]
    identity: str  # of all that training reads


def build(config: Experiment) -> Parts:
    """Load the data and wire the network; UserError where the two do not fit or the data is not sound."""
    data = load_data(config.data)
    shape = data.train.images.shape[1:]
    if isinstance(config.model, PretrainedNet):
        ready = _fitting_transfer(config.model, data, config.data.root)
        summary, above = summarize(ready.net, shape), ready.cut.above
        identity = key_of(data.fingerprint, ready.weights)
        return Parts(data, features(ready, data), above, ready.start, summary, apply_of(above), identity)
    net = build_network(config.model, len(data.classes))
    inputs = {split: getattr(data, split).images for split in ("train", "validation", "test")}
    return Parts(data, inputs, net, {}, summarize(net, shape), apply_of(net), data.fingerprint)


def _fitting_transfer(config: PretrainedNet, data: ImageSet, root: str | None) -> Transfer:
    height, width, channels = data.train.images.shape[1:]
    if channels != 3 or min(height, width) < SMALLEST_SIDE:
        raise UserError(
            f"{config.backbone} takes colour pictures of {SMALLEST_SIDE} pixels or more; these are "
            f"{height}x{width}x{channels}: choose another --data.size, or a net of your own"
        )
    return transfer(config, len(data.classes), root)


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
    return cnn(
        config.channels,
        config.hidden,
        outputs,
        kernel=config.kernel,
        padding=config.padding,
        dropout=config.dropout,
    )


def initializer(parts: Parts):
    """`initialize(key) -> parameters` of the net, for pictures of the data's size."""
    example = jnp.zeros((1, *parts.inputs["train"].shape[1:]), parts.inputs["train"].dtype)

    def initialize(key: jax.Array) -> Tree:
        params = parts.net.init(key, example)["params"]
        return from_named(
            named_leaves(params) | {name: jnp.asarray(leaf) for name, leaf in parts.start.items()}, params
        )

    return initialize


def on_device(parts: Parts, split: str) -> Examples:
    """A split as arrays on the device."""
    return Examples(jnp.asarray(parts.inputs[split]), jnp.asarray(getattr(parts.data, split).labels))
