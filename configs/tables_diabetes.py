"""Scikit-learn's diabetes: disease progression of 442 patients from ten measurements, by a small dense net.

python scripts/train.py configs/tables_diabetes.py

MAE on test 45.6 ± 0.8 over 3 seeds, 1 s each on 2 CPU cores; ridge regression has 43.6: ten columns need no net.
"""

from research.config import Optimizer, TableData, TableExperiment, TableNet, Training


def get_config() -> TableExperiment:
    return TableExperiment(
        name="tables_diabetes",
        data=TableData(source="diabetes"),
        model=TableNet(hidden=(64, 32), dropout=0.1),
        optimizer=Optimizer(name="adamw", learning_rate=1e-3, weight_decay=1e-2),
        train=Training(epochs=200, batch_size=32, patience=30, monitor="mae"),
    )
