"""What is timed: the sizes of the nets, and the made-up pictures that they run on."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

import numpy as np

from research.errors import UserError

EXAMPLES, SIDE, CLASSES, BATCH = 6400, 28, 10, 128  # 50 full batches of MNIST's shape
LEARNING_RATE = 1e-3  # Adam, everywhere


class Workload(NamedTuple):
    """Work that every party does, with the same net on the same data; the first party is compared to the others."""

    name: str
    about: str
    task: Literal["train", "forward"]
    channels: tuple[int, ...]  # of the convolutions; none for a dense net
    hidden: tuple[int, ...]
    parties: tuple[str, ...]
    steps: int  # per round: about a second of work on two cores


PEERS = ("torch", "torch_channels_last", "keras")
CNN = (32, 64, 64), (64,)  # the course's digit net, 93,322 parameters
DENSE = (), (512,)  # 784-512-10, 407,050 parameters

WORKLOADS = (
    Workload("mnist_cnn_step", "CNN, training step", "train", *CNN, ("ours", *PEERS), 40),
    Workload("mnist_cnn_forward", "CNN, inference", "forward", *CNN, ("ours", *PEERS), 100),
    Workload("mnist_dense_step", "dense 784-512-10, training step", "train", *DENSE, ("ours", "torch", "keras"), 300),
    Workload("scan_vs_loop", "CNN, one call for many steps or one a step", "train", *CNN, ("ours", "ours_loop"), 40),
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
