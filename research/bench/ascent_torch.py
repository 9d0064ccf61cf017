"""PyTorch's side of the ascent's races: a plain loop over filters, and over steps."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch  # pyright: ignore[reportMissingImports]
from torch import nn  # pyright: ignore[reportMissingImports]

from research.bench.climbs import (
    HALF,
    RATE,
    STEPS,
    preprocessing,
    start,
    timed,
    weights_for_rgb,
)
from research.bench.party_torch import apportion
from research.bench.stages import Beside, Conv, Pool, Stage, members, path, stages
from research.bench.work import Work
from research.bench.workloads import Workload

Layers = Mapping[str, nn.Conv2d]  # by name, with our weights
Climb = Callable[[Mapping[str, Sequence[int]]], list[np.ndarray]]


def build(workload: Workload, *, channels_last: bool, threads: int | None) -> Work:
    """`workload` by PyTorch, pictures and kernels laid out channels first or last; with `threads` Adam is fused."""
    apportion(threads)
    layout = torch.channels_last if channels_last else torch.contiguous_format
    layers = layers_of(workload, layout)
    run = timed(workload, climber(workload, layers, layout, tuned=threads is not None))
    with torch.inference_mode():
        nets = [net_of(path(workload, layer), layers, workload) for layer in workload.layers]
        found = [net(_picture(workload, layout)) for net in nets]
    sample = [float(mean) for tap in found for mean in tap.mean(dim=(0, 2, 3))]
    parameters = sum(leaf.numel() for layer in layers.values() for leaf in layer.parameters())
    return Work(run, parameters, {"torch": torch.__version__}, sample=sample)


def climber(
    workload: Workload, layers: Layers, layout: torch.memory_format, *, tuned: bool, steps: int = STEPS
) -> Climb:
    """`climb({layer: filters})`: the pictures [H, W, C] after so many steps, one filter after the other."""
    nets = {layer: net_of(path(workload, layer), layers, workload) for layer in workload.layers}
    first = _picture(workload, layout)

    def climb_one(net: nn.Module, index: int) -> np.ndarray:
        picture = first.clone().requires_grad_()
        optimizer = torch.optim.Adam([picture], lr=RATE * HALF, fused=tuned or None)
        for _ in range(steps):
            optimizer.zero_grad()
            loss = -net(picture)[:, index].mean()
            loss.backward()
            optimizer.step()
            with torch.no_grad():
                picture.clamp_(0, 255)
        return picture.detach()[0].permute(1, 2, 0).numpy()

    return lambda filters: [climb_one(nets[layer], index) for layer, own in filters.items() for index in own]


def _picture(workload: Workload, layout: torch.memory_format) -> torch.Tensor:
    return torch.from_numpy(start(workload)).permute(2, 0, 1)[None].contiguous(memory_format=layout)


def layers_of(workload: Workload, layout: torch.memory_format) -> dict[str, nn.Conv2d]:
    """Its convolutions by name, with the weights that all parties have."""
    given, found = weights_for_rgb(workload), {}
    for each in (each for stage in stages(workload) for each in members(stage)):
        padding = each.size // 2 if each.same else 0
        layer = nn.Conv2d(each.channels, each.features, each.size, each.stride, padding)
        with torch.no_grad():
            layer.weight.copy_(torch.from_numpy(given[f"{each.name}/kernel"].transpose(3, 2, 0, 1).copy()))
            layer.bias.copy_(torch.from_numpy(given[f"{each.name}/bias"]))  # pyright: ignore[reportOptionalMemberAccess]
        layer.requires_grad_(False)
        found[each.name] = layer.to(memory_format=layout)  # pyright: ignore[reportCallIssue]  (its stub lacks it)
    return found


def net_of(taken: Sequence[Stage], layers: Layers, workload: Workload) -> nn.Sequential:
    """Pictures [B, C, H, W] of 0..255 to what the last of the stages `taken` makes of them."""
    return nn.Sequential(_Preprocess(workload), *(_module(stage, layers) for stage in taken))


def _module(stage: Stage, layers: Layers) -> nn.Module:
    if isinstance(stage, Pool):
        return nn.MaxPool2d(stage.window, 2)
    if isinstance(stage, Beside):
        return _Beside([_module(each, layers) for each in stage.members])
    assert isinstance(stage, Conv)
    return nn.Sequential(layers[stage.name], nn.ReLU(inplace=True))


class _Beside(nn.Module):
    def __init__(self, parts: list[nn.Module]):
        super().__init__()
        self.parts = nn.ModuleList(parts)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([part(x) for part in self.parts], dim=1)


class _Preprocess(nn.Module):
    """Pictures [B, C, H, W] of 0..255 to what the first convolution reads."""

    def __init__(self, workload: Workload):
        super().__init__()
        self.scale, offset = preprocessing(workload)
        self.offset = torch.tensor(offset).view(1, -1, 1, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * self.scale if self.scale != 1 else x + self.offset
