"""`compare.py CONFIG|RUN... [--vary FIELD VALUE...] [--out DIR] [--FIELD VALUE ...]`"""

import dataclasses
import difflib
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import tyro

from research.cli.compare_words import VARY, Words, taken_apart
from research.cli.configured import configured
from research.cli.variations import variations
from research.command_line import EXIT_CODES, parse
from research.config import Experiment
from research.errors import UserError

ABOUT = """compare.py CONFIG|RUN... [--vary FIELD VALUE...] [--out DIR] [--FIELD VALUE ...]: train each
configuration (or take its run), and take each run directory as it is; then write one page with a table, the differences
paired by seed, and figures. Flags after the configurations apply to all of them; train.py CONFIG --help lists them.

--vary optimizer.learning-rate 1e-3 3e-3 trains the one CONFIG with each value; commas join the parts of a tuple: --vary
model.hidden 64,64 128."""


@dataclasses.dataclass(frozen=True)
class Flags:
    """The flags of compare.py itself; all others are those of train.py and apply to every configuration."""

    out: str | None = None
    """Where the comparison is written; runs/compare-A-B by default."""
    vary: Annotated[tuple[str, ...], tyro.conf.arg(metavar="FIELD VALUE...")] = ()
    """A field and its values, a run for each; with several --vary, a run for each combination."""


def compare(arguments: Sequence[str]) -> int:
    """Train what is not trained, compare, and show the tables; exit code 1 when a run diverged, 75 when preempted."""
    if {"-h", "--help"} & set(arguments):
        parse(Flags, ["--help"], about=ABOUT)
    words = taken_apart(arguments)
    entries = _entries(words)
    from research import experiment  # imports jax, which --help and mistakes need not wait for

    command = shlex.join(["python", "scripts/compare.py", *arguments])
    found = experiment.compare(entries, None if words.out is None else Path(words.out), command)
    if found.rows:
        _show(found.tables, found.sentences, found.directory)
    else:
        print(f"{list(found.records)[-1]}: {found.status}, so there is nothing to compare", file=sys.stderr)
    return EXIT_CODES[found.status]


def _entries(words: Words) -> list[tuple[Experiment, Path] | Path]:
    """A run's directory as it is, and a configuration with the directory of its run."""
    configs = [place for place in words.places if not Path(place).is_dir()]
    if words.vary:
        if configs != words.places or len(configs) != 1:
            raise UserError(f"--vary takes one configuration before it: configs/digits_cnn.py {VARY}")
        return [*variations(configs[0], words.vary, words.flags, ABOUT)]
    if len(words.places) < 2:
        raise UserError(
            "give two configurations or runs, or more, and flags after them; try configs/digits_*.py, or "
            "one configuration and --vary FIELD VALUE VALUE"
        )
    if words.flags and not configs:
        raise UserError(f"{words.flags[0]} changes configurations, and only runs are given; leave it away")
    for place in configs:
        _refuse_missing(place)
    return [configured([place, *words.flags], ABOUT) if place in configs else Path(place) for place in words.places]


def _refuse_missing(place: str) -> None:
    """UserError where `place` is no file, and not named like a configuration, whose own message is better."""
    if place.endswith(".py") or Path(place).exists():
        return
    near = difflib.get_close_matches(Path(place).name, [run.name for run in Path(place).parent.glob("*/")], n=1)
    hint = f"; did you mean {Path(place).with_name(near[0])}?" if near else "; scripts/runs.py lists runs"
    raise UserError(f"there is no run directory or configuration {place}{hint}")


def _show(tables: Sequence, sentences: Sequence[str], directory: Path) -> None:
    from rich.console import Console

    from research.report.tables import fits, names_folded

    console = Console(width=80)
    for table in tables:
        if fits(table):
            console.print(names_folded(table))
        else:
            print("the tests of all pairs are too wide for a terminal; the page has them")
    for sentence in sentences:
        console.print(f"{sentence}.", highlight=False, markup=False)
    print(f"comparison: {directory / 'comparison.html'}")
