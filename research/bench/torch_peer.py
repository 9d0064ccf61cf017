"""PyTorch's side of the race: the same net with our weights, on tensors in memory, as its tutorials train it.

At its best settings (when `threads` are given), Adam is fused. Measured on 2 cores with PyTorch 2.13: the fused Adam
gains 2% on the CNN and 5-11% on the dense net over the default; `torch.compile` doubles the time of the CNN's step (38
ms, not 19) and adds 5% to the dense net's: left out. Forecasters and nets of tables run on as many threads as
are fastest.
"""

import time
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from torch import nn

from research.bench.architectures import (
    Activation,
    Concat,
    Conv,
    Dense,
    Flatten,
    Layer,
    Lstm,
    Pool,
    architecture,
    convolutions,
    layers_to,
    preprocessing,
)
from research.bench.ascent import HALF, RATE, STEPS, RunAscent, first_picture, timed
from research.bench.data import encoded_folds, examples, experiment_of, leaves_for_rgb, sampled
from research.bench.workloads import LEARNING_RATE, Work, Workload

TRIED = 5  # steps with each number of threads

Run = Callable[[int], float]  # steps -> seconds
Leaves = Mapping[str, np.ndarray]
BatchOf = Callable[[torch.Tensor], torch.Tensor]  # indices [B] -> what the net reads


def build(workload: Workload, *, channels_last: bool, threads: int | None) -> Work:
    """`workload` by PyTorch, pictures and kernels laid out channels first (PyTorch's default) or last.

    To fine-tune, all of VGG16 runs on photos, and only block 5 and the head have gradients.
    """
    if threads is not None:
        torch.set_num_threads(threads)
        torch.set_num_interop_threads(1)
    layout = torch.channels_last if channels_last else torch.contiguous_format
    net = net_of(workload, architecture(workload), layout)
    parameters = sum(leaf.numel() for leaf in net.parameters() if leaf.requires_grad)
    versions = {"torch": torch.__version__}
    if workload.task == "ascent":
        run = timed(workload, build_ascent(workload, layout, tuned=threads is not None))
        return Work(run, parameters, versions, _first_activations(workload, layout))
    if workload.net == "table":
        run, sample = _ensemble(workload, threads)
        versions["torch threads"] = str(torch.get_num_threads())
        return Work(run, parameters, versions, sampled(sample.numpy()))
    inputs, targets = examples(workload)
    batch_of = _batches_of(workload, torch.from_numpy(inputs), layout)
    with torch.inference_mode():
        sample = net(batch_of(torch.arange(workload.batch)))
    if workload.task == "infer":
        run = _inference(net, batch_of, workload)
    else:
        run = _training(net, batch_of, torch.from_numpy(targets), workload, tuned=threads is not None)
    if workload.forecasts:
        torch.set_num_threads(_fastest(run, threads) if threads else torch.get_num_threads())
        versions["torch threads"] = str(torch.get_num_threads())
    return Work(run, parameters, versions, sampled(_channels_last(sample).numpy()))


def net_of(workload: Workload, layers: Sequence[Layer], layout: torch.memory_format) -> nn.Sequential:
    """A net of `layers` with the workload's weights; a picture net first preprocesses pixels of 0..255."""
    leaves = leaves_for_rgb(workload)
    modules = [_module(layer, leaves, workload) for layer in layers]
    if workload.forecasts:
        modules.append(nn.Unflatten(1, workload.window[1:]))
    elif workload.net not in ("vgg16_head", "table"):
        modules.insert(0, _Preprocess(workload))
    return nn.Sequential(*modules).to(memory_format=layout)


def _module(layer: Layer, leaves: Leaves, workload: Workload) -> nn.Module:
    if isinstance(layer, Pool):
        return nn.AvgPool2d(layer.window, 2) if layer.mean else nn.MaxPool2d(layer.window, 2)
    if isinstance(layer, Flatten):
        return nn.Flatten()
    if isinstance(layer, Concat):
        return _Concat([_module(each, leaves, workload) for each in layer.members])
    if isinstance(layer, Lstm):
        return _LastState(layer, leaves)
    if isinstance(layer, Dense):
        linear = _dense(layer, leaves, workload)
        return nn.Sequential(linear, _activation(layer.activation)) if layer.activation else linear
    return nn.Sequential(_conv(layer, leaves, workload), _activation(layer.activation))


