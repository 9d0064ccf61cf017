"""`microscope.py RUN|CONFIG|WEIGHTS`"""

import dataclasses
import shlex
from collections.abc import Sequence
from typing import Annotated

import tyro

from research.command_line import parse
from research.config import Microscope, within_bounds


@dataclasses.dataclass(frozen=True)
class Flags:
    """The net to examine, and how."""

    target: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="RUN|CONFIG|WEIGHTS")]
    """A run's directory, a configuration, a weight file of VGG16 or SqueezeNet, or the name of one of these two."""
    look: tyro.conf.OmitArgPrefixes[Microscope] = dataclasses.field(default_factory=Microscope)
    out: str | None = None
    """Where the page is written; RUN/microscope by default, or runs/NAME-microscope."""
    root: Annotated[str | None, tyro.conf.arg(name="data.root")] = None
    """The folder of data and weights; $RESEARCH_DATA by default."""
    partial: bool = False
    """Accept a weight file without all layers, and show those that it has."""


def microscope(arguments: Sequence[str]) -> int:
    """Show what each filter of a net responds to: exemplars, real patches, and tests of hypotheses."""
    flags = parse(Flags, arguments, about=microscope.__doc__ or "")
    within_bounds(flags.look)
    from research.experiment.microscope import microscope as look  # imports jax, which --help need not wait for

    command = shlex.join(["python", "scripts/microscope.py", *arguments])
    print(look(flags.target, flags.look, out=flags.out, root=flags.root, partial=flags.partial, command=command))
    return 0
