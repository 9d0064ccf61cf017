"""Makes golden.npz: what real Keras and real torch layers compute from the weights and pictures of streams.py.

python tests/models/golden/make.py      (once, by hand; needs: pip install -e '.[bench]'; about a minute, 5 GB)

It also saves the weights as Keras and torch save them, and holds what research.weights reads against them.
"""

import tempfile
from pathlib import Path

import keras
import numpy as np
import streams
import torch
from torch import nn

from research.weights.load import load_weights
from research.weights.weight_file import read

FILE = Path(__file__).with_name("golden.npz")
CONVS = [f"block{block}_conv{index}" for block, n in enumerate((2, 2, 3, 3, 3), 1) for index in range(1, n + 1)]
POOLS = [f"block{block}_pool" for block in range(1, 6)]
MEAN, DEVIATION = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]  # torchvision's preset


def keras_vgg16(top, pictures):
    """Activations of `keras.applications.VGG16`, with He-scaled weights of streams.py."""
    side = {"input_shape": (224, 224, 3)} if top else {}
    settings = {"classifier_activation": None} if top else {}
    net = keras.applications.VGG16(weights=None, include_top=top, **side, **settings)
    leaves = {}
    for layer in net.layers:
        parts = zip(("kernel", "bias"), layer.weights, strict=bool(layer.weights))
        values = {f"{layer.name}/{part}": tuple(variable.shape) for part, variable in parts}
        values = {name: streams.keras_weight(name, shape) for name, shape in values.items()}
        layer.set_weights(list(values.values()))
        leaves |= values
    with tempfile.TemporaryDirectory() as folder:
        net.save_weights(Path(folder) / "keras.weights.h5")
        ported = load_weights(Path(folder) / "keras.weights.h5", {k: v.shape for k, v in leaves.items()}, "vgg16")
    assert ported.convention == "caffe"
    assert all(np.array_equal(ported.leaves[name], leaf) for name, leaf in leaves.items())
    names = [layer.name for layer in net.layers if layer.name in (*CONVS, *POOLS, "fc1", "fc2", "predictions")]
    taps = keras.Model(net.input, [net.get_layer(name).output for name in names])
    prepared = keras.applications.vgg16.preprocess_input(pictures.astype(np.float32))
    return dict(zip(names, map(np.asarray, taps(prepared)), strict=True))


def torch_vgg16(pictures):
    """Activations of torchvision's VGG16, its layers in its order under its names."""
    features, channels = [], 3
    for width in streams.WIDTHS:
        features += [nn.MaxPool2d(2)] if width == "pool" else [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU()]
        channels = channels if width == "pool" else width
    classifier = [nn.Linear(512 * 7 * 7, 4096), nn.ReLU(), nn.Dropout(), nn.Linear(4096, 4096), nn.ReLU(), nn.Dropout()]
    classifier.append(nn.Linear(4096, 1000))
    net = nn.ModuleDict({"features": nn.Sequential(*features), "classifier": nn.Sequential(*classifier)})
    net = _loaded(net, streams.torch_vgg16_shapes())
    taps, x, names = {}, _prepared(pictures), iter(CONVS)
    for layer in net["features"]:
        x = layer(x)
        if isinstance(layer, nn.ReLU):
            taps[next(names)] = x.permute(0, 2, 3, 1).numpy()
        elif isinstance(layer, nn.MaxPool2d):
            taps[POOLS[sum(name in POOLS for name in taps)]] = x.permute(0, 2, 3, 1).numpy()
    hidden = torch.flatten(x, 1)
    for index, layer in enumerate(net["classifier"]):
        hidden = layer(hidden)
        if index in (1, 4, 6):
            taps[{1: "fc1", 4: "fc2", 6: "predictions"}[index]] = hidden.numpy()
    return taps


class Fire(nn.Module):
    """torchvision.models.squeezenet.Fire."""

    def __init__(self, channels, squeezed, expanded):
        super().__init__()
        self.squeeze = nn.Conv2d(channels, squeezed, 1)
        self.expand1x1 = nn.Conv2d(squeezed, expanded, 1)
        self.expand3x3 = nn.Conv2d(squeezed, expanded, 3, padding=1)

    def forward(self, x):
        x = torch.relu(self.squeeze(x))
        return torch.cat([torch.relu(self.expand1x1(x)), torch.relu(self.expand3x3(x))], 1)


def torch_squeezenet(pictures):
    """Activations of torchvision's squeezenet1_1; its pools round up, which at 64 x 48 changes nothing."""
    layers = [nn.Conv2d(3, 64, 3, stride=2), nn.ReLU()]
    for index in range(2, 13):
        pool = nn.MaxPool2d(3, stride=2, ceil_mode=True)
        layers.append(Fire(*streams.FIRES[index]) if index in streams.FIRES else pool)
    classifier = nn.Sequential(nn.Dropout(), nn.Conv2d(512, 1000, 1))
    net = nn.ModuleDict({"features": nn.Sequential(*layers), "classifier": classifier})
    net = _loaded(net, streams.torch_squeezenet_shapes())
    ours = {1: "conv1", 2: "pool1", 5: "pool3", 8: "pool5"}
    ours |= {index: f"fire{fire}/concat" for fire, index in enumerate(streams.FIRES, start=2)}
    taps, x = {}, _prepared(pictures)
    for index, layer in enumerate(net["features"]):
        x = layer(x)
        if index in ours:
            taps[ours[index]] = x.permute(0, 2, 3, 1).numpy()
    return taps


def _prepared(pictures):
    x = torch.from_numpy(pictures).permute(0, 3, 1, 2) / 255
    return (x - torch.tensor(MEAN)[:, None, None]) / torch.tensor(DEVIATION)[:, None, None]


def _loaded(net, shapes):
    """`net` with the streams' weights, after its .pth was read by `research.weights` and found to be the same."""
    assert {name: tuple(tensor.shape) for name, tensor in net.state_dict().items()} == shapes
    state = streams.torch_state(shapes)
    net.load_state_dict({name: torch.from_numpy(array) for name, array in state.items()})
    with tempfile.TemporaryDirectory() as folder:
        torch.save(net.state_dict(), Path(folder) / "net.pth")
        found = read(Path(folder) / "net.pth")
    assert found.kind == "torch" and all(np.array_equal(found.arrays[name], array) for name, array in state.items())
    return net.eval()


def main():
    small, large = streams.picture("small", 2, 64, 48), streams.picture("large", 1, 224, 224)
    with torch.no_grad():
        cases = {
            "keras": keras_vgg16(False, small),
            "keras_top": keras_vgg16(True, large),
            "torch_top": torch_vgg16(large),
            "torch_squeezenet": torch_squeezenet(small),
        }
    golden = {f"{case}/{name}": streams.digest(x) for case, taps in cases.items() for name, x in taps.items()}
    golden |= {f"{case}/logits": taps["predictions"] for case, taps in cases.items() if "predictions" in taps}
    np.savez_compressed(FILE, **golden)
    print(f"{FILE}: {len(golden)} digests, {FILE.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