def _activation(name: Activation) -> nn.Module:
    return nn.Tanh() if name == "tanh" else nn.ReLU(inplace=True)


def _conv(layer: Conv, leaves: Leaves, workload: Workload) -> nn.Conv2d:
    padding = layer.size // 2 if layer.same else 0
    found = nn.Conv2d(layer.channels, layer.features, layer.size, layer.stride, padding)
    _fill(found.weight, leaves[f"{layer.name}/kernel"].transpose(3, 2, 0, 1))
    _fill(found.bias, leaves[f"{layer.name}/bias"])
    return found.requires_grad_(workload.net != "vgg16_block5" or layer.name.startswith("block5"))


def _dense(layer: Dense, leaves: Leaves, workload: Workload) -> nn.Linear:
    """Where it reads a flattened map, its rows are turned from our order, [H, W, C], to PyTorch's, [C, H, W]."""
    kernel, layers = leaves[f"{layer.name}/kernel"], architecture(workload)
    maps = [each for other in layers for each in convolutions(other)]
    if maps and isinstance(layers[layers.index(layer) - 1], Flatten):
        kernel = kernel.reshape(-1, maps[-1].features, layer.features).swapaxes(0, 1).reshape(kernel.shape)
    found = nn.Linear(layer.inputs, layer.features)
    _fill(found.weight, kernel.T)
    _fill(found.bias, leaves[f"{layer.name}/bias"])
    return found


def _fill(parameter: torch.Tensor, numbers: np.ndarray) -> None:
    with torch.no_grad():
        parameter.copy_(torch.from_numpy(numbers.copy()))


class _Concat(nn.Module):
    def __init__(self, parts: list[nn.Module]):
        super().__init__()
        self.parts = nn.ModuleList(parts)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([part(x) for part in self.parts], dim=1)


