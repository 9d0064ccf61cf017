"""What the terminal is told of a classifier: its data before training, and its tables after."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from rich.table import Table

from research.experiment.histories import headline_split
from research.experiment.images.build import SPLITS, Parts
from research.report.tables import confusions_table, per_class_table


def introduced(parts: Parts) -> list[str]:
    """Lines about the data."""
    data = parts.data
    sizes = ", ".join(f"{parts.training.sizes[split]:,} {split}" for split in SPLITS)
    shape = "x".join(map(str, data.train.images.shape[1:]))
    found = None if data.findings is None else data.findings.summary()
    lines = [f"{data.name}: {sizes} pictures of {shape} in {len(data.classes)} classes"]
    lines += [f"their pixels are {kind}: in all of them {known.words()}" for kind, known in data.ranges.items()]
    return [*lines, f"found in its files: {found}"] if found else lines


def tabled(judged: Mapping[str, Any], record: Mapping[str, Any]) -> list[Table]:
    """Every class, and what was taken for what, of the split that the result is stated on."""
    evaluation = dataclasses.asdict(judged[headline_split(judged)])
    tables = [per_class_table(evaluation), confusions_table(evaluation, limit=5)]
    return [table for table in tables if table.row_count]  # none where nothing is confused
