"""Keras' files: legacy .h5 (layer groups), Keras 3 .weights.h5 (numbered layers), .keras (a zip around the latter)."""

import io
import json
import re
import zipfile
import zlib
from collections import Counter
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from research.errors import UserError
from research.weights.array_files import from_bfloat16

OF_TRAINING = ("optimizer", "metrics")  # beside the layers in a .weights.h5; the latter in TensorFlow's Keras alone
OF_MODEL = "top_level_model_weights"  # keras.src.legacy.saving.legacy_h5_format: beside the layers
Texts = dict[str, str]
Read = tuple[dict[str, np.ndarray], Texts, Texts]  # arrays, aliases, notes: see `WeightFile`
MEMBERS = {"config": "config.json", "metadata": "metadata.json"}  # of a .keras file


def read_hdf5(path: Path) -> Read:
    """The arrays of a legacy .h5 as LAYER/NAME, those of a Keras 3 file as layers/CLASS_N/vars/N with aliases."""
    return _read(path, path)


def read_keras_zip(path: Path) -> Read:
    """The arrays of a .keras file, named as those of a .weights.h5; config.json names layers that the rest does not."""
    try:
        with zipfile.ZipFile(path) as archive:
            arrays, aliases, notes = _read(io.BytesIO(archive.read("model.weights.h5")), path)
            there = archive.namelist()
            members = {note: _member(archive, name, path) for note, name in MEMBERS.items() if name in there}
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise UserError(f"{path} is damaged ({error}); download or save it again") from error
    notes |= {"config": json.dumps(members["config"])} if "config" in members else {}
    if isinstance(version := members.get("metadata", {}).get("keras_version"), str):
        notes["keras_version"] = version  # 2.12 and later write the format, too
    names = _names_of(members.get("config", {}), "layers")
    configured = {name: f"{names[layer]}/{rest}" for name in arrays for layer, rest in [_split(name)] if layer in names}
    return arrays, configured | aliases, notes


def _member(archive: zipfile.ZipFile, name: str, path: Path) -> dict[str, Any]:
    try:
        found = json.loads(archive.read(name))
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise UserError(f"{path} is damaged: its {name} cannot be read; download or save it again")
    return found


def _read(file: Path | io.BytesIO, path: Path) -> Read:
    try:
        with h5py.File(file, "r") as root:
            legacy = _inside(root, "model_weights", path) if "model_weights" in root else root
            if "layer_names" in legacy.attrs:
                # The convention is of our own export, the other notes are Keras'.
                noted = {"convention": "convention", "config": "model_config", "keras_version": "keras_version"}
                holders = {
                    note: [group for group in (root, legacy) if key in group.attrs] for note, key in noted.items()
                }
                notes = {note: _text(groups[0].attrs[noted[note]]) for note, groups in holders.items() if groups}
                return _legacy(legacy, path), {}, notes
            if "layers" in root or "vars" in root:
                return *_numbered(root, path, skipped=OF_TRAINING), {}
            there = ", ".join(list(root)[:5]) or "nothing"
    except (OSError, KeyError, ValueError, RuntimeError, TypeError, AttributeError) as error:
        message = " ".join(str(error).split())
        reason = "truncated: its end is missing" if "truncated" in message else f"damaged ({message[:90]})"
        raise UserError(f"{path} is {reason}; download it again") from error
    raise UserError(f"{path} is an HDF5 file, but not one of Keras' weights (it holds {there})")


def _legacy(root: Any, path: Path) -> dict[str, np.ndarray]:
    """`conv2d/kernel:0`, layer by layer, then the variables of the model itself."""
    arrays = {}
    own = [OF_MODEL] if OF_MODEL in root else []
    for layer in dict.fromkeys([*_texts(root.attrs["layer_names"]), *own]):
        group = _inside(root, layer, path)
        for name in _texts(group.attrs["weight_names"]):
            arrays[f"{layer}/{name.removeprefix(layer + '/')}"] = _array(group, name, path)
    return arrays


