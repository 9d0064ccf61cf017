"""torch state dicts: the globals that they may name, and their tensors as views of storages."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from research.weights.array_files import from_bfloat16

STORAGES = {
    **{"DoubleStorage": "f8", "FloatStorage": "f4", "HalfStorage": "f2", "BFloat16Storage": "bfloat16"},
    **{"LongStorage": "i8", "IntStorage": "i4", "ShortStorage": "i2", "CharStorage": "i1", "ByteStorage": "u1"},
}


class Storage(NamedTuple):
    """A run of numbers in the file: `length` of them in the record `key`, from number `start` on."""

    dtype: str
    key: str
    length: int
    start: int = 0


class Tensor(NamedTuple):
    """A view of a storage; offset and strides count numbers, not bytes."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


def read_storage(identity: Any) -> Storage:
    """('storage', type, key, device, count), in old files with (view key, start, count) or None at the end."""
    _, kind, key, _, count, *view = identity
    dtype = STORAGES[kind.name.removeprefix("torch.")]
    if view and view[0] is not None:
        return Storage(dtype, str(key), int(view[0][2]), int(view[0][1]))
    return Storage(dtype, str(key), int(count))


def width(dtype: str) -> int:
    """Bytes per number of a storage's `dtype`."""
    return 2 if dtype == "bfloat16" else np.dtype(dtype).itemsize


def _ordered(pairs: Any = ()) -> dict[str, Any]:
    """An OrderedDict, as Python 3 makes it (empty, filled later) or as Python 2 does (of pairs)."""
    if not all(isinstance(key, str) for key, _ in pairs):  # hashing nested tuples can take for ever
        raise ValueError("a key that is not text")
    return dict(pairs)


def _tensor(storage: Any, offset: int, shape: Any, strides: Any, *_: Any) -> Tensor:
    if not isinstance(storage, Storage):
        raise ValueError("a tensor without a storage")
    return Tensor(storage, int(offset), tuple(map(int, shape)), tuple(map(int, strides)))


# {global in a state dict: its meaning here}; None: only mentioned, within a persistent id.
ALLOWED: dict[str, Any] = {
    "collections.OrderedDict": _ordered,
    "torch._utils._rebuild_tensor": _tensor,
    "torch._utils._rebuild_tensor_v2": _tensor,
    "torch._utils._rebuild_parameter": lambda tensor, *_: tensor,
    **dict.fromkeys((f"torch.{storage}" for storage in STORAGES), None),
}


def state_tensors(state: Any) -> dict[str, Tensor]:
    """The tensors of a state dict, also of one within a checkpoint ({"state_dict": ...}), by name."""
    for key in ("state_dict", "model_state_dict", "model"):
        if isinstance(state, dict) and isinstance(state.get(key), dict):
            state = state[key]
    if not isinstance(state, dict):
        raise ValueError(f"it holds a {type(state).__name__}, not a state dict")
    return {str(name): value for name, value in state.items() if isinstance(value, Tensor)}


def tensor_arrays(tensors: dict[str, Tensor], record: Callable[[str], bytes], order: str) -> dict[str, np.ndarray]:
    """The tensors as arrays; `record` gives the bytes of a storage by its key, in byte order "little" or "big"."""
    arrays = {}
    for name, tensor in tensors.items():
        numbers = _numbers(record(tensor.storage.key), tensor.storage.dtype, order)
        arrays[name] = _view(name, numbers[tensor.storage.start :][: tensor.storage.length], tensor)
    return arrays


def _numbers(content: bytes, dtype: str, order: str) -> np.ndarray:
    sign = "<" if order == "little" else ">"
    if dtype == "bfloat16":
        return from_bfloat16(np.frombuffer(content, sign + "u2"))
    return np.frombuffer(content, sign + dtype)


def _view(name: str, numbers: np.ndarray, tensor: Tensor) -> np.ndarray:
    """The tensor as an array; bounds are checked first, since the file could point outside of the storage."""
    if len(tensor.shape) != len(tensor.strides) or min((*tensor.shape, *tensor.strides, tensor.offset), default=0) < 0:
        raise ValueError(f"{name} has an impossible shape")
    last = tensor.offset + sum((n - 1) * step for n, step in zip(tensor.shape, tensor.strides, strict=True))
    if 0 not in tensor.shape and max(last + 1, math.prod(tensor.shape)) > len(numbers):
        raise ValueError(f"{name} ends after its storage")
    steps = tuple(step * numbers.itemsize for step in tensor.strides)
    return np.lib.stride_tricks.as_strided(numbers[tensor.offset :], tensor.shape, steps, writeable=False)
