"""PyTorch's side: the same net, on tensors in memory, as its tutorials train it; at its best with the fused Adam.

Measured on 2 cores with PyTorch 2.13: the fused Adam gains 2 % on the CNN and 5-11 % on the dense net over the
default; `torch.compile` doubles the time of the CNN's step (38 ms, not 19) and adds 5 % to the dense net's: left out.
"""

import time
from collections.abc import Callable

import torch  # pyright: ignore[reportMissingImports]
from torch import nn  # pyright: ignore[reportMissingImports]

from research.bench.work import Work
from research.bench.workloads import BATCH, CLASSES, EXAMPLES, LEARNING_RATE, SIDE, Workload, pictures


def build(workload: Workload, *, channels_last: bool, threads: int | None) -> Work:
    """`workload` by PyTorch, its images laid out channels first (PyTorch's default) or last."""
    apportion(threads)
    layout = torch.channels_last if channels_last else torch.contiguous_format
    net = _network(workload)
    net.to(memory_format=layout)  # pyright: ignore[reportCallIssue]  (an overload that its stub lacks)
    images, labels = pictures()
    pixels = torch.from_numpy(images).permute(0, 3, 1, 2).contiguous()

    def batch_of(index: torch.Tensor) -> torch.Tensor:
        return (pixels[index].float() / 255).contiguous(memory_format=layout)

    if workload.task == "train":
        run = training(net, batch_of, torch.from_numpy(labels).long(), threads is not None, BATCH)
    else:
        run = _forward(net, batch_of)
    return Work(run, sum(leaf.numel() for leaf in net.parameters()), {"torch": torch.__version__})


def apportion(threads: int | None) -> None:
    """Let PyTorch use so many threads; None leaves it as it comes."""
    if threads is not None:
        torch.set_num_threads(threads)
        torch.set_num_interop_threads(1)


def _network(workload: Workload) -> nn.Sequential:
    layers, channels, side = [], 1, SIDE
    for place, features in enumerate(workload.channels, start=1):
        layers += [nn.Conv2d(channels, features, 3), nn.ReLU()]
        channels, side = features, side - 2
        if place < len(workload.channels):
            layers.append(nn.MaxPool2d(2))
            side //= 2
    layers.append(nn.Flatten())
    size = channels * side * side
    for features in workload.hidden:
        layers += [nn.Linear(size, features), nn.ReLU()]
        size = features
    return nn.Sequential(*layers, nn.Linear(size, CLASSES))


def training(
    net: nn.Sequential, batch_of: Callable, labels: torch.Tensor, tuned: bool, batch: int
) -> Callable[[int], float]:
    """`run(steps) -> seconds` of training with Adam, fused if `tuned`, what has gradients in `net`.

    `batch_of` makes of indices what the net reads; `labels` [N].
    """
    trained = [leaf for leaf in net.parameters() if leaf.requires_grad]
    optimizer = torch.optim.Adam(trained, lr=LEARNING_RATE, fused=tuned or None)

    def run(steps: int) -> float:
        begun = time.perf_counter()
        loss_sum, right = torch.zeros(()), torch.zeros(())
        for index in _batches(steps, len(labels), batch):
            targets = labels[index]
            optimizer.zero_grad()
            logits = net(batch_of(index))
            loss = nn.functional.cross_entropy(logits, targets)
            loss.backward()
            optimizer.step()
            loss_sum += loss.detach()  # the same two metrics as the other parties keep
            right += (logits.detach().argmax(1) == targets).sum()
        return time.perf_counter() - begun

    return run


def _forward(net: nn.Sequential, batch_of: Callable) -> Callable[[int], float]:
    everything = torch.arange(EXAMPLES).split(BATCH)

    def run(steps: int) -> float:
        begun = time.perf_counter()
        with torch.inference_mode():
            for step in range(steps):
                net(batch_of(everything[step % len(everything)])).numpy()
        return time.perf_counter() - begun

    return run


def _batches(steps: int, examples: int, batch: int) -> list[torch.Tensor]:
    """The indices of `steps` batches, every epoch in its own order."""
    batches: list[torch.Tensor] = []
    while len(batches) < steps:
        batches += torch.randperm(examples).split(batch)
    return batches[:steps]
