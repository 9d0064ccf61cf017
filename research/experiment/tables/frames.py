"""A run on a pandas frame."""

from pathlib import Path
from typing import Any

from research.config import TableExperiment
from research.data.tables.load import load_table
from research.errors import UserError
from research.experiment.given_data import frame_bytes, stored


def with_data(config: TableExperiment, data: Any, folder: Path) -> TableExperiment:
    """`config` with the pandas frame `data` as its source, stored in `folder`.

    The frame is checked before it is written; UserError as `load_table` raises it.
    """
    import pandas as pd  # slow to import

    if not isinstance(data, pd.DataFrame):
        raise UserError(f"data is a {type(data).__name__}, not a pandas DataFrame with the target among its columns")
    load_table(config.data, data)
    return stored(config, frame_bytes(data), ".parquet", folder)
