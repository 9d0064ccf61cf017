"""Thin nets in everybody's format, written here apart from the readers under test: h5py, zip files, pickle opcodes."""

import io
import json
import struct
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest

CONVS = [f"block{b}_conv{c}" for b, n in enumerate((2, 2, 3, 3, 3), 1) for c in range(1, n + 1)]
TORCH = dict(zip(CONVS, (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28), strict=True))
KERAS = Path(__file__).parent / "weights" / "golden" / "pictures.zip"
FIRES = {2: 3, 3: 4, 4: 6, 5: 7, 6: 9, 7: 10, 8: 11, 9: 12}


@pytest.fixture(scope="session")
def keras_leaves():
    """The leaves of the nets in the files that real Keras wrote (golden/make_pictures.py)."""
    with zipfile.ZipFile(KERAS) as archive, np.load(io.BytesIO(archive.read("leaves.npz"))) as file:
        return dict(file)


@pytest.fixture
def keras_file(tmp_path):
    """`keras_file(name)`: the path of a file as Keras wrote it."""

    def unpack(name):
        with zipfile.ZipFile(KERAS) as archive:
            return Path(archive.extract(name, tmp_path))

    return unpack


@pytest.fixture
def thin():
    """`thin(top=True)`: the leaves of a VGG16 with few channels; every layer after the first has the same shape."""

    def leaves(top=False, seed=0):
        generator = np.random.default_rng(seed)
        shapes = {name: (3, 3, 3 if name == CONVS[0] else 4, 4) for name in CONVS}
        if top:
            shapes |= {"fc1": (25088, 3), "fc2": (3, 3), "predictions": (3, 5)}
        made = {}
        for name, shape in shapes.items():
            made[f"{name}/kernel"] = generator.standard_normal(shape).astype(np.float32)
            made[f"{name}/bias"] = generator.standard_normal(shape[-1:]).astype(np.float32)
        return made

    return leaves


@pytest.fixture
def thin_squeezenet():
    """The leaves of a SqueezeNet with few channels."""
    generator = np.random.default_rng(3)
    shapes = {"conv1": (3, 3, 3, 4)}
    for fire in FIRES:
        shapes |= {f"fire{fire}/squeeze1x1": (1, 1, 4, 2), f"fire{fire}/expand1x1": (1, 1, 2, 2)}
        shapes |= {f"fire{fire}/expand3x3": (3, 3, 2, 2)}
    return {
        f"{layer}/{part}": generator.standard_normal(shape if part == "kernel" else shape[-1:]).astype(np.float32)
        for layer, shape in shapes.items()
        for part in ("kernel", "bias")
    }


@pytest.fixture
def wanted():
    return lambda leaves: {name: leaf.shape for name, leaf in leaves.items()}


def layers_of(leaves):
    return list(dict.fromkeys(leaf.rpartition("/")[0] for leaf in leaves))


@pytest.fixture
def write_legacy():
    """Keras' legacy .h5: "published" (block1_conv1_W_1:0), "tf.keras" (kernel:0), or "whole" (saved with the model)."""

    def write(path, leaves, style="published", config=None):
        with h5py.File(path, "w") as file:
            if config is not None:
                file.attrs["model_config"] = json.dumps({"config": config})
            root = file.create_group("model_weights") if style == "whole" else file
            names = layers_of(leaves)
            root.attrs["layer_names"] = [name.encode() for name in ["input_1", *names]]
            root.create_group("input_1").attrs["weight_names"] = np.zeros(0)
            for layer in names:
                group = root.create_group(layer)
                ends = ("W_1:0", "b_1:0") if style == "published" else ("kernel:0", "bias:0")
                full = [f"{layer}_{end}" if style == "published" else f"{layer}/{end}" for end in ends]
                group.attrs["weight_names"] = [name.encode() for name in full]
                for name, part in zip(full, ("kernel", "bias"), strict=True):
                    group.create_dataset(name, data=leaves[f"{layer}/{part}"])
        return path

    return write


def keras3_bytes(leaves, named):
    content, seen = io.BytesIO(), {}
    with h5py.File(content, "w") as file:
        for layer in layers_of(leaves):
            kind = "dense" if leaves[f"{layer}/kernel"].ndim == 2 else "conv2d"
            number = seen[kind] = seen.get(kind, -1) + 1
            variables = file.create_group(f"layers/{kind}_{number}/vars" if number else f"layers/{kind}/vars")
            if named:
                variables.attrs["name"] = layer
            variables["0"], variables["1"] = leaves[f"{layer}/kernel"], leaves[f"{layer}/bias"]
        file.create_group("layers/max_pooling2d/vars")
        file.create_group("optimizer/vars")["0"] = 7
    return content.getvalue()


