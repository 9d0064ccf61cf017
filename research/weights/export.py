"""Export of our leaves to other formats: plain safetensors, and the .h5 that Keras' `load_weights` takes."""

import io
from collections.abc import Mapping
from pathlib import Path

import h5py
import numpy as np

from research.errors import UserError
from research.files import write_bytes
from research.weights.native_file import as_read, safetensors_bytes


def export(path: Path, leaves: Mapping[str, np.ndarray], *, architecture: str, convention: str) -> Path:
    """Write `leaves`, bit for bit, as .safetensors or as Keras' legacy .h5, by the suffix of `path`.

    The convention of preprocessing is noted in both. Raises UserError for another suffix.
    """
    if path.suffix == ".safetensors":
        return write_bytes(path, safetensors_bytes(leaves, {"architecture": architecture, "convention": convention}))
    if path.suffix != ".h5" or path.name.endswith(".weights.h5"):
        raise UserError(f"weights are exported to NAME.safetensors or NAME.h5, not {path.name}; change the name")
    return write_bytes(path, _legacy_h5(leaves, convention))


def _legacy_h5(leaves: Mapping[str, np.ndarray], convention: str) -> bytes:
    """Layer groups in order, with the attributes by which Keras finds them (keras.src.legacy.saving)."""
    layers: dict[str, list[str]] = {}
    for leaf in leaves:
        layers.setdefault(leaf.rpartition("/")[0], []).append(leaf.rpartition("/")[2])
    content = io.BytesIO()
    with h5py.File(content, "w") as root:
        root.attrs["layer_names"] = [layer.encode() for layer in layers]
        root.attrs["backend"], root.attrs["keras_version"] = b"tensorflow", b"2.15.0"
        root.attrs["convention"] = convention
        for layer, names in layers.items():
            group = root.create_group(layer)
            order = sorted(names, key=("kernel", "recurrent", "bias").index)  # Keras matches by order
            group.attrs["weight_names"] = [f"{layer}/{name}:0".encode() for name in order]
            for name in order:
                group.create_dataset(f"{layer}/{name}:0", data=as_read(leaves[f"{layer}/{name}"]))
    return content.getvalue()
