"""The workloads of the benchmark, and the peers that run them."""

from collections.abc import Callable, Sequence
from importlib.util import find_spec
from typing import Literal, NamedTuple

from research.errors import UserError

BATCH = 128  # of the digit nets
LEARNING_RATE = 1e-3  # Adam's, in all workloads
CLASSES_OF_DIGITS, CLASSES_OF_OBJECTS = 10, 10  # of MNIST and of CIFAR-10
CLASSES_OF_PHOTOS, HEAD_WIDTH = 2, 256  # the head that Chollet 2021, section 8.3, puts on VGG16


class Workload(NamedTuple):
    """Work that every peer does, with the same net on the same data; the first of `peers` is compared to the others.

    "train" is a training step, "infer" a batch of inference. With `epochs`, a step of the race is an epoch. "ascent"
    is gradient ascent (`ascent.py`), and a step is the whole ascent for one filter: we run groups of 8, so a round's
    number of filters of each layer should be a multiple of 8. In "vgg16_block5", only block 5 and the head are trained:
    we start from saved features, the others from photos. "table" trains a net for each of `seeds` on each of `folds`,
    and a step is an epoch of all of them: ours in one program, the others' one after another. "attack" is the search
    for a pixel that flips a picture (`attack.py`), and a step is as many queries as one that never succeeds asks.
    """

    name: str
    about: str
    net: Literal[
        "cnn",
        "dense",
        "vgg16",
        "vgg16_head",
        "vgg16_block5",
        "squeezenet",
        "lenet5",
        "lstm",
        "dense_forecaster",
        "table",
    ]
    task: Literal["train", "infer", "ascent", "attack"]
    peers: tuple[str, ...]
    steps: int  # per round: about a second of work on two cores, of VGG16 more
    batch: int = BATCH
    examples: int = 6400
    epochs: bool = False
    side: int = 28  # of pictures, in pixels
    features: tuple[int, ...] = (32, 64, 64)  # of the convolutions of "cnn"
    hidden: tuple[int, ...] = (64,)  # units of dense or recurrent layers
    layers: tuple[str, ...] = ()  # of an ascent: the layers whose filters are used
    window: tuple[int, int, int] = (0, 0, 0)  # of a forecaster: context and horizon in steps, channels of the series
    columns: tuple[int, int, int, int] = (0, 0, 0, 0)  # of a table: numbers, of these with gaps; texts, levels of all
    folds: int = 1  # `examples` are the training rows of one
    seeds: int = 1
    generations: int = 0  # of an attack, after the first population
    trained: bool = False  # whether the net under attack is, on pictures like those that are attacked

    @property
    def forecasts(self) -> bool:
        """Whether the net is a forecaster."""
        return self.net in ("lstm", "dense_forecaster")

    @property
    def rows(self) -> int:
        """The rows of a table, of which each fold trains on `examples`."""
        return self.examples * self.folds // max(self.folds - 1, 1)

    @property
    def training_steps(self) -> int:
        """Training steps of each net in one step of the race."""
        return -(-self.examples // self.batch) if self.epochs else 1


class Peer(NamedTuple):
    """An implementation that races: `title` for the table, and the `packages` that it imports beyond our own.

    The extra `bench` brings them, unless `install` says what pip must install beside it. One in bfloat16 needs a
    processor that multiplies it, and never counts as the fastest: it computes less.
    """

    title: str
    packages: tuple[str, ...] = ()
    precision: Literal["float32", "bfloat16"] = "float32"
    install: str | None = None


# Without their dependencies: torchattacks 3.5.1 wants requests of 2021, and neither needs more than is there to attack.
ATTACKS = "--no-deps torchattacks adversarial-robustness-toolbox"
OF_ONNX = ("onnx", "onnxruntime", "openvino")
PEERS = {
    "ours": Peer("ours"),
    "ours_loop": Peer("ours, a call a step"),
    "torch": Peer("PyTorch", ("torch",)),
    "torch_channels_last": Peer("PyTorch, channels last", ("torch",)),
    "keras": Peer("Keras on TensorFlow", ("tensorflow", "keras")),
    "onnxruntime": Peer("ONNX Runtime", OF_ONNX),
    "openvino": Peer("OpenVINO", OF_ONNX),
    "openvino_bfloat16": Peer("OpenVINO, bfloat16", OF_ONNX, "bfloat16"),
    "torchattacks": Peer("torchattacks", ("torch", "torchattacks"), install=ATTACKS),
    "art": Peer("ART", ("torch", "art"), install=ATTACKS),
}
FOUR = ("ours", "torch", "torch_channels_last", "keras")
THREE = ("ours", "torch", "keras")
TORCHES = ("ours", "torch", "torch_channels_last")
ATTACKERS = ("ours", "torchattacks", "art")
SEVEN = (*FOUR, "onnxruntime", "openvino", "openvino_bfloat16")

WORKLOADS = (
    # The course's digit net, 93,322 parameters, and 784-512-10, 407,050 parameters.
    Workload("mnist_cnn_step", "CNN, training step", "cnn", "train", FOUR, 40),
    Workload("mnist_cnn_forward", "CNN, inference", "cnn", "infer", FOUR, 100),
    Workload("mnist_dense_step", "dense 784-512-10, training step", "dense", "train", THREE, 300, hidden=(512,)),
    Workload("scan_vs_loop", "CNN, one call for many steps or one a step", "cnn", "train", ("ours", "ours_loop"), 40),
    Workload("vgg16_features_150", "16 photos of 150 pixels", "vgg16", "infer", SEVEN, 4, 16, 64, side=150),
    Workload("vgg16_features_224", "16 photos of 224 pixels", "vgg16", "infer", SEVEN, 2, 16, 32, side=224),
    Workload(
        "head_epoch",
        "epoch of a head on 2,000 saved features",
        "vgg16_head",
        "train",
        THREE,
        3,
        20,
        2000,
        True,
        side=150,
    ),
    Workload(
        "fine_tune_block5", "VGG16's block 5, training step", "vgg16_block5", "train", TORCHES, 2, 20, 40, side=150
    ),
    Workload(
        "ascent_mnist_cnn",
        "CNN, gradient ascent of a filter",
        "cnn",
        "ascent",
        FOUR,
        80,
        layers=("conv1", "conv2", "conv3"),
    ),
    Workload(
        "ascent_squeezenet_fire5",
        "SqueezeNet's fire5, gradient ascent of a filter",
        "squeezenet",
        "ascent",
        FOUR,
        32,
        side=96,
        layers=("fire5/expand1x1", "fire5/expand3x3"),
    ),
    Workload(
        "ascent_vgg16_block2",
        "VGG16's block2_conv2, gradient ascent of a filter",
        "vgg16",
        "ascent",
        FOUR,
        8,
        side=96,
        layers=("block2_conv2",),
    ),
    Workload("lstm_step", "LSTM forecaster, training step", "lstm", "train", THREE, 50, 64, 2048, window=(72, 288, 15)),
    Workload(
        "dense_run",
        "dense forecaster, an epoch of many",
        "dense_forecaster",
        "train",
        THREE,
        100,
        32,
        279,
        epochs=True,
        window=(6, 24, 1),
    ),
    # The columns that configs/ames_full.py reads, of 1,460 rows.
    Workload(
        "table_ensemble",
        "table, an epoch of 5 folds x 8 seeds",
        "table",
        "train",
        ("ours", "torch"),
        4,
        examples=1168,
        epochs=True,
        hidden=(128, 64),
        columns=(36, 3, 43, 220),
        folds=5,
        seeds=8,
    ),
    Workload(
        "one_pixel_speed",
        "one-pixel attack on LeNet-5, random weights",
        "lenet5",
        "attack",
        ATTACKERS,
        2,
        examples=16,
        side=32,
        generations=25,
    ),
    Workload(
        "one_pixel_success",
        "one-pixel attack on LeNet-5, trained for 2 epochs",
        "lenet5",
        "attack",
        ATTACKERS,
        20,
        examples=1000,
        side=32,
        generations=10,
        trained=True,
    ),
)


class Work(NamedTuple):
    """A workload that a peer has built, ready to run."""

    run: Callable[[int], float]  # steps -> seconds; returns when the work is done
    parameters: int
    versions: dict[str, str]
    sample: list[float]  # of the outputs before training, on which all peers must agree
    device: str | None = None
    matmul: Callable[[], tuple[float, float]] | None = None  # a matrix product on this machine: (operations, seconds)
    tally: Callable[[], dict[str, int]] | None = None  # of an attack, see `attack.timed`


def pick(names: Sequence[str]) -> list[Workload]:
    """The workloads called `names`, all without any; UserError naming an unknown one."""
    known = {workload.name: workload for workload in WORKLOADS}
    for name in names:
        if name not in known:
            raise UserError(f"no workload {name}; there are {', '.join(known)}")
    return [known[name] for name in names] or list(WORKLOADS)


def in_float32(workload: Workload) -> Workload:
    """`workload` without the peers that compute in bfloat16."""
    return workload._replace(peers=tuple(name for name in workload.peers if PEERS[name].precision == "float32"))


def require_installed(workloads: Sequence[Workload]) -> None:
    """Raise UserError unless the packages of all peers of `workloads` are there."""
    peers = [PEERS[name] for workload in workloads for name in workload.peers]
    missing = sorted({package for peer in peers for package in peer.packages if find_spec(package) is None})
    if missing:
        beside = sorted({peer.install for peer in peers if peer.install})
        raise UserError(
            f"the peers need {', '.join(missing)}: pip install 'receptive[bench]' "
            f"(in a checkout: pip install -e '.[bench]'){''.join(f', and pip install {each}' for each in beside)}"
        )


def within_extra(workloads: Sequence[Workload]) -> list[Workload]:
    """`workloads` without those whose peers the extra `bench` lacks, unless these are installed."""
    return [workload for workload in workloads if all(map(find_spec, _beside_extra(workload)))]


def _beside_extra(workload: Workload) -> list[str]:
    return [package for name in workload.peers if PEERS[name].install for package in PEERS[name].packages]
