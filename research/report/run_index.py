"""The index of a folder of runs: of each its status, its score, and the settings in which it differs from others."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from rich.table import Table

from research.config import RunConfig, fields_of, identity
from research.errors import UserError
from research.files import read_json
from research.report import formats
from research.report.record import STATUSES, measured, series_unit
from research.report.tables import folded, table
from research.run_directory import COMPARISON, CONFIG, GIVEN, RECORD, read_config

HEADLINES = ("accuracy", "mae")  # the first that a record has
SETTINGS = 4  # that are named
WIDTH = 20  # characters of a name and of a setting, which the other columns leave of 80


class IndexEntry(NamedTuple):
    """A run, or a comparison, which has no fields.

    name    the path below the folder of the index
    status  that of the record; `unfinished` without one, or `comparison`
    fields  the configuration, {field: value}
    """

    name: str
    status: str
    score: str
    ended: datetime
    fields: Mapping[str, Any]
    runs: Sequence[str] = ()  # those of a comparison


def index_of(folder: Path) -> tuple[list[IndexEntry], list[str]]:
    """The runs and comparisons below `folder`, by name; and a line for each directory that is damaged or neither.

    UserError where there is no such folder.
    """
    if not folder.is_dir():
        raise UserError(f"there is no folder {folder}; scripts/train.py makes runs/ with the first run")
    if _is_entry(folder):
        raise UserError(f"{folder} is a run itself; name the folder that it is in: {folder.absolute().parent}")
    entries, strange = [], []
    for path in _directories(folder):
        name = path.relative_to(folder).as_posix()
        try:
            found = _entry(path, name)
        except (UserError, OSError, KeyError, TypeError, ValueError, AttributeError) as error:
            strange.append(f"{name} is damaged: {error}")
            continue
        if found is None and path.name == GIVEN:
            continue
        if found is None:
            strange.append(f"{name} is no run: it has no {CONFIG}")
        else:
            entries.append(found)
    return entries, strange


def _directories(folder: Path) -> Iterator[Path]:
    """The runs and comparisons below `folder`, and the folders directly below it that hold neither."""
    for path in sorted(each for each in folder.iterdir() if each.is_dir() and not each.is_symlink()):
        if _is_entry(path):
            yield path
        else:
            below = [each for each in _directories(path) if _is_entry(each)]
            yield from below or [path]


def _is_entry(path: Path) -> bool:
    return (path / CONFIG).is_file() or (path / COMPARISON).is_file()


def _entry(path: Path, name: str) -> IndexEntry | None:
    if (path / COMPARISON).is_file():
        runs = [run["name"] for run in read_json(path / COMPARISON)["runs"]]
        return IndexEntry(name, "comparison", "", _ended(path / COMPARISON), {}, runs)
    if not (path / CONFIG).is_file():
        return None
    fields = fields_of(identity(read_config(path, RunConfig)))
    if not (path / RECORD).is_file():
        return IndexEntry(name, "unfinished", "", _ended(path / CONFIG), fields)
    record = read_json(path / RECORD)
    if record["status"] not in STATUSES:
        raise UserError(f"its status is {record['status']!r:.40}")
    return IndexEntry(name, record["status"], _score(record), _ended(path / RECORD), fields)


def _ended(path: Path) -> datetime:
    return datetime.fromtimestamp(path.stat().st_mtime)


def _score(record: Mapping[str, Any]) -> str:
    """`97.38% ± 0.15 accuracy`: the first of `HEADLINES` on test, or on the split that there is; empty without any."""
    metrics = record.get("metrics", {})
    for split in ("test", "validation", "train"):
        for metric in HEADLINES:
            if metric in metrics.get(split, {}):
                value = formats.metric(metric, measured(record, split, metric)["value"])
                where = "" if split == "test" else f"\n{split}"
                return f"{value}\n{formats.metric_label(metric, series_unit(record))}{where}"
    return ""


def index_table(entries: Sequence[IndexEntry]) -> Table:
    """The index, newest last, in 80 columns. Of the settings those are named that differ from most other runs."""
    settings = odd_settings(entries)
    rows = [
        (
            folded(entry.name, WIDTH),
            "\n".join(folded(line, WIDTH) for line in _lines(entry, settings[entry.name])),
            entry.status.replace(" ", "\n"),
            entry.score or formats.MISSING,
            f"{entry.ended:%Y-%m-%d}\n{entry.ended:%H:%M}",
        )
        for entry in sorted(entries, key=lambda entry: entry.ended)
    ]
    return table(("Run", "Settings", "Status", "Score", "Ended"), rows, words=3)


def _lines(entry: IndexEntry, settings: Mapping[str, Any]) -> list[str]:
    """The settings of a run in words, or the runs of a comparison, at most `SETTINGS` of them.

    Where the name of a comparison has all of its runs, their number is enough.
    """
    if entry.runs and Path(entry.name).name == "-".join(("compare", *entry.runs)):
        return [f"{len(entry.runs)} runs"]
    named = list(entry.runs) or [f"{field} {formats.setting(value)}" for field, value in settings.items()]
    more = len(named) - SETTINGS
    return [*named[:SETTINGS], f"and {more} more"] if more > 0 else named


def odd_settings(entries: Sequence[IndexEntry]) -> dict[str, dict[str, Any]]:
    """{name: {field: value}}: where a run differs from most of the runs on the same kind and source of data.

    The commonest value of a field is not named; where several are equally common, the first run's.
    """
    groups: dict[tuple[Any, Any], list[IndexEntry]] = {}
    for entry in entries:
        groups.setdefault((entry.fields.get("kind"), entry.fields.get("data.source")), []).append(entry)
    found = {}
    for group in groups.values():
        common = _common(group)
        for entry in group:
            found[entry.name] = {
                field: value
                for field, value in entry.fields.items()
                if field != "name" and json.dumps(value) != common.get(field)
            }
    return found


def _common(group: Sequence[IndexEntry]) -> dict[str, str]:
    """The commonest value of each field, as JSON."""
    counts: dict[str, Counter[str]] = {}
    for entry in group:
        for field, value in entry.fields.items():
            counts.setdefault(field, Counter())[json.dumps(value)] += 1
    return {field: count.most_common(1)[0][0] for field, count in counts.items()}
