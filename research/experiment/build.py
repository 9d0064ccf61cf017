"""From a configuration to the parts that the rooms supply: data, network, and the function that runs it."""

from typing import Any, NamedTuple

import jax.numpy as jnp

from research.config import ConvNet, DenseNet, Experiment, ImageData
from research.data.images import ImageSet, Split
from research.data.sources import load_images
from research.models.apply import Apply, apply_of
from research.models.cnn import cnn
from research.models.dense import dense_sequence, dense_wired
from research.models.network import Network
from research.models.summary import summarize
from research.report.progress import counting
from research.training.state import Examples

Tree = Any


class Parts(NamedTuple):
    """What a configuration stands for."""

    data: ImageSet
    net: Network
    summary: list[dict[str, Any]]
    apply: Apply  # (parameters, pixels, dropout key or None) -> logits [B, K]


def build(config: Experiment) -> Parts:
    """Load the data and wire the network; UserError where the two do not fit or the data is not sound."""
    data = load_data(config.data)
    net = build_network(config.model, len(data.classes))
    return Parts(data, net, summarize(net, data.train.images.shape[1:]), apply_of(net))


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
    shape = (1, *parts.data.train.images.shape[1:])
    return lambda key: parts.net.init(key, jnp.zeros(shape, jnp.uint8))["params"]


def on_device(split: Split) -> Examples:
    """A split as arrays on the device."""
    return Examples(jnp.asarray(split.images), jnp.asarray(split.labels))
