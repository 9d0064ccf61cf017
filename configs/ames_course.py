"""The course's house prices: Ames, numeric columns alone, rows with missing values dropped, a ReLU net, linear output.

python scripts/train.py configs/ames_course.py --data.root DIR --seeds 5

1 s a seed on 2 CPU cores; MAE on test $21,418 ± 1,375. The validation error stays near its best while the training
error falls by a factor of ten. Rows: 1,121 of 1,460; the column Id is left out.
"""

from research.config import Optimizer, TableData, TableExperiment, TableNet, Training


def get_config() -> TableExperiment:
    return TableExperiment(
        name="ames_course",
        data=TableData(
            source="ames/kaggle_train.csv",
            target="SalePrice",
            unit="$",
            numeric_only=True,
            missing="drop",
            scaling="standard",
            clip=0.0,
        ),
        model=TableNet(hidden=(64, 64)),
        optimizer=Optimizer(name="adam", learning_rate=1e-3),
        train=Training(epochs=200, batch_size=32, monitor="mae"),
    )
