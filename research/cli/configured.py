"""The configuration of a command: its file or JSON, changed by flags."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, TypeVar, cast

import tyro

from research import config as configuration
from research.cli.model_help import other_models
from research.command_line import parse
from research.config import Experiment, RunConfig, kinds_of
from research.errors import UserError
from research.files import read_json
from research.run_directory import default_run_dir

T = TypeVar("T", bound=RunConfig)
RUN_DIR = "Where the run is written; runs/NAME by default, with a hash when flags change the configuration."


def configured(
    arguments: Sequence[str], about: str, family: type[T] = Experiment, example: str = "configs/digits_cnn.py"
) -> tuple[T, Path]:
    """The configuration that `arguments` describe, CONFIG or --config-json FILE first, and its run directory.

    It is of one of the kinds of `family`; `example` is a shipped one.
    """
    shipped, flags = _shipped(arguments, family, example)

    def chosen(
        config: Annotated[RunConfig, tyro.conf.arg(name="")] = shipped,  # every field of it is a flag
        run_dir: Annotated[str | None, tyro.conf.arg(help=RUN_DIR)] = None,
    ) -> tuple[RunConfig, str | None]:
        return config, run_dir

    asked = bool({"--help", "-h"} & set(flags))
    models = other_models([type(shipped)] if flags != list(arguments) else kinds_of(family), shipped) if asked else ""
    # Without flags, not to parse saves 0.07 s.
    config, run_dir = parse(chosen, flags, about=about, more=models) if flags else chosen()
    config = cast(T, configuration.validated(config))  # tyro keeps the type of its default
    return config, Path(run_dir) if run_dir else default_run_dir(config, shipped)


def _shipped(arguments: Sequence[str], family: type[T], example: str) -> tuple[T, list[str]]:
    flags = list(arguments)
    if flags and flags[0].startswith("--config-json"):
        name = flags.pop(0).partition("=")[2] or (flags.pop(0) if flags else "")
        if not name:
            raise UserError("--config-json needs a file, the config.json of a run")
        return configuration.from_json(read_json(name), name, family), flags
    if flags and not flags[0].startswith("-"):
        return configuration.load(flags[0], family), flags[1:]
    if {"--help", "-h"} & set(flags):
        return kinds_of(family)[0](name="NAME"), flags
    raise UserError(f"a configuration comes first, for example {example} (or --config-json FILE)")
