"""Models of tables by others, trained on the same splits with pytabkit's tuned defaults (extra `bench`)."""

import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from research.data.tables.load import Table
from research.errors import UserError

_ESTIMATORS = {"lightgbm": "LGBM_TD_Regressor", "realmlp": "RealMLP_TD_Regressor", "tabm": "TabM_D_Regressor"}


def check_peers(names: Sequence[str]) -> None:
    """UserError where `names` need packages that are not installed."""
    if names:
        _pytabkit()


def peer_fit(name: str, seed: int) -> Callable[[Table, np.ndarray, np.ndarray, np.ndarray], np.ndarray]:
    """Training of the peer `name`: (table, target of all rows [N], rows to train on, rows to predict) -> predictions.

    It holds out validation rows of its own. It gets numbers with the training rows' medians in their gaps, an indicator
    of each column with gaps, and levels as categories (Holzmüller et al. 2024, "Better by default: strong pre-tuned
    MLPs and boosted trees on tabular data"; Gorishniy et al. 2025, "TabM").
    """
    make = getattr(_pytabkit(), _ESTIMATORS[name])

    def fit(table: Table, target: np.ndarray, rows: np.ndarray, test: np.ndarray) -> np.ndarray:
        columns = _columns(table, rows)
        model = make(device="cpu", random_state=seed, n_threads=os.cpu_count(), verbosity=0)
        model.fit(columns.iloc[rows], target[rows].astype(np.float32))
        return np.asarray(model.predict(columns.iloc[test]), np.float64)

    return fit


def _columns(table: Table, rows: np.ndarray) -> Any:
    import pandas as pd  # slow to import

    numbers, codes = table.rows
    found: dict[str, Any] = {}
    for name, column in zip(table.schema.numeric, numbers.T, strict=True):
        gap = np.isnan(column)
        found[f"{name}: number"] = np.where(gap, np.nanmedian(column[rows]), column)
        if gap.any():
            found[f"{name}: missing"] = gap.astype(np.float32)
    for name, column, levels in zip(table.schema.categorical, codes.T, table.schema.levels, strict=True):
        found[f"{name}: level"] = pd.Categorical.from_codes(column, list(levels))
    return pd.DataFrame(found)


def _pytabkit() -> Any:
    try:
        import pytabkit
    except ImportError as error:
        raise UserError(f"prediction.peers needs pytabkit ({error}): pip install -e '.[bench]'") from None
    return pytabkit
