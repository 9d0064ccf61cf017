"""A classifier in the terminal: its data before training, and its tables after."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from rich.table import Table

from research.data.images.pixel_range import describe_range
from research.evaluation.classification import Classification
from research.experiment.histories import headline_split
from research.experiment.images.build import SPLITS, ImagePlan
from research.experiment.images.preprocessing import read_preprocessing
from research.report import tables


def describe_data(plan: ImagePlan) -> list[str]:
    """Lines about the data."""
    data = plan.data
    sizes = ", ".join(f"{plan.examples[split]:,} {split}" for split in SPLITS)
    shape = "x".join(map(str, data.images["train"].shape[1:]))
    found = None if data.findings is None else data.findings.summary()
    lines = [f"{data.name}: {sizes} pictures of {shape} in {len(data.classes)} classes"]
    lines += [f"their pixels are {kind}: in all of them {describe_range(known)}" for kind, known in data.ranges.items()]
    return [*lines, f"found in its files: {found}"] if found else lines


def result_tables(evaluations: Mapping[str, Classification], record: Mapping[str, Any]) -> list[Table]:
    """The metrics of every class and the commonest confusions, on the headline split."""
    evaluation = dataclasses.asdict(evaluations[headline_split(evaluations)])
    found = [tables.per_class(evaluation), tables.confused(evaluation, limit=5)]
    return [tables.of_seed(table, record) for table in found if table.rows]  # none where nothing is confused


def closing_lines(record: Mapping[str, Any]) -> list[str]:
    """Lines after all tables: the seeds that learned nothing, and how predict.py prepares other pictures."""
    lines = [f"seed {seed} learned nothing: {why}" for seed, why in record.get("learned_nothing", {}).items()]
    data = record["data"]
    if data.get("shape", [3])[-1] == 1:
        ink, _, _ = read_preprocessing(record)
        lines.append(_drawings_line(ink))
    return lines


def _drawings_line(ink: Mapping[str, Any] | None) -> str:
    """Whether gray training pictures are drawings, which decides how predict.py reads others."""
    if ink is None:
        return "its pictures are no drawings: predict.py scales others and leaves their tones as they are"
    tones = "light on dark" if ink["light_on_dark"] else "dark on light"
    return f"its pictures are drawings, {tones}: predict.py brings others into that form, unless given --as-is"
