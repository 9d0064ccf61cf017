"""The plan of a picture classifier from its configuration: data, network and training."""

import dataclasses
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from research import runtime
from research.batches import Batch, Order, whole_set
from research.config import (
    Augmentation,
    ConvNet,
    Custom,
    DenseNet,
    ImageData,
    ImageExperiment,
    Net,
    PretrainedNet,
    own_net,
)
from research.data.images.augmentation import augmenter, view_keys
from research.data.images.image_set import ImageSet
from research.data.images.scan import SPLITS
from research.data.images.sources import load_images
from research.data.sampling import by_class, class_weights, duplicated, interleaved, subsampled, uniform
from research.errors import UserError
from research.experiment.images.loss import METRICS, classification
from research.experiment.images.streaming import streaming
from research.experiment.images.transfer import features, load_pretrained, transfer, views
from research.experiment.training import optimizer_of, stopping_of
from research.models.apply import apply_of
from research.models.classifiers import cnn, dense_sequence, dense_wired
from research.models.custom import CustomNet, check_custom, custom_net, own_base
from research.models.custom_source import load_source, source_digest
from research.models.custom_summary import summarize_custom
from research.models.initialization import initializer, parameter_names
from research.models.network import Network
from research.models.own_base import check_base
from research.models.summary import summarize
from research.models.vgg16 import SMALLEST_SIDE
from research.models.wired import wired_net
from research.report.progress import counting
from research.training.feature_cache import key_of
from research.training.freezing import frozen_leaves
from research.training.plan import Augment, Starts, TrainingPlan


@dataclasses.dataclass(frozen=True, kw_only=True)
class ImagePlan(TrainingPlan):
    """The training plan of a classifier, with its data and net."""

    data: ImageSet
    inputs: Mapping[str, np.ndarray]  # by split, the inputs of the trained net: pixels, or features of a frozen part
    net: Network | CustomNet  # the trained part
    start: Mapping[str, np.ndarray]  # its pretrained leaves, by name
    net_file: Mapping[str, str]  # of a net of one's own, its source and sha256; else empty


def build(config: ImageExperiment, starts: Starts = MappingProxyType({})) -> ImagePlan:
    """Load the data and wire the network; UserError where the two do not fit or the data is not sound."""
    _refuse_idle_views(config)
    if own := own_net(config.model):
        load_source(own)  # a mistake in its name is told before data is read
    if isinstance(config.model, PretrainedNet):
        return _on_pretrained(config.model, config, starts)
    data = load_data(config.data)
    net = build_network(config.model, len(data.classes))
    summary, net_file = _summary(net, data), _net_file(config)
    names = parameter_names(initializer(net, _example(data.images), {}))
    return _plan(
        config,
        data,
        data.images,
        net,
        frozen=frozen_leaves(names, config.train.freeze),
        identity=key_of(data.fingerprint, *net_file.values()) if net_file else data.fingerprint,
        summary=summary,
        augment=_step_augment(config.augment),
        net_file=net_file,
    )


def _summary(net: Network | CustomNet, data: ImageSet) -> list[dict[str, Any]]:
    """The net layer by layer; UserError where the pictures do not fit into it, or its output is no logits."""
    picture = data.images["train"].shape[1:]
    if isinstance(net, Network):
        summary, classes = summarize(net, picture), len(data.classes)
        if summary[-1]["output_shape"] != [classes]:
            raise UserError(
                f"the net gives {summary[-1]['output_shape']} for a picture; {classes} classes need [{classes}]"
            )
        return summary
    check_custom(net, picture, len(data.classes))
    return summarize_custom(net, picture)


def _net_file(config: ImageExperiment) -> dict[str, str]:
    """The source and sha256 of the file of a net of one's own, which are part of the training's identity."""
    own = own_net(config.model)
    return {"source": own.label, "sha256": source_digest(own)} if own else {}


def _on_pretrained(model: PretrainedNet, config: ImageExperiment, starts: Starts) -> ImagePlan:
    loaded = load_pretrained(model, config.data.root)  # first, since reading the pictures may take minutes
    data = load_data(config.data)
    _check_pictures(model, data)
    ready = transfer(loaded, model, config, len(data.classes), starts.values())
    del loaded  # the memory of its arrays
    inputs = features(ready, data)
    cached = ready.split is not None
    return _plan(
        config,
        data,
        inputs,
        ready.trained,
        start=ready.start,
        frozen=ready.frozen & set(parameter_names(initializer(ready.trained, _example(inputs), ready.start))),
        identity=key_of(data.fingerprint, ready.weights, *_net_file(config).values()),
        summary=summarize(ready.net, data.images["train"].shape[1:]),
        net_file=_net_file(config),
        augment=None if cached else _step_augment(config.augment),
        views=views(ready, data, config.augment, config.data.split_seed) if cached else None,
    )


