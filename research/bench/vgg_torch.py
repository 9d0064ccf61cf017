"""PyTorch's side of the races on VGG16: the net as torchvision wires it, our weights in it."""

import time
from collections.abc import Callable

import numpy as np
import torch  # pyright: ignore[reportMissingImports]
from torch import nn  # pyright: ignore[reportMissingImports]

from research.bench.party_torch import apportion, training
from research.bench.photos import MEAN_BGR, convolutions, feature_rows, leaves, photos, sampled
from research.bench.work import Work
from research.bench.workloads import Workload

TRAINED_BLOCK = 4  # of the five, counted from 0: the last


def build(workload: Workload, *, channels_last: bool, threads: int | None) -> Work:
    """`workload` by PyTorch; to fine-tune, all of the net runs on photos, and only block 5 and head have gradients."""
    apportion(threads)
    layout = torch.channels_last if channels_last else torch.contiguous_format
    net = _net(workload)
    net.to(memory_format=layout)  # pyright: ignore[reportCallIssue]  (an overload that its stub lacks)
    inputs, labels = feature_rows(workload) if workload.task == "head" else photos(workload)
    stored = torch.from_numpy(inputs)
    if workload.task != "head":
        stored = stored.permute(0, 3, 1, 2).contiguous()
    mean = torch.tensor(MEAN_BGR[::-1]).view(1, 3, 1, 1)

    def batch_of(index: torch.Tensor) -> torch.Tensor:
        if workload.task == "head":
            return stored[index]
        return (stored[index].float() - mean).contiguous(memory_format=layout)

    with torch.inference_mode():
        first = net(batch_of(torch.arange(workload.batch)))
    sample = sampled(_our_order(first).numpy())
    if workload.task == "features":
        run = _features(net, batch_of, workload)
    else:
        steps = workload.examples // workload.batch if workload.task == "head" else 1
        once = training(net, batch_of, torch.from_numpy(labels).long(), threads is not None, workload.batch)
        run = lambda times: once(times * steps)  # noqa: E731
    parameters = sum(leaf.numel() for leaf in net.parameters() if leaf.requires_grad)
    return Work(run, parameters, {"torch": torch.__version__}, sample=sample)


def _net(workload: Workload) -> nn.Sequential:
    given, layers = leaves(workload), []
    if workload.task != "head":
        for block, members in enumerate(convolutions()):
            for name, channels, features in members:
                kernel = given[f"{name}/kernel"]
                if channels == 3:
                    kernel = kernel[:, :, ::-1]  # ours reads BGR
                layer = nn.Conv2d(channels, features, 3, padding=1)
                _fill(layer, kernel.transpose(3, 2, 0, 1), given[f"{name}/bias"])
                layer.requires_grad_(workload.task == "features" or block == TRAINED_BLOCK)
                layers += [layer, nn.ReLU(inplace=True)]
            layers.append(nn.MaxPool2d(2))
    if workload.task == "fine_tune":
        layers += [_ChannelsLast(), nn.Flatten()]
    return nn.Sequential(*layers) if workload.task == "features" else nn.Sequential(*layers, *_head(given))


def _head(given: dict[str, np.ndarray]) -> list[nn.Module]:
    found: list[nn.Module] = []
    for name in ("head/dense1", "head/logits"):
        kernel = given[f"{name}/kernel"]
        layer = nn.Linear(*kernel.shape)
        _fill(layer, kernel.T, given[f"{name}/bias"])
        found += [layer, nn.ReLU()]
    return found[:-1]


class _ChannelsLast(nn.Module):
    """[B, C, H, W] -> [B, H, W, C], the order in which our head flattens."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return _our_order(x)


def _our_order(x: torch.Tensor) -> torch.Tensor:
    return x.permute(0, 2, 3, 1) if x.ndim == 4 else x


def _fill(layer: nn.Conv2d | nn.Linear, kernel: np.ndarray, bias: np.ndarray) -> None:
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(kernel.copy()))
        layer.bias.copy_(torch.from_numpy(bias))  # pyright: ignore[reportOptionalMemberAccess]


def _features(net: nn.Sequential, batch_of: Callable, workload: Workload) -> Callable[[int], float]:
    batches = torch.arange(workload.examples).split(workload.batch)

    def run(steps: int) -> float:
        begun = time.perf_counter()
        with torch.inference_mode():
            for step in range(steps):
                net(batch_of(batches[step % len(batches)])).numpy()
        return time.perf_counter() - begun

    return run
