"""Checkpoints: written by Orbax, sealed with digests, read back strictly.

Orbax commits a checkpoint atomically, but it restores a flipped byte without an error and casts dtypes silently. So
each checkpoint has a seal beside it, `STEP.seal.json`, with the digest of every file. The seal is written last. A
checkpoint without a matching seal is ignored, and Orbax never reads a damaged file. Arrays are stored under their leaf
names; nothing is pickled.
"""

import logging
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np

from research.errors import UserError
from research.seals import check_seal, folder_digests, read_seal, write_seal
from research.trees import from_named, leaf_name, named_leaves

Tree = Any
Leaves = dict[str, np.ndarray]
KEEP = 2  # the newest, and one to fall back to


def save(folder: Path, step: int, state: Tree, facts: dict[str, Any]) -> None:
    """Store `state` as checkpoint `step` of `folder`, with `facts` (plain JSON) in its seal; prune older ones.

    Raises UserError when it cannot be written, or Orbax would store two names as one; earlier ones are kept.
    """
    _refuse_collisions(state)
    leaves = {name: np.asarray(leaf) for name, leaf in named_leaves(jax.device_get(state)).items()}
    target = folder / str(step)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _check_room(folder, sum(leaf.nbytes for leaf in leaves.values()))
        _seal(folder, step).unlink(missing_ok=True)
        shutil.rmtree(target, ignore_errors=True)
        _orbax().save(target.absolute(), leaves)
        forms = {name: _form(leaf) for name, leaf in leaves.items()}
        write_seal(_seal(folder, step), folder_digests(target), {"leaves": forms, "facts": facts})
    except Exception as error:  # Orbax and TensorStore raise several unrelated types for a full disk
        for left in (target, *folder.glob(f"{step}.orbax-checkpoint-tmp*")):
            shutil.rmtree(left, ignore_errors=True)
        raise UserError(f"cannot write checkpoint {target}: {_line(error)}; free some space") from error
    _tidy(folder)


def _refuse_collisions(state: Tree) -> None:
    """UserError where two leaves have one name for Orbax: it stores `a.b` and `a/b` under one and drops the other."""
    found: dict[str, str] = {}
    for path, _ in jax.tree_util.tree_flatten_with_path(state)[0]:
        name = leaf_name(path)
        stored = name.replace("/", ".")
        if stored in found:
            raise UserError(f"{found[stored]} and {name} would be one leaf in a checkpoint; rename one of them")
        found[stored] = name


def _check_room(folder: Path, needed: int) -> None:
    """OSError where the disk lacks `needed` bytes; on a full disk each of Orbax's threads prints a long error."""
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise OSError(f"it takes {needed / 1e6:.3g} MB and {free / 1e6:.3g} MB are free")


def newest(folder: Path, warn: Callable[[str], None]) -> tuple[Leaves, dict[str, Any]] | None:
    """The newest sound checkpoint of `folder` as (leaves by name, facts), or None without any.

    A damaged one is named through `warn`, and the next older one is tried. Raises UserError where a sound one comes
    back with another dtype or shape than it was stored with.
    """
    steps = _steps(folder)
    for step in steps:
        try:
            seal = check_seal(_seal(folder, step), folder_digests(folder / str(step)))
            leaves, facts = _read(folder / str(step)), seal["facts"]
        except (UserError, KeyError, TypeError, ValueError, AttributeError, OSError) as error:
            then = "there is none before it" if step == steps[-1] else "trying the one before it"
            warn(f"checkpoint {folder / str(step)} is damaged ({_line(error)}); {then}")
        else:
            _check_forms(leaves, seal.get("leaves", {}), folder / str(step))
            return leaves, facts
    return None


def _check_forms(leaves: Leaves, stored: dict[str, str], path: Path) -> None:
    """UserError where Orbax cast a leaf; `stored` has the saved forms (none in the seals of earlier versions)."""
    for name, form in stored.items():
        if name not in leaves or _form(leaves[name]) != form:
            found = _form(leaves[name]) if name in leaves else "nothing"
            raise UserError(
                f"checkpoint {path} holds {name} as {form}, and Orbax restores {found}; use the version that wrote it"
            )


def newest_facts(folder: Path) -> dict[str, Any]:
    """The facts of the newest checkpoint of `folder` whose seal is sound, its arrays unread; empty without any."""
    for step in _steps(folder):
        try:
            return read_seal(_seal(folder, step))["facts"]
        except (UserError, KeyError, TypeError, ValueError):
            continue
    return {}


def fitted(leaves: Leaves, like: Tree, folder: Path) -> Tree:
    """The leaves in the structure of `like`; UserError naming the first whose name, shape or dtype does not fit."""
    wanted = {name: _form(leaf) for name, leaf in named_leaves(like).items()}
    found = {name: _form(leaf) for name, leaf in leaves.items()}
    for name in [*wanted, *found]:
        if wanted.get(name) != found.get(name):
            here, there = wanted.get(name, "absent"), found.get(name, "absent")
            raise UserError(f"the checkpoint in {folder} is of another model: {name} is {there} there, {here} here")
    return from_named(leaves, like)


def _read(path: Path) -> Leaves:
    return {name: np.asarray(leaf) for name, leaf in _orbax().restore(path.absolute()).items()}


def _steps(folder: Path) -> list[int]:
    """Steps of the sealed checkpoints, newest first."""
    names = [path.name.removesuffix(".seal.json") for path in folder.glob("*.seal.json")]
    return sorted((int(name) for name in names if name.isdigit()), reverse=True)


def _seal(folder: Path, step: int) -> Path:
    return folder / f"{step}.seal.json"


def _tidy(folder: Path) -> None:
    """Keep the newest checkpoints and their seals; remove older ones and the remains of killed saves."""
    steps = _steps(folder)[:KEEP]
    newest_names = {name for step in steps for name in (str(step), _seal(folder, step).name)}
    for path in folder.iterdir():
        if path.name not in newest_names:
            shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)


def _form(leaf: Any) -> str:
    return f"{leaf.dtype.name}{list(leaf.shape)}"


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:120]


def _orbax():
    import orbax.checkpoint as ocp  # 0.3 s: only where a checkpoint is written or read

    logging.getLogger("absl").setLevel(logging.CRITICAL)  # errors are raised as well
    return ocp.PyTreeCheckpointer()
