"""Configurations as documents: from a Python file, to JSON and back, and their fingerprints."""

import dataclasses
import difflib
import functools
import hashlib
import importlib.util
import json
import operator
from pathlib import Path
from typing import Annotated, Any, TypeVar, cast

import pydantic

from research.config.bounds import RunConfig
from research.config.experiment import Experiment
from research.config.images import own_net, with_own_net
from research.errors import UserError

T = TypeVar("T", bound=RunConfig)
E = TypeVar("E", bound=Experiment)
S = TypeVar("S", bound=Any)
RENAMED = {"model.calm": "model.zero_init_head"}  # {field of earlier versions: its name now}
IN_PYTHON = {  # what pydantic calls by its name in JSON
    "tuple_type": ", in Python a tuple, of one value (VALUE,)",
    "dict_type": ", in Python a call such as Conv(8) or Optimizer()",
}


def to_json(config: RunConfig) -> dict[str, Any]:
    """The configuration as plain JSON values; `from_json` gives an equal one back."""
    return json.loads(_adapter(type(config)).dump_json(config))


def fields_of(config: RunConfig) -> dict[str, Any]:
    """The JSON values of all fields of `config` by their full names, `train.epochs`."""
    return _flat(to_json(config), "")


def kinds_of(family: type[T]) -> list[type[T]]:
    """The kinds of `family`: of `Experiment` those of experiments, of `RunConfig` those of all families."""
    kinds = [kind for each in family.__subclasses__() for kind in kinds_of(each)]
    return kinds or [family]


def from_json(document: Any, file: Path | str | None = None, family: type[T] = Experiment) -> T:
    """The configuration in `document`, of one of the kinds of `family`.

    Raises UserError naming the first field that is unknown or of a wrong type, and the `file` that it was read from.
    """
    try:
        return _adapter(*kinds_of(family)).validate_json(json.dumps(document))
    except pydantic.ValidationError as error:
        mistake = _first_mistake(error, document)
        raise UserError(f"{file}: {mistake}" if file else mistake) from error


def validated(config: T) -> T:
    """`config` when every value is within its bounds; else UserError naming the first that is not.

    Values are converted to the types of their fields: a list from JSON becomes a tuple.
    """
    try:
        found = cast(T, from_json(dataclasses.asdict(config), family=RunConfig))
    except (TypeError, ValueError) as error:  # json.dumps of values that JSON cannot hold
        raise UserError(f"the configuration holds a value that JSON cannot: {error}") from error
    if found.seed + found.seeds > 2**31:
        raise UserError(f"seeds count up from seed {found.seed} to beyond 2**31 - 1; choose a smaller --seed")
    return found


def within_bounds(section: S) -> S:
    """`section`, a dataclass outside a configuration, when all values are within bounds; else UserError."""
    document = dataclasses.asdict(section)
    try:
        pydantic.TypeAdapter(type(section)).validate_json(json.dumps(document))
    except pydantic.ValidationError as error:
        raise UserError(_first_mistake(error, document)) from error
    return section


def relocated(config: E, root: str | None) -> E:
    """`config` with its data under `root`; unchanged when that is None."""
    return config if root is None else dataclasses.replace(config, data=dataclasses.replace(config.data, root=root))


def identity(config: T) -> T:
    """`config` without the fields that do not change the result: data.root, checkpoint_seconds, published.

    The folder of a custom net's file is left out as well; checkpoints hold a digest of its content.
    """
    if not isinstance(config, Experiment):
        return config
    model = getattr(config, "model", None)
    if own := own_net(model):
        model = with_own_net(model, dataclasses.replace(own, source=own.label))
        config = dataclasses.replace(config, model=model)  # pyright: ignore[reportCallIssue]
    return dataclasses.replace(
        config,
        data=dataclasses.replace(config.data, root=None),
        train=dataclasses.replace(config.train, checkpoint_seconds=0.0),
        published=None,
    )


def fingerprint(config: RunConfig) -> str:
    """The first 8 hex digits of the sha256 of the JSON of `identity(config)`."""
    return hashlib.sha256(json.dumps(to_json(identity(config)), sort_keys=True).encode()).hexdigest()[:8]


def load(path: str, family: type[T] = Experiment) -> T:
    """The result of `get_config()` in the file at `path`, of one of the kinds of `family`.

    The file of a custom net is looked for beside `path`, then in the working directory. Raises UserError when there is
    no such file or function.
    """
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
    if not isinstance(config, family):
        wanted = f"research.config.{family.__name__}"
        raise UserError(f"get_config() in {path} returns {type(config).__name__}, not a {wanted}")
    try:
        return _with_net_file(validated(config), file.parent)
    except UserError as error:
        raise UserError(f"{path}: {error}") from error


def _with_net_file(config: T, folder: Path) -> T:
    """`config` with the whole path of its custom net's file, which lies in `folder` or the working directory."""
    model = getattr(config, "model", None)
    own = own_net(model)
    if own is None or not own.parts[0].endswith(".py"):
        return config
    name = Path(own.parts[0]).expanduser()
    found = next((path for path in (folder / name, name) if path.is_file()), None)
    if found is None:
        looked = " and ".join(map(str, dict.fromkeys((folder.resolve(), Path.cwd()))))
        raise UserError(f"no file {name} of model.source (looked in {looked})")
    source = ":".join(filter(None, (str(found.absolute()), own.parts[1])))
    model = with_own_net(model, dataclasses.replace(own, source=source))
    return dataclasses.replace(config, model=model)  # pyright: ignore[reportCallIssue]


@functools.cache
def _adapter(*kinds: type[T]) -> pydantic.TypeAdapter[T]:
    """The adapter that reads and writes configurations of these kinds; `kind` in the document chooses among several."""
    if len(kinds) == 1:
        return pydantic.TypeAdapter(kinds[0])
    either: Any = functools.reduce(operator.or_, kinds)
    return pydantic.TypeAdapter(Annotated[either, pydantic.Field(discriminator="kind")])  # pyright: ignore


def _flat(document: dict[str, Any], prefix: str) -> dict[str, Any]:
    found = {}
    for name, value in document.items():
        found |= _flat(value, f"{prefix}{name}.") if isinstance(value, dict) else {prefix + name: value}
    return found


def _first_mistake(error: pydantic.ValidationError, document: Any) -> str:
    first = error.errors()[0]
    field = _field_name(first["loc"], document)
    if field in RENAMED:
        return f"configuration field {field} is called {RENAMED[field]} now; rename it"
    wanted = f"{first['msg']}{IN_PYTHON.get(first['type'], '')}"
    return f"configuration field {field or '(root)'}: {wanted} (got {first['input']!r:.60})"


def _field_name(location: tuple[int | str, ...], value: Any) -> str:
    """`model.hidden.0`, without the kinds that pydantic adds to the location of a mistake in `value`."""
    names = []
    for part in location:
        if isinstance(value, dict) and value.get("kind") == part:
            continue
        names.append(str(part))
        if isinstance(value, dict):
            value = value.get(part)
        else:
            value = value[part] if isinstance(value, list | tuple) and isinstance(part, int) else None
    return ".".join(names)
