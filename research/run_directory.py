"""The directory of a run: its files, its owner, and a lock so that only one process writes to it.

config.json  record.json  metrics.jsonl  checkpoints/  figures/*.png  report.html
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from filelock import FileLock, Timeout

from research.config import Experiment, RunConfig, fields_of, fingerprint, from_json, identity, to_json
from research.errors import UserError
from research.files import read_json, write_json

T = TypeVar("T", bound=RunConfig)
CONFIG, RECORD, METRICS, REPORT = "config.json", "record.json", "metrics.jsonl", "report.html"
COMPARISON = "comparison.json"  # of the directory of a comparison
GIVEN = "given"  # the folder of the arrays and frames that runs beside it were given
ANOTHER = "another run directory (scripts/train.py --run-dir DIR)"


def default_run_dir(config: RunConfig, shipped: RunConfig) -> Path:
    """`runs/NAME` for an unchanged configuration; with a hash if flags changed it, so that no two collide."""
    changed = identity(config) != identity(shipped)
    return Path("runs", f"{config.name}-{fingerprint(config)}" if changed else config.name)


@contextmanager
def claimed(run_dir: Path, config: RunConfig) -> Iterator[None]:
    """Hold the run directory `run_dir` for `config` while the context lasts, creating it where it is new.

    Raises UserError when it belongs to another configuration, holds other files, is used by another process, or has an
    unusable path.
    """
    _refuse_patterns(run_dir)
    try:
        _refuse_foreign(run_dir, config)
        run_dir.mkdir(parents=True, exist_ok=True)
        lock = FileLock(run_dir / ".lock")
        lock.acquire(blocking=False)
    except Timeout:
        raise UserError(f"another process is training in {run_dir}; wait for it, or choose {ANOTHER}") from None
    except OSError as error:
        raise UserError(f"cannot write to {run_dir}: {error.strerror}; choose {ANOTHER}") from error
    try:
        if not (run_dir / CONFIG).exists():
            write_json(run_dir / CONFIG, to_json(config))
        yield
    finally:
        lock.release()


def read_config(run_dir: Path, family: type[T] = Experiment) -> T:
    """The configuration of the run in `run_dir`, of one of the kinds of `family`; UserError when there is none."""
    if not (run_dir / CONFIG).is_file():
        raise UserError(_no_run(run_dir))
    return from_json(read_json(run_dir / CONFIG), run_dir / CONFIG, family)


def _no_run(path: Path) -> str:
    if path.suffix == ".py" and path.is_file():
        return f"{path} is not a run directory; if it is a configuration, train it with scripts/train.py {path}"
    if not path.exists():
        return f"{path} is not a run directory (there is nothing there); scripts/runs.py lists runs"
    return f"{path} is not a run directory (it has no {CONFIG}); train one with scripts/train.py"


def has_file(run_dir: Path, name: str) -> bool:
    """Whether `run_dir` has the file `name`. False for an unusable path, which `claimed` refuses in words."""
    try:
        return (run_dir / name).is_file()
    except OSError:  # a name that is too long, say
        return False


def checkpoint_folder(run_dir: Path, members: list[int], folds: int = 1) -> Path:
    """The folder of the checkpoints of members, counted up, that were trained together in one program.

    Without several `folds` they are seeds, see `TrainingPlan`.
    """
    return run_dir / "checkpoints" / f"{'members' if folds > 1 else 'seeds'}_{members[0]}_to_{members[-1]}"


def checkpointed_groups(run_dir: Path) -> dict[Path, list[int]]:
    """The folders of checkpoints in `run_dir`, each with the members that were trained together, all counted up."""
    paths = (run_dir / "checkpoints").glob("*_to_*")
    found = [(path, re.fullmatch(r"(?:seeds|members)_(\d+)_to_(\d+)", path.name)) for path in paths]
    groups = {path: list(range(int(match[1]), int(match[2]) + 1)) for path, match in found if match}
    return dict(sorted(groups.items(), key=lambda group: group[1]))


def _refuse_patterns(run_dir: Path) -> None:
    """UserError for wildcards in the path: Orbax finds the files of a checkpoint by a glob pattern."""
    if strange := re.search(r"[\[\]*?\\]", str(run_dir.absolute())):
        raise UserError(
            f"{run_dir.absolute()} has a {strange[0]} in it, and checkpoints there could not be read back; "
            f"choose {ANOTHER}"
        )


def _refuse_foreign(run_dir: Path, config: RunConfig) -> None:
    if not run_dir.exists():
        return
    if not run_dir.is_dir():
        raise UserError(f"{run_dir} is a file; choose {ANOTHER}")
    if (run_dir / CONFIG).exists():
        if identity(found := read_config(run_dir, RunConfig)) != identity(config):
            name, theirs, ours = _first_difference(found, config)
            difference = f"{name} is {theirs!r} there, {ours!r} here"
            raise UserError(f"{run_dir} belongs to another configuration ({difference}); choose {ANOTHER}")
    elif any(path.name != ".lock" and not path.name.startswith(f".{CONFIG}.") for path in run_dir.iterdir()):
        raise UserError(f"{run_dir} holds other files and no {CONFIG}; choose {ANOTHER}")


def refuse_edited(run_dir: Path, trained: dict | None, config: Experiment) -> None:
    """UserError where config.json in `run_dir` was edited: `config` is not the one that was `trained`.

    `trained` is `to_json` of the identity, from a checkpoint; None in checkpoints of earlier versions.
    """
    if trained is not None and (then := from_json(trained)) != identity(config):
        name, before, now = _first_difference(then, config)
        raise UserError(
            f"{run_dir / CONFIG} was edited after training: {name} is {now!r} there, and {before!r} was trained; "
            f"put that back, or train anew in {ANOTHER}"
        )


def _first_difference(one: RunConfig, other: RunConfig) -> tuple[str, Any, Any]:
    """The first field in which two configurations differ, and its values."""
    left, right = fields_of(identity(one)), fields_of(identity(other))
    name = next(name for name in {**left, **right} if left.get(name) != right.get(name))
    return name, left.get(name), right.get(name)
