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
    """Whose filters, and how they are looked at."""

    target: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="RUN|CONFIG|WEIGHTS")]
    """The directory of a trained run, a configuration file, a file of weights of VGG16 or SqueezeNet, or vgg16 or
    squeezenet alone, whose file is then looked for."""
    look: tyro.conf.OmitArgPrefixes[Microscope] = dataclasses.field(default_factory=Microscope)
    out: str | None = None
    """Where the page is written; RUN/microscope by default, or runs/NAME-microscope."""
    root: Annotated[str | None, tyro.conf.arg(name="data.root")] = None
    """Where data and weights lie; $RESEARCH_DATA when not given."""
    partial: bool = False
    """Take a weight file that lacks layers, and look at those that it has."""


def microscope(arguments: Sequence[str]) -> int:
    """See what each filter of a net responds to: made pictures, real patches, and tests of hypotheses about it."""
    flags = parse(Flags, arguments, about=microscope.__doc__ or "")
    within_bounds(flags.look)
    from research.experiment.microscope import microscope as look  # imports jax, which --help need not wait for

    command = shlex.join(["python", "scripts/microscope.py", *arguments])
    print(look(flags.target, flags.look, out=flags.out, root=flags.root, partial=flags.partial, command=command))
    return 0
