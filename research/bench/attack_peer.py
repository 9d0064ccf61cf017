"""The one-pixel attacks of torchattacks and of the Adversarial Robustness Toolbox (ART), on the net in PyTorch.

Out of the box both ask the net about 128 pictures at once: `inf_batch` of torchattacks' OnePixel, and `batch_size` of
ART's `predict`, which its PixelAttack leaves alone. At their best settings (when `threads` are given) both ask about a
whole population at once, without gradients' bookkeeping. Both run differential evolution in NumPy.
"""

from importlib.metadata import version

import numpy as np
import torch
import torchattacks
from art.attacks.evasion import PixelAttack
from art.estimators.classification import PyTorchClassifier
from torch import nn

from research.bench.architectures import architecture
from research.bench.attack import POPULATION, Search, Searched, timed
from research.bench.data import pictures, sampled
from research.bench.torch_peer import net_of
from research.bench.workloads import CLASSES_OF_OBJECTS, Work, Workload

BATCH = 128  # both peers' default


def build(workload: Workload, peer: str, *, threads: int | None) -> Work:
    """`workload` by `peer`: "torchattacks" or "art"."""
    if threads is not None:
        torch.set_num_threads(threads)
        torch.set_num_interop_threads(1)
    np.random.seed(0)  # noqa: NPY002 (both draw from it)
    net = net_of(workload, architecture(workload), torch.contiguous_format).eval()
    images = torch.from_numpy(pictures(workload)[0]).permute(0, 3, 1, 2).float()
    with torch.inference_mode():
        logits = net(images)
    make, package = {
        "torchattacks": (torchattacks_search, "torchattacks"),
        "art": (art_search, "adversarial-robustness-toolbox"),
    }[peer]
    run, tally = timed(workload, make(net, images, logits.argmax(1), workload.generations, tuned=threads is not None))
    parameters = sum(leaf.numel() for leaf in net.parameters())
    versions = {"torch": torch.__version__, package: version(package)}
    return Work(run, parameters, versions, sampled(logits.numpy()), tally=tally)


class Asked(nn.Module):
    """`net` on pictures times `scale`, with the number of pictures it was `asked` about."""

    def __init__(self, net: nn.Module, scale: float = 1.0):
        super().__init__()
        self.net, self.scale, self.asked = net, scale, 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """[B, C, H, W] -> [B, K]."""
        self.asked += len(x)
        return self.net(x if self.scale == 1 else x * self.scale)


def torchattacks_search(
    net: nn.Module, images: torch.Tensor, labels: torch.Tensor, generations: int, *, tuned: bool
) -> Search:
    """OnePixel on pictures [N, C, H, W] of 0..255, which it takes from 0 to 1."""
    victim = Asked(net, 255.0)
    batch = POPULATION if tuned else BATCH
    attack = torchattacks.OnePixel(victim, pixels=1, steps=generations, popsize=POPULATION, inf_batch=batch)

    def search(numbers: np.ndarray) -> Searched:
        index, before = torch.from_numpy(numbers % len(images)), victim.asked
        with torch.inference_mode(tuned):
            found = attack(images[index] / 255, labels[index])
        asked = victim.asked - before
        return Searched(_flipped(net, found * 255, labels[index]), asked)

    return search


class WholePopulations(PyTorchClassifier):
    """A classifier that predicts a population at once, which the attack cannot ask for."""

    def predict(
        self, x: np.ndarray, batch_size: int = POPULATION, training_mode: bool = False, **options
    ) -> np.ndarray:
        """[B, C, H, W] -> [B, K]."""
        return super().predict(x, batch_size, training_mode, **options)


def art_search(net: nn.Module, images: torch.Tensor, labels: torch.Tensor, generations: int, *, tuned: bool) -> Search:
    """PixelAttack by differential evolution with one pixel, on pictures [N, C, H, W] of 0..255."""
    victim = Asked(net)
    classifier = (WholePopulations if tuned else PyTorchClassifier)(
        victim,
        nn.CrossEntropyLoss(),
        tuple(images.shape[1:]),
        CLASSES_OF_OBJECTS,
        clip_values=(0.0, 255.0),
        device_type="cpu",
    )
    attack = PixelAttack(classifier, th=1, es=1, max_iter=generations)

    def search(numbers: np.ndarray) -> Searched:
        index, before = numbers % len(images), victim.asked
        found = attack.generate(images[index].numpy(), labels[index].numpy())
        asked = victim.asked - before
        return Searched(_flipped(net, torch.from_numpy(found), labels[index]), asked)

    return search


def _flipped(net: nn.Module, images: torch.Tensor, labels: torch.Tensor) -> np.ndarray:
    with torch.inference_mode():
        return (net(images).argmax(1) != labels).numpy()