def _plan(
    config: ImageExperiment,
    data: ImageSet,
    inputs: Mapping[str, np.ndarray],
    net: Network | CustomNet,
    *,
    start: Mapping[str, np.ndarray] = MappingProxyType({}),
    frozen: frozenset[str],
    identity: str,
    summary: list[dict[str, Any]],
    augment: Augment | None,
    views: np.ndarray | None = None,
    net_file: Mapping[str, str] = MappingProxyType({}),
) -> ImagePlan:
    """Training reads `inputs["train"]`, or `views` of those inputs, one view after the other.

    `net` is the trained part; `summary` is of the whole net, with the frozen part.
    """
    images = inputs["train"] if views is None else views
    copies = 1 if views is None else config.augment.views
    once = np.asarray(data.labels["train"])
    labels, order = np.tile(once, copies), _order(config, once, copies)

    def on_device(split: str) -> Batch:
        found = (images, labels) if split == "train" else (inputs[split], data.labels[split])
        return jax.device_put(whole_set(*found))

    return ImagePlan(
        examples={split: len(data.labels[split]) for split in SPLITS},
        data_set=on_device,
        identity=identity,
        initialize=initializer(net, _example(inputs), start),
        apply=apply_of(net, config.train.precision),
        loss_fn=classification,
        metrics=training_metrics(config),
        order=order,
        optimizer=optimizer_of(config, order),
        epochs=config.train.epochs,
        l2=config.train.l2,
        stopping=stopping_of(config.train),
        monitor=config.train.monitor,
        evaluation_batch=inference_batch_size(inputs["validation"]),
        frozen=frozen,
        augment=augment,
        # Measured on 2 CPU cores: dense nets become twice as fast or more, convolutions do not.
        vmap_seeds=isinstance(config.model, DenseNet),
        stream=streaming(images, labels) if _streams(config.data, images) else None,
        summary=summary,
        row_weights=_row_weights(config, once),
        data=data,
        inputs=inputs,
        net=net,
        start=start,
        net_file=net_file,
    )


def _order(config: ImageExperiment, labels: np.ndarray, views: int) -> Order:
    """The order of an epoch by `train.order` or `train.balance`; UserError where both are given, or views besides."""
    train, size = config.train, min(config.train.batch_size, len(labels))
    if train.balance in ("subsample", "duplicate"):
        if train.order != "uniform" or views > 1:
            other = f"train.order {train.order}" if train.order != "uniform" else "augment.views"
            raise UserError(f"train.balance {train.balance} draws the examples itself; leave out {other}")
        return (subsampled if train.balance == "subsample" else duplicated)(labels, size)
    if train.order == "uniform":
        return uniform(len(labels), size, views)
    return (interleaved if train.order == "interleaved" else by_class)(labels, size, views)


def _row_weights(config: ImageExperiment, labels: np.ndarray) -> dict[str, jax.Array] | None:
    """Weights of the losses, as `TrainingPlan.row_weights` has them, by which all classes count alike."""
    return {"train": jnp.asarray(class_weights(labels))[None]} if config.train.balance == "weights" else None


def _streams(config: ImageData, inputs: np.ndarray) -> bool:
    """Whether training reads from disk batch by batch: by `data.stream`, or when the pictures would fill the memory."""
    if config.stream == "auto":
        memory = runtime.memory_bytes()
        return bool(memory) and inputs.nbytes > memory // 2
    return config.stream == "always"


def _example(inputs: Mapping[str, np.ndarray]) -> np.ndarray:
    return np.zeros((1, *inputs["train"].shape[1:]), inputs["train"].dtype)


def _refuse_idle_views(config: ImageExperiment) -> None:
    frozen = isinstance(config.model, PretrainedNet) and config.model.cache
    if config.augment.views and not (frozen and config.augment.active):
        raise UserError("augment.views are of augmented pictures on a frozen, cached part; leave --augment.views out")


def _check_pictures(model: PretrainedNet, data: ImageSet) -> None:
    """Raise UserError for pictures that are too small for the backbone, gray, or refused by a base of one's own."""
    height, width, channels = data.images["train"].shape[1:]
    side = 1 if model.base else SMALLEST_SIDE
    if channels != 3 or min(height, width) < side:
        change = (
            "leave out --data.gray" if channels == 1 and min(height, width) >= side else "choose another --data.size"
        )
        name = model.base.label if model.base else model.backbone
        raise UserError(
            f"{name} takes colour pictures of {side} pixels or more; these are "
            f"{height}x{width}x{channels}: {change}, or a net of your own"
        )
    if model.base:
        check_base(own_base(model.base), (height, width, channels))


def training_metrics(_: ImageExperiment) -> tuple[str, ...]:
    """What training measures, whatever the configuration."""
    return METRICS


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


def build_network(config: DenseNet | ConvNet | Net | Custom, outputs: int) -> Network | CustomNet:
    """The network that `config` describes, with `outputs` logits."""
    if isinstance(config, Net):
        return wired_net(config, outputs)
    if isinstance(config, Custom):
        return custom_net(config, outputs)
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


def _step_augment(config: Augmentation) -> Augment | None:
    """Augmentation as the training program calls it; the random key is a function of (seed, epoch, example)."""
    augment = augmenter(config)
    if augment is None:
        return None
    return lambda seed, epoch, index, inputs: augment(view_keys(seed, epoch, index), inputs)


def inference_batch_size(inputs: np.ndarray) -> int:
    """Examples per batch outside training: as many as fill 2 MiB, between 16 and 256.

    1,000 photos of 150 pixels take 3 s in batches of 31, and 13 s in batches of 250, which do not fit the CPU's cache.
    """
    return max(16, min(256, 2**21 // max(inputs[:1].nbytes, 1)))