class _LastState(nn.Module):
    """An LSTM's last hidden state: [B, T, F] -> [B, H]. It has two biases, of which only one is trained."""

    def __init__(self, layer: Lstm, leaves: Leaves):
        super().__init__()
        self.lstm = nn.LSTM(layer.inputs, layer.units, batch_first=True)
        for own, ours in (("weight_ih_l0", "kernel"), ("weight_hh_l0", "recurrent"), ("bias_ih_l0", "bias")):
            _fill(getattr(self.lstm, own), leaves[f"{layer.name}/{ours}"].T)
        with torch.no_grad():
            self.lstm.bias_hh_l0.zero_().requires_grad_(False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.lstm(x)[1][0][0]


class _Preprocess(nn.Module):
    """Pictures [B, C, H, W] of 0..255 to what the first layer reads."""

    def __init__(self, workload: Workload):
        super().__init__()
        self.scale, offset = preprocessing(workload)
        self.offset = torch.tensor(offset).view(1, -1, 1, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * self.scale if self.scale != 1 else x + self.offset


def _batches_of(workload: Workload, inputs: torch.Tensor, layout: torch.memory_format) -> BatchOf:
    if inputs.ndim < 4:
        return lambda index: inputs[index]
    pixels = inputs.permute(0, 3, 1, 2).contiguous()
    return lambda index: pixels[index].float().contiguous(memory_format=layout)


def _channels_last(outputs: torch.Tensor) -> torch.Tensor:
    return outputs.permute(0, 2, 3, 1) if outputs.ndim == 4 else outputs


def _ensemble(workload: Workload, threads: int | None) -> tuple[Run, torch.Tensor]:
    """All nets one after another, each on its own fold's rows, and the first one's outputs before training."""
    sets = [tuple(map(torch.from_numpy, fold)) for fold in encoded_folds(workload)] * workload.seeds
    nets = [net_of(workload, architecture(workload), torch.contiguous_format) for _ in sets]
    with torch.inference_mode():
        sample = nets[0](sets[0][0][: workload.batch])
    runs = [
        _training(net, inputs.__getitem__, targets[:, None], workload, tuned=threads is not None)
        for net, (inputs, targets) in zip(nets, sets, strict=True)
    ]
    if threads:
        torch.set_num_threads(_fastest(runs[0], threads))
    return lambda steps: sum(run(steps) for run in runs), sample


def _training(net: nn.Module, batch_of: BatchOf, targets: torch.Tensor, workload: Workload, *, tuned: bool) -> Run:
    trained = [leaf for leaf in net.parameters() if leaf.requires_grad]
    optimizer, loss_of = _optimizer(workload, trained, tuned=tuned), _loss(workload)
    numeric = workload.forecasts or workload.net == "table"
    targets = targets if numeric else targets.long()

    def run(steps: int) -> float:
        begun = time.perf_counter()
        loss_sum, metric_sum = torch.zeros(()), torch.zeros(())
        for index in _orders(steps * workload.training_steps, len(targets), workload.batch):
            wanted = targets[index]
            optimizer.zero_grad()
            outputs = net(batch_of(index))
            loss = loss_of(outputs, wanted)
            loss.backward()
            optimizer.step()
            loss_sum += loss.detach()  # the same two metrics as the other peers compute
            found = outputs.detach()
            metric_sum += (found - wanted).abs().mean() if numeric else (found.argmax(1) == wanted).sum()
        return time.perf_counter() - begun

    return run


def _optimizer(workload: Workload, trained: list[nn.Parameter], *, tuned: bool) -> torch.optim.Optimizer:
    if workload.net != "table":
        return torch.optim.Adam(trained, lr=LEARNING_RATE, fused=tuned or None)
    own = experiment_of(workload).optimizer
    return torch.optim.AdamW(trained, lr=own.learning_rate, weight_decay=own.weight_decay, fused=tuned or None)


def _loss(workload: Workload) -> Callable[[torch.Tensor, torch.Tensor], torch.Tensor]:
    if workload.net == "table":
        return nn.functional.l1_loss
    return nn.functional.mse_loss if workload.forecasts else nn.functional.cross_entropy


def _orders(steps: int, count: int, batch: int) -> list[torch.Tensor]:
    """The indices of `steps` batches, every epoch in its own order."""
    batches: list[torch.Tensor] = []
    while len(batches) < steps:
        batches += torch.randperm(count).split(batch)
    return batches[:steps]


def _fastest(run: Run, threads: int) -> int:
    """Of 1 to `threads`, the number that makes `run` fastest: a second thread can slow such small steps."""

    def seconds(count: int) -> float:
        torch.set_num_threads(count)
        run(1)
        return min(run(1) for _ in range(TRIED))

    return min(range(1, threads + 1), key=seconds)


def _inference(net: nn.Module, batch_of: BatchOf, workload: Workload) -> Run:
    batches = torch.arange(workload.examples).split(workload.batch)

    def run(steps: int) -> float:
        begun = time.perf_counter()
        with torch.inference_mode():
            for step in range(steps):
                net(batch_of(batches[step % len(batches)])).numpy()
        return time.perf_counter() - begun

    return run


def build_ascent(workload: Workload, layout: torch.memory_format, *, tuned: bool, steps: int = STEPS) -> RunAscent:
    """`ascend({layer: filters})`: the pictures [H, W, C] after `steps` steps; a plain loop over filters and steps."""
    nets = {layer: net_of(workload, layers_to(workload, layer), layout) for layer in workload.layers}
    for net in nets.values():
        net.requires_grad_(False)
    first = _first_batch(workload, layout)

    def ascend_one(net: nn.Module, index: int) -> np.ndarray:
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

    return lambda filters: [ascend_one(nets[layer], index) for layer, own in filters.items() for index in own]


def _first_batch(workload: Workload, layout: torch.memory_format) -> torch.Tensor:
    return torch.from_numpy(first_picture(workload)).permute(2, 0, 1)[None].contiguous(memory_format=layout)


def _first_activations(workload: Workload, layout: torch.memory_format) -> list[float]:
    """The mean activation of every filter on the first picture, layer by layer."""
    nets = [net_of(workload, layers_to(workload, layer), layout) for layer in workload.layers]
    with torch.inference_mode():
        taps = [net(_first_batch(workload, layout)).mean(dim=(0, 2, 3)) for net in nets]
    return [float(mean) for tap in taps for mean in tap]
