"""What is timed: the sizes of the nets, and the made-up pictures that they run on."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np

from research.errors import UserError

EXAMPLES, SIDE, CLASSES, BATCH = 6400, 28, 10, 128  # 50 full batches of MNIST's shape
LEARNING_RATE = 1e-3  # Adam, everywhere
CLASSES_OF_PHOTOS, HEAD_WIDTH = 2, 256  # the head that Chollet 2021, section 8.3, puts on VGG16


class Workload(NamedTuple):
    """Work that every party does, with the same net on the same data; the first party is compared to the others.

    "features", "head" and "fine_tune" are VGG16's (`photos.py`): what it makes of `batch` photos; an epoch of a head on
    such features of all `examples` (there that is a step); and a training step of the last block and head, which we
    start from kept features and the others from photos. "ascent" (`climbs.py`) climbs for filters; there a step is the
    whole climb for one of them: we run them in groups of 8, so a round's number of each layer is best a multiple of it.
    "forecast" (`forecasts.py`) is a training step of a forecaster on `examples` windows; "forecast_run" many epochs in
    one call, and there a step is an epoch.
    """

    name: str
    about: str
    task: Literal["train", "forward", "features", "head", "fine_tune", "ascent", "forecast", "forecast_run"]
    channels: tuple[int, ...]  # of the convolutions; none for a dense net
    hidden: tuple[int, ...]
    parties: tuple[str, ...]
    steps: int  # per round: about a second of work on two cores, of VGG16 more
    side: int = SIDE
    batch: int = BATCH
    examples: int = EXAMPLES
    net: Literal["cnn", "squeezenet", "vgg16", "lstm", "dense"] = "cnn"  # of an ascent, the digit net of `channels`; of
    # a forecast, with `hidden` units
    layers: tuple[str, ...] = ()  # whose filters an ascent climbs for
    window: tuple[int, int, int] = (0, 0, 0)  # of a forecast: steps of context and of horizon, channels of the series


PEERS = ("torch", "torch_channels_last", "keras")
FORECASTING = ("ours", "torch", "keras")
CNN = (32, 64, 64), (64,)  # the course's digit net, 93,322 parameters
VGG16 = (), ()  # wired in `photos`, and SqueezeNet in `stages`
DENSE = (), (512,)  # 784-512-10, 407,050 parameters

WORKLOADS = (
    Workload("mnist_cnn_step", "CNN, training step", "train", *CNN, ("ours", *PEERS), 40),
    Workload("mnist_cnn_forward", "CNN, inference", "forward", *CNN, ("ours", *PEERS), 100),
    Workload("mnist_dense_step", "dense 784-512-10, training step", "train", *DENSE, ("ours", "torch", "keras"), 300),
    Workload("scan_vs_loop", "CNN, one call for many steps or one a step", "train", *CNN, ("ours", "ours_loop"), 40),
    Workload("vgg16_features_150", "16 photos of 150 pixels", "features", *VGG16, ("ours", *PEERS), 4, 150, 16, 64),
    Workload("vgg16_features_224", "16 photos of 224 pixels", "features", *VGG16, ("ours", *PEERS), 2, 224, 16, 32),
    Workload(
        "head_epoch", "epoch of a head on 2,000 kept features", "head", *VGG16, ("ours", "torch", "keras"), 3
    )._replace(side=150, batch=20, examples=2000),
    Workload(
        "fine_tune_block5",
        "VGG16's block 5, training step",
        "fine_tune",
        *VGG16,
        ("ours", "torch", "torch_channels_last"),
        2,
    )._replace(side=150, batch=20, examples=40),
    Workload("ascent_mnist_cnn", "CNN, climb for a filter", "ascent", *CNN, ("ours", *PEERS), 80)._replace(
        layers=("conv1", "conv2", "conv3")
    ),
    Workload(
        "ascent_squeezenet_fire5", "SqueezeNet's fire5, climb for a filter", "ascent", *VGG16, ("ours", *PEERS), 32
    )._replace(side=96, net="squeezenet", layers=("fire5/expand1x1", "fire5/expand3x3")),
    Workload(
        "ascent_vgg16_block2", "VGG16's block2_conv2, climb for a filter", "ascent", *VGG16, ("ours", *PEERS), 8
    )._replace(side=96, net="vgg16", layers=("block2_conv2",)),
    Workload("lstm_step", "LSTM forecaster, training step", "forecast", (), (64,), FORECASTING, 50)._replace(
        net="lstm", window=(72, 288, 15), batch=64, examples=2048
    ),
    Workload("dense_run", "dense forecaster, an epoch of many", "forecast_run", (), (64,), FORECASTING, 100)._replace(
        net="dense", window=(6, 24, 1), batch=32, examples=279
    ),
)


def pick(names: Sequence[str]) -> list[Workload]:
    """The workloads called `names`, all without any; UserError naming an unknown one."""
    known = {workload.name: workload for workload in WORKLOADS}
    for name in names:
        if name not in known:
            raise UserError(f"no workload {name}; there are {', '.join(known)}")
    return [known[name] for name in names] or list(WORKLOADS)


def pictures() -> tuple[np.ndarray, np.ndarray]:
    """The same made-up data for every party: uint8 [N, H, W, 1] and labels int32 [N]. Timing does not look at them."""
    random = np.random.default_rng(0)
    images = random.integers(0, 256, (EXAMPLES, SIDE, SIDE, 1), dtype=np.uint8)
    return images, random.integers(0, CLASSES, EXAMPLES, dtype=np.int32)