def _numbered(
    group: Any, path: Path, here: str = "", called: str = "", skipped: tuple[str, ...] = ()
) -> tuple[dict[str, np.ndarray], Texts]:
    """`layers/conv2d_10/vars/0`, those of models and cells inside, and any beside `layers`.

    The name that the user gave a layer is an attribute of its `vars`: the alias `block5_conv1/vars/0`.
    """
    arrays, aliases = {}, {}
    variables: Any = _inside(group, "vars", path) if "vars" in group else ()
    if "vars" in group and "name" in variables.attrs and not here.endswith("/cell"):  # a cell goes by its layer's name
        called = _text(variables.attrs["name"])
    for number in variables:
        name = _joined(here, f"vars/{number}")
        arrays[name] = _array(variables, number, path)
        if called:
            aliases[name] = f"{called}/vars/{number}"
    for part in group:
        inside = _inside(group, part, path) if part not in ("vars", "seed_generator", *skipped) else None
        if isinstance(inside, h5py.Group):
            cell = f"{called}/cell" if called and part == "cell" else ""
            inner, names = _numbered(inside, path, _joined(here, part), cell)
            arrays, aliases = arrays | inner, aliases | names
    return arrays, aliases


def _joined(here: str, part: str) -> str:
    return f"{here}/{part}" if here else part


def _inside(group: Any, name: str, path: Path) -> Any:
    """A member of `group` within the file itself: an external link could read any of the user's files."""
    link = None
    for part in name.split("/"):
        link = group.get(part, getlink=True)
        if isinstance(link, h5py.ExternalLink):
            raise UserError(f"{path} is refused: its {name} is a link to another file ({link.filename})")
        group = group[part]
    return group


def _array(group: Any, name: str, path: Path) -> np.ndarray:
    dataset = _inside(group, name, path)
    if dataset.external or dataset.is_virtual:
        raise UserError(f"{path} is refused: its {name} is kept in another file")
    if dataset.size and not dataset.id.get_storage_size():
        raise UserError(f"{path} is damaged: its {name} has a shape and no content; download it again")
    if dataset.dtype.str == "|V2":  # as h5py writes bfloat16; Keras 3 says so in an attribute, its legacy files do not
        return from_bfloat16(dataset[()].view("<u2"))
    if dataset.dtype.kind == "V":
        raise UserError(f"{path} holds numbers of a type that is not read here ({dataset.dtype}); save it as float32")
    if dataset.dtype.kind not in "biufc":
        raise UserError(f"{path} is damaged: its {name} holds {dataset.dtype}, not numbers; download it again")
    return dataset[()]


def _names_of(net: Any, here: str) -> Texts:
    """{"layers/conv2d_10": "block5_conv1"} from config.json, nets inside a net included.

    Keras numbers the layers of each class in their order. None where a user's class has its own config.
    """
    settings = net.get("config") if isinstance(net, dict) else None
    layers = settings.get("layers") if isinstance(settings, dict) else None
    names: Texts = {}
    seen: Counter[str] = Counter()
    for layer in layers if isinstance(layers, list) else ():
        settings = layer.get("config") if isinstance(layer, dict) else None
        if not isinstance(settings, dict) or "name" not in settings or "class_name" not in layer:
            return {}
        kind = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", str(layer["class_name"]))  # keras.src.utils.naming.to_snake_case
        kind = re.sub("([a-z])([A-Z])", r"\1_\2", kind).lower()
        layer_path = f"{here}/{kind}_{seen[kind]}" if seen[kind] else f"{here}/{kind}"
        names |= {layer_path: str(settings["name"])} | _names_of(layer, f"{layer_path}/layers")
        names |= _names_of(settings.get("layer"), f"{layer_path}/layer/layers")  # within a TimeDistributed
        seen[kind] += 1
    return names


def _split(name: str) -> tuple[str, str]:
    """layers/lstm_1/cell/vars/0 as layers/lstm_1 and the rest; of a net inside a net, its layer and the rest."""
    before, found, after = name.rpartition("layers/")
    layer, _, rest = after.partition("/")
    return f"{before}{found}{layer}", rest


def _texts(values: Any) -> list[str]:
    return [_text(value) for value in values]


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
