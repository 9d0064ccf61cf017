"""Configurations as documents: from a file of Python, to JSON and back, told apart by what they are."""

import dataclasses
import difflib
import hashlib
import importlib.util
import json
from pathlib import Path
from typing import Annotated, Any, TypeVar, cast

import pydantic

from research.config.experiment import Experiment
from research.errors import UserError

T = TypeVar("T", bound=Experiment)
S = TypeVar("S", bound=Any)
_KINDS = ("images", "series", "dense", "cnn", "pretrained", "recurrent")  # which pydantic names in places of mistakes
RENAMED = {"model.calm": "model.zero_init_head"}  # fields of earlier versions, and what they are called now
_ADAPTER: pydantic.TypeAdapter[Experiment] = pydantic.TypeAdapter(
    Annotated[Experiment, pydantic.Field(discriminator="kind")]
)


def to_json(config: Experiment) -> dict[str, Any]:
    """The configuration as plain JSON values; `from_json` gives an equal one back."""
    return json.loads(_ADAPTER.dump_json(config))


def from_json(document: Any, file: Path | str | None = None) -> Experiment:
    """The configuration in `document`; raises UserError naming the first field that is unknown or of a wrong type.

    Where the document was read from a `file`, the error names that, too.
    """
    try:
        return _ADAPTER.validate_json(json.dumps(document))
    except pydantic.ValidationError as error:
        raise UserError(f"{file}: {_first_mistake(error)}" if file else _first_mistake(error)) from error


def validated(config: T) -> T:
    """`config` when every value is within its bounds; else UserError naming the first that is not.

    What JSON does not tell apart comes out in the type that it is meant to have: a list as a tuple.
    """
    try:
        found = cast(T, from_json(dataclasses.asdict(config)))
    except (TypeError, ValueError) as error:  # json.dumps on what JSON cannot hold
        raise UserError(f"the configuration holds a value that JSON cannot: {error}") from error
    if found.seed + found.seeds > 2**31:
        raise UserError(f"seeds count up from seed {found.seed} to beyond 2**31 - 1; choose a smaller --seed")
    return found


def within_bounds(section: S) -> S:
    """`section`, a dataclass of no configuration, when all is within its bounds; else UserError as `validated`."""
    try:
        pydantic.TypeAdapter(type(section)).validate_json(json.dumps(dataclasses.asdict(section)))
    except pydantic.ValidationError as error:
        raise UserError(_first_mistake(error)) from error
    return section


def relocated(config: T, root: str | None) -> T:
    """`config` with its data under `root`, or where it was when that is None."""
    return config if root is None else dataclasses.replace(config, data=dataclasses.replace(config.data, root=root))


def identity(config: T) -> T:
    """`config` without what has no influence on the result: where data lies, when it is saved, what others report."""
    return dataclasses.replace(
        config,
        data=dataclasses.replace(config.data, root=None),
        train=dataclasses.replace(config.train, checkpoint_seconds=0.0),
        published=None,
    )


def fingerprint(config: Experiment) -> str:
    """The first 8 hex digits of the sha256 of the JSON of what `config` is, by `identity`."""
    return hashlib.sha256(json.dumps(to_json(identity(config)), sort_keys=True).encode()).hexdigest()[:8]


def load(path: str) -> Experiment:
    """What `get_config()` in the file at `path` returns; UserError when there is no such file or function."""
    file = Path(path)
    if not file.is_file():
        near = difflib.get_close_matches(file.stem, [p.stem for p in file.parent.glob("*.py")], n=1)
        hint = f"; did you mean {file.with_name(near[0] + '.py')}?" if near else ""
        raise UserError(f"no configuration file {path}{hint}")
    spec = importlib.util.spec_from_file_location(f"config_{file.stem}", file)
    if spec is None or spec.loader is None:
        raise UserError(f"{path} is not a Python file; a configuration is one with get_config()")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
        config = module.get_config()
    except (Exception, SystemExit) as error:
        raise UserError(f"{path} fails: {type(error).__name__}: {error}") from error
    if not isinstance(config, Experiment):
        raise UserError(f"get_config() in {path} returns {type(config).__name__}, not a research.config.Experiment")
    try:
        return validated(config)
    except UserError as error:
        raise UserError(f"{path}: {error}") from error


def _first_mistake(error: pydantic.ValidationError) -> str:
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"] if part not in _KINDS)
    if place in RENAMED:
        return f"configuration field {place} is called {RENAMED[place]} now; rename it"
    return f"configuration field {place or '(root)'}: {first['msg']} (got {first['input']!r:.60})"
