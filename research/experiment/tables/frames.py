"""A run on a pandas frame: the frame is stored in the run directory, so that the run can be resumed and evaluated."""

import dataclasses
import hashlib
import io
from pathlib import Path
from typing import Any

from research.config import TableExperiment
from research.data.tables.load import load_table
from research.errors import UserError
from research.files import write_bytes


def with_data(config: TableExperiment, data: Any, folder: Path) -> TableExperiment:
    """`config` with the pandas frame `data` as its source: a Parquet file in `folder`, named by its content.

    The frame is checked before it is written; UserError as `load_table` raises it.
    """
    import pandas as pd  # slow to import

    if not isinstance(data, pd.DataFrame):
        raise UserError(f"data is a {type(data).__name__}, not a pandas DataFrame with the target among its columns")
    load_table(config.data, data)
    content = io.BytesIO()
    data.apply(_storable).to_parquet(content)
    name = f"{hashlib.sha256(content.getvalue()).hexdigest()[:16]}.parquet"
    if not (folder / name).is_file():
        write_bytes(folder / name, content.getvalue())
    return dataclasses.replace(config, data=dataclasses.replace(config.data, source=str((folder / name).absolute())))


def _storable(column: Any) -> Any:
    """A column as Parquet can hold it: the cells of several types as text."""
    from pandas.api.types import infer_dtype  # slow to import

    mixed = column.dtype == object and infer_dtype(column, skipna=True).startswith("mixed")
    return column.map(str, na_action="ignore") if mixed else column
