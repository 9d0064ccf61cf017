"""The directory of a comparison: comparison.json  figures/*.png  comparison.html"""

import hashlib
import os
import re
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from research.config import Experiment, fields_of, identity
from research.errors import UserError
from research.experiment.compared_entries import Entries
from research.experiment.task import ComparedRuns, Record
from research.files import check_writable, read_json, write_bytes, write_json, write_text
from research.report.comparison_page import render
from research.report.environment import environment
from research.run_directory import COMPARISON, REPORT

PAGE = "comparison.html"
LONGEST = 80  # characters of a directory's name, which most terminals and all file systems hold


def claimed_directory(out: Path | None, run_dirs: Sequence[Path]) -> Path:
    """The directory of the comparison of `run_dirs`: `out`, or runs/compare-A-B. Makes nothing yet.

    Raises UserError where it cannot be written, or holds other files or the comparison of other runs.
    """
    directory = Path("runs", _default_name(run_dirs)) if out is None else out
    if directory.exists() and not directory.is_dir():
        raise UserError(f"{directory} is a file; choose another --out")
    if (directory / COMPARISON).is_file():
        if _directories_in(directory) != [_relative(run_dir, directory) for run_dir in run_dirs]:
            raise UserError(f"{directory} is the comparison of other runs; delete it, or choose another --out")
    elif directory.exists() and any(directory.iterdir()):
        raise UserError(f"{directory} holds other files and no {COMPARISON}; choose another --out")
    check_writable(directory / COMPARISON)
    return directory


def _default_name(run_dirs: Sequence[Path]) -> str:
    names = [re.sub(r"[^\w.-]", "_", run_dir.absolute().name) for run_dir in run_dirs]
    whole = "-".join(("compare", *names))
    if len(whole) <= LONGEST:
        return whole
    digest = hashlib.sha256("\0".join(str(run_dir.absolute()) for run_dir in run_dirs).encode()).hexdigest()[:8]
    return f"compare-{names[0][: LONGEST // 2]}-and-{len(names) - 1}-more-{digest}"


def _directories_in(directory: Path) -> list[str]:
    try:
        return [run["directory"] for run in read_json(directory / COMPARISON)["runs"]]
    except (UserError, KeyError, TypeError) as error:
        raise UserError(f"{directory / COMPARISON} is damaged; delete it, or choose another --out") from error


def _relative(run_dir: Path, directory: Path) -> str:
    """The path of `run_dir` from `directory`, so that both can move together."""
    return Path(os.path.relpath(run_dir.absolute(), directory.absolute())).as_posix()


def write_comparison(
    directory: Path, entries: Entries, records: Mapping[str, Record], compared: ComparedRuns, command: str
) -> None:
    """Write the figures, comparison.html, and last comparison.json to `directory`."""
    document = _document(directory, entries, records, compared, command)
    for name, png in compared.figures.items():
        write_bytes(directory / "figures" / f"{_file_name(name)}.png", png)
    reports = [run["directory"] + f"/{REPORT}" for run in document["runs"]]
    there = [report if (directory / report).is_file() else None for report in reports]
    page = render(document, compared.tables, compared.figures, dict(zip(entries, there, strict=True)))
    write_text(directory / PAGE, page)
    write_json(directory / COMPARISON, document)


def _document(
    directory: Path, entries: Entries, records: Mapping[str, Record], compared: ComparedRuns, command: str
) -> dict[str, Any]:
    """comparison.json as a dict of plain values."""
    first = next(iter(records.values()))
    return {
        "runs": [_run(name, entries[name].run_dir, directory, records[name]) for name in entries],
        "metric": compared.metric,
        "unit": compared.unit,
        "rows": list(compared.rows.values()),
        "differences": compared.differences,
        "sentences": compared.sentences,
        "settings": differing_settings({name: config for name, (config, _, _) in entries.items()}),
        "data": {name: first["data"][name] for name in ("name", "fingerprint", "sizes")},
        "command": command or _command(entries, directory),
        **environment(),
    }


def _run(name: str, run_dir: Path, directory: Path, record: Record) -> dict[str, Any]:
    taken = ("experiment", "seed", "status", "device", "commit")
    return {"name": name, "directory": _relative(run_dir, directory)} | {field: record[field] for field in taken}


def _command(entries: Entries, directory: Path) -> str:
    run_dirs = [str(run_dir) for _, run_dir, _ in entries.values()]
    return shlex.join(["python", "scripts/compare.py", *run_dirs, "--out", str(directory)])


def differing_settings(configs: Mapping[str, Experiment]) -> dict[str, dict[str, Any]]:
    """{field: {run: value}} of the fields in which configurations differ; a run whose net lacks a field is left out.

    Names differ always, and fields that do not change the result do not count.
    """
    settings = {name: fields_of(identity(config)) for name, config in configs.items()}
    fields = dict.fromkeys(field for each in settings.values() for field in each if field != "name")
    found = {field: {name: each[field] for name, each in settings.items() if field in each} for field in fields}
    return {
        field: values
        for field, values in found.items()
        if len(values) < len(settings) or any(value != next(iter(values.values())) for value in values.values())
    }


def _file_name(name: str) -> str:
    """The name of a figure as a file's name: `losses of mse` is losses-of-mse."""
    return re.sub(r"[^\w.]+", "-", name).strip("-")
