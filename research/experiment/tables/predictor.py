"""What predict.py needs of a run on a table: its schema, and the margin of its intervals."""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from research.data.tables.table import Schema, read_schema
from research.errors import UserError
from research.files import read_json, write_json

PREDICTOR = "predictor.json"
ENSEMBLE = "ensemble"


class Predictor(NamedTuple):
    """The schema of the rows, and by seed (or ENSEMBLE) the margin of its intervals."""

    schema: Schema
    margins: Mapping[str, float | None]


def save_predictor(run_dir: Path, schema: Schema, margins: Mapping[str, float | None]) -> None:
    """Write predictor.json."""
    write_json(run_dir / PREDICTOR, {"schema": schema.document(), "margins": dict(margins)})


def read_predictor(run_dir: Path) -> Predictor:
    """What `save_predictor` wrote; UserError where it is missing or damaged."""
    content = read_json(run_dir / PREDICTOR)
    try:
        return Predictor(read_schema(content["schema"]), dict(content["margins"]))
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(f"{run_dir / PREDICTOR} is damaged; renew it: scripts/evaluate.py {run_dir}") from error
