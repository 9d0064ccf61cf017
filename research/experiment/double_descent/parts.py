"""Finished parts of a measurement on disk, so that a run that was cut off goes on with the first missing one.

Each part is NAME.npz and beside it, written last, NAME.json, which seals it and says which versions computed it.
"""

import hashlib
import io
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from research import runtime
from research.errors import UserError
from research.files import npz_bytes, write_bytes
from research.report.environment import environment
from research.seals import check_seal, write_seal

Arrays = dict[str, np.ndarray]
Part = Callable[[str, Callable[[], Mapping[str, np.ndarray]]], Arrays]  # (name, what computes it) -> its arrays


class Parts:
    """The parts in `folder`; `seconds` counts what they took, in whichever process."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.seconds = folder, 0.0
        self.computed_by = environment() | {"device": runtime.device_name()}

    def __call__(self, name: str, compute: Callable[[], Mapping[str, np.ndarray]]) -> Arrays:
        """The arrays of part `name`: read, or computed and saved where they are missing, damaged or of old code."""
        found = self._read(name)
        if found is None:
            begun = time.monotonic()
            found = {key: np.asarray(array) for key, array in compute().items()}, time.monotonic() - begun
            self._write(name, *found)
        self.seconds += found[1]
        return found[0]

    def _write(self, name: str, arrays: Arrays, seconds: float) -> None:
        content = npz_bytes(arrays)
        write_bytes(self.folder / f"{name}.npz", content)
        notes = {"seconds": seconds, "by": self.computed_by}
        write_seal(self.folder / f"{name}.json", _digests(content), notes)

    def _read(self, name: str) -> tuple[Arrays, float] | None:
        try:
            content = (self.folder / f"{name}.npz").read_bytes()
            notes = check_seal(self.folder / f"{name}.json", _digests(content))
        except (UserError, OSError, ValueError, TypeError, LookupError):
            return None
        if notes["by"] != self.computed_by:
            return None
        with np.load(io.BytesIO(content), allow_pickle=False) as saved:
            return dict(saved.items()), float(notes["seconds"])


def _digests(content: bytes) -> dict[str, str]:
    return {"arrays": hashlib.sha256(content).hexdigest()}
