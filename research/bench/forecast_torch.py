"""PyTorch's side of the forecasters' races: nn.LSTM or nn.Linear, our weights in them, and as many threads as help.

Of an LSTM's two biases one is enough, and no more than one learns.
"""

import time
from collections.abc import Callable

import numpy as np
import torch  # pyright: ignore[reportMissingImports]
from torch import nn  # pyright: ignore[reportMissingImports]

from research.bench.forecasts import leaves, steps_of, windows
from research.bench.party_torch import apportion
from research.bench.photos import sampled
from research.bench.work import Work
from research.bench.workloads import LEARNING_RATE, Workload

TRIED = 5  # steps with each number of threads


def build(workload: Workload, *, threads: int | None) -> Work:
    """`workload` by PyTorch; with `threads`, on as many of them as are fastest."""
    apportion(threads)
    net, per_step = _net(workload), steps_of(workload)
    contexts, horizons = map(torch.from_numpy, windows(workload))
    with torch.inference_mode():
        sample = sampled(net(contexts[: workload.batch])[:1].numpy())
    once = _training(net, contexts, horizons, workload.batch, tuned=threads is not None)
    if threads is not None:
        torch.set_num_threads(_fastest(once, threads))
    parameters = sum(leaf.numel() for leaf in net.parameters() if leaf.requires_grad)
    versions = {"torch": torch.__version__, "torch threads": str(torch.get_num_threads())}
    return Work(lambda times: once(times * per_step), parameters, versions, sample=sample)


class _LastState(nn.Module):
    """An LSTM's last hidden state: [B, L, F] -> [B, H]."""

    def __init__(self, given: dict[str, np.ndarray]):
        super().__init__()
        channels, units = given["lstm1/kernel"].shape[0], given["lstm1/recurrent"].shape[0]
        self.lstm = nn.LSTM(channels, units, batch_first=True)
        pairs = (("weight_ih_l0", "kernel"), ("weight_hh_l0", "recurrent"), ("bias_ih_l0", "bias"))
        with torch.no_grad():
            for own, ours in pairs:
                getattr(self.lstm, own).copy_(torch.from_numpy(given[f"lstm1/{ours}"].T.copy()))
            self.lstm.bias_hh_l0.zero_().requires_grad_(False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.lstm(x)[1][0][0]


def _net(workload: Workload) -> nn.Sequential:
    given = leaves(workload)
    if workload.net == "dense":
        body = [nn.Flatten(), _linear(given, "dense1"), nn.ReLU()]
    else:
        body = [_LastState(given)]
    return nn.Sequential(*body, _linear(given, "head"), nn.Unflatten(1, workload.window[1:]))


def _linear(given: dict[str, np.ndarray], name: str) -> nn.Linear:
    layer = nn.Linear(*given[f"{name}/kernel"].shape)
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(given[f"{name}/kernel"].T.copy()))
        layer.bias.copy_(torch.from_numpy(given[f"{name}/bias"]))
    return layer


def _training(
    net: nn.Sequential, contexts: torch.Tensor, horizons: torch.Tensor, batch: int, *, tuned: bool
) -> Callable[[int], float]:
    trained = [leaf for leaf in net.parameters() if leaf.requires_grad]
    optimizer = torch.optim.Adam(trained, lr=LEARNING_RATE, fused=tuned or None)

    def run(steps: int) -> float:
        begun = time.perf_counter()
        loss_sum, error_sum = torch.zeros(()), torch.zeros(())
        for index in _batches(steps, len(contexts), batch):
            targets = horizons[index]
            optimizer.zero_grad()
            forecasts = net(contexts[index])
            loss = nn.functional.mse_loss(forecasts, targets)
            loss.backward()
            optimizer.step()
            loss_sum += loss.detach()  # the same two metrics as the other parties keep
            error_sum += (forecasts.detach() - targets).abs().mean()
        return time.perf_counter() - begun

    return run


def _batches(steps: int, examples: int, batch: int) -> list[torch.Tensor]:
    found: list[torch.Tensor] = []
    while len(found) < steps:
        found += torch.randperm(examples).split(batch)
    return found[:steps]


def _fastest(run: Callable[[int], float], threads: int) -> int:
    """Of 1 to `threads`, the number with which `run` takes least: steps as small as these can suffer from a second."""

    def seconds(count: int) -> float:
        torch.set_num_threads(count)
        run(1)
        return min(run(1) for _ in range(TRIED))

    return min(range(1, threads + 1), key=seconds)
