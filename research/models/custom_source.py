"""The Python file of a net of one's own: found, identified by its digest, and executed.

Nothing is cached on disk, so an edited file is never mistaken for the one before.
"""

import difflib
import functools
import hashlib
import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from research.config import Custom
from research.errors import UserError


def source_file(model: Custom) -> Path:
    """The file that `model.source` names; UserError where there is none."""
    place, _ = model.parts
    if not place:
        raise UserError(f"model.source {model.source!r} names no file; write FILE.py:NAME or package.module:NAME")
    if place.endswith(".py"):
        path = Path(place).expanduser()
        if not path.is_file():
            raise UserError(f"no file {path} of model.source (looked in {path.absolute().parent})")
        return path
    try:
        spec = importlib.util.find_spec(place)
    except Exception as error:  # the parent package is imported, and may fail in any way
        raise UserError(f"model.source {model.source}: {one_line(error)}") from error
    if spec is None or not spec.origin or not Path(spec.origin).is_file():
        raise UserError(f"model.source {model.source}: no module {place}; write FILE.py:NAME or package.module:NAME")
    return Path(spec.origin)


def source_digest(model: Custom) -> str:
    """The sha256 of the file that `model.source` names. Other files that it imports do not count."""
    return hashlib.sha256(_content(source_file(model))).hexdigest()


def load_source(model: Custom) -> Any:
    """What `model.source` names: the object NAME of its module, or the module itself where it names none.

    Raises UserError for a file or module that fails, and for a missing NAME, with the nearest that there is.
    """
    place, name = model.parts
    path = source_file(model)
    try:
        module = _executed(path, _content(path)) if place.endswith(".py") else importlib.import_module(place)
    except (Exception, SystemExit) as error:
        raise UserError(f"{path} of model.source fails: {one_line(error)}") from error
    if name and not hasattr(module, name):
        names = [each for each, value in vars(module).items() if callable(value) and not each.startswith("_")]
        near = difflib.get_close_matches(name, names, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise UserError(f"{path} has no {name}{hint}")
    return getattr(module, name) if name else module


def one_line(error: BaseException) -> str:
    """The type and the beginning of the message of `error`, without line ends."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text[:300]}" if text else type(error).__name__


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UserError(f"cannot read {path} of model.source: {error.strerror}") from error


@functools.lru_cache(maxsize=64)  # so that the same content gives the same classes
def _executed(path: Path, content: bytes) -> ModuleType:
    """The module of the file `path` with this `content`."""
    module = ModuleType(f"custom_net_{hashlib.sha256(content).hexdigest()[:16]}")
    module.__file__ = str(path)
    sys.modules[module.__name__] = module  # dataclasses look up their annotations there
    exec(compile(content, str(path), "exec"), vars(module))
    return module
