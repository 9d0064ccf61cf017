"""The comparison of several runs: each is trained if necessary, then all are compared on the same data."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from rich.table import Table

from research.config import Experiment
from research.experiment.compared_entries import Entries, check_comparable, entries_of, ready
from research.experiment.comparison_directory import claimed_directory, write_comparison
from research.experiment.run import ENDED, run
from research.experiment.task import Record, task_of


class Comparison(NamedTuple):
    """Records and rows by name; a row is a run of the comparison, or a baseline, see `task.ComparedRuns`.

    If a run was preempted or diverged, `status` says so, its record is the last one, and there is nothing else.
    """

    status: str
    records: dict[str, Record]
    directory: Path
    rows: dict[str, dict[str, Any]]
    tables: Sequence[Table] = ()
    sentences: Sequence[str] = ()


def compare(
    entries: Sequence[tuple[Experiment, Path] | Path], out: Path | None = None, command: str = ""
) -> Comparison:
    """Compare runs, and write comparison.json, figures/ and comparison.html to `out` (default runs/compare-A-B).

    An entry is a configuration with its run directory, which is trained unless it has ended, or the directory alone of
    a run that has ended; then its data is not needed. `command` is the shell command that the page names.
    Raises UserError before any training, and writes nothing, when the runs differ in seeds, kind or data (then nothing
    can be paired), one lacks its data, its pretrained weights, test examples, or its own directory, or `out` holds
    anything else.
    """
    found = entries_of(entries)
    check_comparable(found)
    directory = claimed_directory(out, [run_dir for _, run_dir, _ in found.values()])
    task = task_of(next(iter(found.values())).config)
    records, status = _records(ready(task, found))
    if status not in ENDED:
        return Comparison(status, records, directory, {})
    compared = task.compare_runs({name: (config, run_dir) for name, (config, run_dir, _) in found.items()}, records)
    write_comparison(directory, found, records, compared, command)
    return Comparison("finished", records, directory, compared.rows, compared.tables, compared.sentences)


def _records(entries: Entries) -> tuple[dict[str, Record], str]:
    """The record of each, trained where it has not ended, up to the first that does not end; and the last status."""
    records: dict[str, Record] = {}
    status = ""
    for name, (config, run_dir, record) in entries.items():
        records[name] = record or run(config, run_dir)
        status = records[name]["status"]
        if status not in ENDED:
            break
    return records, status
