"""One configuration with several settings: a variation for each combination of the values of `--vary`."""

import itertools
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from research.cli.configured import configured
from research.config import Experiment, fingerprint, identity
from research.errors import UserError

LONGEST_NAME = 100  # characters, see `config.bounds.Name`


def variations(
    place: str, vary: Sequence[tuple[str, list[str]]], flags: Sequence[str], about: str
) -> list[tuple[Experiment, Path]]:
    """The configuration `place`, changed by `flags`, once for each combination of the values in `vary`, with run
    directories.

    A variation is named NAME-LEAF-VALUE, LEAF the last part of a field, and so is its run directory; a hash follows
    where `flags` change the configuration. Raises UserError for a field that there is not, and a value that is wrong.
    """
    base, shipped = (configured([place, *each], about)[0] for each in (flags, ()))
    hashed = identity(base) != identity(shipped)
    found = []
    for values in itertools.product(*(values for _, values in vary)):
        chosen = [(field, value) for (field, _), value in zip(vary, values, strict=True)]
        varied = [word for field, value in chosen for word in _flag(base, field, value)]
        name = "-".join([base.name, *(_part(field, value) for field, value in chosen)])
        config, _ = configured([place, *flags, *varied, "--name", _checked(name)], about)
        found.append((config, Path("runs", f"{name}-{fingerprint(config)}" if hashed else name)))
    _refuse_same([config.name for config, _ in found])
    return found


def _flag(config: Experiment, field: str, value: str) -> list[str]:
    """The words of the command line that set `field`: a tuple is split at commas, and true and false are flags."""
    flag, now = f"--{field.replace('_', '-')}", _value_of(config, field)
    if isinstance(now, bool) and value.lower() in ("true", "false"):
        section, dot, leaf = flag.removeprefix("--").rpartition(".")
        return [flag if value.lower() == "true" else f"--{section}{dot}no-{leaf}"]
    return [flag, *(value.split(",") if value else ())] if isinstance(now, tuple) else [flag, value]


def _value_of(config: Experiment, field: str) -> Any:
    """The value of `field` in `config`; None where it has no such field, which the command line's parser names."""
    value: Any = config
    for part in field.replace("-", "_").split("."):
        value = getattr(value, part, None)
    return value


def _part(field: str, value: str) -> str:
    leaf = field.rpartition(".")[2].replace("_", "-")
    allowed = re.sub(r"[^\w.-]", "_", value) or "none"
    return f"{leaf}-{allowed}"


def _checked(name: str) -> str:
    if len(name) > LONGEST_NAME:
        raise UserError(f"the name {name} is longer than {LONGEST_NAME} characters; vary fewer fields, or give --name")
    return name


def _refuse_same(names: Sequence[str]) -> None:
    if twice := next((name for name in names if names.count(name) > 1), ""):
        raise UserError(f"two variations would be named {twice}; vary one field after the other")