@pytest.fixture
def write_keras3():
    """Keras 3: .weights.h5, or .keras by the suffix; without `named`, only the numbers tell the layers apart."""

    def write(path, leaves, named=True, config=None):
        content = keras3_bytes(leaves, named)
        if path.suffix != ".keras":
            path.write_bytes(content)
            return path
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("metadata.json", "{}")
            functional = isinstance(config, dict)
            archive.writestr("config.json", json.dumps({"config": config if functional else {"layers": config or []}}))
            archive.writestr("model.weights.h5", content)
        return path

    return write


@pytest.fixture
def to_torch():
    """Leaves of VGG16 under torchvision's names and in torch's axes; `fc1` [D, H*W*C] as [D, C*H*W]."""

    def convert(leaves):
        names = {layer: f"features.{number}" for layer, number in TORCH.items()}
        names |= {"fc1": "classifier.0", "fc2": "classifier.3", "predictions": "classifier.6"}
        state = {}
        for layer in layers_of(leaves):
            kernel = leaves[f"{layer}/kernel"]
            if layer == "fc1":  # written out position by position, not as the reader does it
                kernel = np.moveaxis(kernel.reshape(7, 7, 512, -1), 2, 0).reshape(25088, -1).T
            else:
                kernel = kernel.T if kernel.ndim == 2 else np.einsum("hwio->oihw", kernel)
            state |= {f"{names[layer]}.weight": kernel, f"{names[layer]}.bias": leaves[f"{layer}/bias"]}
        return {name: np.ascontiguousarray(array) for name, array in state.items()}

    return convert


def text(value):
    return b"X" + struct.pack("<I", len(value.encode())) + value.encode()


def number(value):
    return b"J" + struct.pack("<i", value)


def numbers(values):
    return b"(" + b"".join(map(number, values)) + b"t"


def tensor_opcodes(key, array, old):
    """torch._utils._rebuild_tensor_v2(storage, 0, shape, strides, False, OrderedDict()), as torch.save writes it."""
    kind = {"f4": "FloatStorage", "f2": "HalfStorage", "f8": "DoubleStorage"}[array.dtype.str[1:]]
    strides = [step // array.itemsize for step in array.strides]
    storage = b"(" + text("storage") + b"ctorch\n" + kind.encode() + b"\n" + text(key) + text("cpu")
    storage += number(array.size) + (b"N" if old else b"") + b"tQ"
    call = b"(" + storage + number(0) + numbers(array.shape) + numbers(strides) + b"\x89ccollections\nOrderedDict\n)Rt"
    return b"ctorch._utils\n_rebuild_tensor_v2\n" + call + b"R"


def state_opcodes(state, old=False):
    items = b"".join(
        text(name) + tensor_opcodes(str(key), array, old) for key, (name, array) in enumerate(state.items())
    )
    metadata = b"}" + text("_metadata") + b"ccollections\nOrderedDict\n)R" + b"s" + b"b"
    return b"\x80\x02ccollections\nOrderedDict\n)R(" + items + b"u" + metadata + b"."


@pytest.fixture
def torch_zip():
    """The new format: a zip of data.pkl and one record per storage; `program` replaces the pickle."""

    def write(path, state, program=None):
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("any_name/data.pkl", state_opcodes(state) if program is None else program)
            archive.writestr("any_name/byteorder", "little")
            for key, array in enumerate(state.values()):
                archive.writestr(f"any_name/data/{key}", array.tobytes())
            archive.writestr("any_name/version", "3\n")
        return path

    return write


@pytest.fixture
def torch_old():
    """The format before torch 1.6: magic number, version, system, state and keys as pickles, then the storages."""

    def write(path, state):
        magic = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."
        system = b"\x80\x02}" + text("little_endian") + b"\x88s."
        keys = b"\x80\x02](" + b"".join(text(str(key)) for key in range(len(state))) + b"e."
        records = b"".join(struct.pack("<q", array.size) + array.tobytes() for array in state.values())
        path.write_bytes(magic + b"\x80\x02M\xe9\x03." + system + state_opcodes(state, old=True) + keys + records)
        return path

    return write
