"""One measurement of double descent, from its configuration to its record, figures and page."""

import shlex
from pathlib import Path
from typing import Any

from research import runtime
from research.config import DoubleDescent, EpochDescent, WidthDescent, to_json, validated
from research.errors import UserError
from research.experiment.double_descent import epoch_page, epochs, width_page, widths
from research.experiment.double_descent.digits import data_fields, seeds_of
from research.experiment.double_descent.parts import Arrays, Parts
from research.files import npz_bytes, read_json, write_bytes, write_json, write_text
from research.report.double_descent import figure, render
from research.report.progress import counting
from research.run_directory import CONFIG, RECORD, REPORT, claimed, default_run_dir, has_file

CURVES, PARTS = "curves.npz", "parts"
MODULES = {WidthDescent: (widths, width_page), EpochDescent: (epochs, epoch_page)}


def measure(config: DoubleDescent, run_dir: Path | str | None = None) -> dict[str, Any]:
    """Measure `config` in the run directory `run_dir` (default runs/NAME); returns its record.json.

    A run that was cut off goes on with the first part that is not saved; a finished one is not measured again. The
    record is written last, after parts/, curves.npz, figures/ and report.html. Raises UserError for an unusable
    configuration or run directory before anything is written.
    """
    runtime.prepare()
    config = validated(config)
    if type(config) not in MODULES:
        raise UserError(f"{type(config).__name__} is no kind of double descent that can be measured")
    computing, showing = MODULES[type(config)]
    computing.check(config)
    run_dir = default_run_dir(config, config) if run_dir is None else Path(run_dir)
    with claimed(run_dir, config):
        if has_file(run_dir, RECORD):
            return read_json(run_dir / RECORD)
        parts = Parts(run_dir / PARTS)
        with counting("programs") as show:
            curves = computing.curves(config, parts, show)
        record = _record(config, showing.peaks(config, curves), parts)
        return _written(run_dir, config, curves, record, showing.page(config, curves))


def _record(config: DoubleDescent, peaks: list[dict[str, Any]], parts: Parts) -> dict[str, Any]:
    fields = {"experiment": config.name, "seeds": list(seeds_of(config)), "peaks": peaks}
    fields |= {"seconds": {"total": parts.seconds}, "data": data_fields(config)}
    return fields | parts.computed_by | {"status": "finished"}


def _written(
    run_dir: Path, config: DoubleDescent, curves: Arrays, record: dict[str, Any], sections: list
) -> dict[str, Any]:
    write_bytes(run_dir / CURVES, npz_bytes(curves))
    figures = {section.name: figure(section.panels) for section in sections}
    for name, content in figures.items():
        write_bytes(run_dir / "figures" / f"{name}.png", content)
    command = f"python scripts/double_descent.py --config-json {shlex.quote(str(run_dir / CONFIG))} --run-dir AGAIN"
    write_text(run_dir / REPORT, render(record, command, to_json(config), sections, figures))
    write_json(run_dir / RECORD, record)
    return read_json(run_dir / RECORD)
