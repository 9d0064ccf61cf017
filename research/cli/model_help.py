"""The flags of the models that a configuration lacks, for --help: only its file can choose another kind of model."""

import contextlib
import dataclasses
import re
import typing
from collections.abc import Sequence
from typing import Any

import tyro

from research.config import RunConfig
from research.help_text import captured, without_empty_defaults


def other_models(kinds: Sequence[type[RunConfig]], shown: RunConfig) -> str:
    """The flags of every model that configurations of `kinds` may have, but for the model of `shown`."""
    known = {type(getattr(shown, "model", None))}
    return "".join(
        f"\nIn a configuration with model={model.__name__}(...):\n{_flags(model)}\n"
        for kind in kinds
        for model in _models(kind)
        if model not in known
    )


def _models(kind: type[RunConfig]) -> list[type[Any]]:
    """The dataclasses that the field `model` of `kind` takes; none where it has no such field."""
    hint = typing.get_type_hints(kind).get("model")
    return [
        each for each in (hint, *typing.get_args(hint)) if isinstance(each, type) and dataclasses.is_dataclass(each)
    ]


def _flags(model: type[Any]) -> str:
    """The box of `--model.*` flags in the help that tyro makes of `model`."""

    def command(model: Any) -> None: ...

    command.__annotations__["model"] = model
    text = captured()
    with contextlib.redirect_stdout(text), contextlib.suppress(SystemExit):
        tyro.cli(command, args=["--help"], description="", config=(tyro.conf.AvoidSubcommands,))
    text.seek(0)
    return without_empty_defaults(re.split(r"^(?=.*model options)", text.read(), maxsplit=1, flags=re.MULTILINE)[-1])
