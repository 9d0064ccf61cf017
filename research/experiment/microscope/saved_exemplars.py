"""Finished exemplars on disk, so that a run that was cut off goes on where it stood, and ends with the same bits.

Below FOLDER/KEY/ each filter has FILTER.npz and beside it, written last, FILTER.json, which seals it. They stay when
the page is written: a later run with other hypotheses, patches or filters needs no gradient ascent for these.
"""

import dataclasses
import hashlib
import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from research import runtime
from research.errors import UserError
from research.files import npz_bytes, write_bytes
from research.microscope.exemplars import Exemplar
from research.models.network import Network
from research.report.environment import environment
from research.seals import array_digest, check_seal, write_seal
from research.training.feature_cache import key_of
from research.trees import named_leaves

Tree = Any
Show = Callable[[int, int], None]  # filters done, of all


def resumed(folder: Path, wanted: Sequence[int], ascend: Callable[..., object], show: Show) -> list[Exemplar]:
    """The exemplars of the filters `wanted`: those in `folder`, and the others by
    `ascend(filters=..., on_found=...)`.

    Each is saved as soon as it is found. Damaged files are computed again. Raises UserError where nothing can be
    written.
    """
    found = {index: saved for index in wanted if (saved := _read(folder, index)) is not None}
    missing = [index for index in wanted if index not in found]

    def save(exemplar: Exemplar) -> None:
        _write(folder, exemplar)
        found[exemplar.filter] = exemplar
        show(len(found), len(wanted))

    show(len(found), len(wanted))
    if missing:
        ascend(filters=missing, on_found=save)
    return [found[index] for index in wanted]


def net_digest(net: Network, params: Tree) -> str:
    """The sha256 of a net's wiring and its parameters, and of what computes: versions, commit and device."""
    computed_by = (repr(environment()), runtime.device_name())
    named = sorted(named_leaves(params).items())
    once = {id(leaf): leaf for _, leaf in named}  # all taps of a net of one's own share its leaves
    digests = {key: array_digest(np.asarray(leaf)) for key, leaf in once.items()}
    leaves = (f"{name} {digests[id(leaf)]}" for name, leaf in named)
    return key_of(repr((net.layers, net.names, net.wires)), *computed_by, *leaves)


def _write(folder: Path, exemplar: Exemplar) -> None:
    content = npz_bytes(dataclasses.asdict(exemplar))
    write_bytes(folder / f"{exemplar.filter}.npz", content)
    write_seal(folder / f"{exemplar.filter}.json", _digests(content))


def _read(folder: Path, index: int) -> Exemplar | None:
    """The exemplar of filter `index`; None where it is missing or damaged."""
    try:
        content = (folder / f"{index}.npz").read_bytes()
        check_seal(folder / f"{index}.json", _digests(content))
    except (UserError, OSError, ValueError, TypeError, LookupError):
        return None
    with np.load(io.BytesIO(content), allow_pickle=False) as saved:
        return Exemplar(
            filter=int(saved["filter"]),
            pictures=saved["pictures"],
            curve=saved["curve"],
            score=float(saved["score"]),
            status=str(saved["status"]),  # pyright: ignore[reportArgumentType]  # as it was written
        )


def _digests(content: bytes) -> dict[str, str]:
    return {"exemplar": hashlib.sha256(content).hexdigest()}
