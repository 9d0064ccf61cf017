"""The configuration of tables: their source, their columns, and the nets that predict a target from them."""

import dataclasses
from typing import Annotated, Literal

import tyro
from annotated_types import Interval, MaxLen, MinLen

from research.config.bounds import Positive, Section, Seed, Share, Source, Width

Quantile = Annotated[float, Interval(gt=0.0, lt=1.0)]


@dataclasses.dataclass(frozen=True)
class TableData(Source):
    """Rows with a target, and the columns that predict it."""

    source: str = "diabetes"
    """A FILE.csv or .parquet, or one of scikit-learn's own: diabetes, iris, wine, breast_cancer."""
    root: str | None = None
    """The folder of the data; $RESEARCH_DATA by default."""
    target: str = "target"
    """The column to predict. Text is predicted as classes, numbers as numbers."""
    classes: bool = False
    """Predict the numbers of the target as classes, too."""
    columns: tuple[str, ...] = ()
    """The columns that predict; by default all others, except an id and columns that say nothing."""
    left_out: tuple[str, ...] = ()
    """Columns that are left out."""
    categorical: tuple[str, ...] = ()
    """Columns of numbers that are codes, such as MSSubClass: each number is a level."""
    ordered: tuple[str, ...] = ()
    """Levels in order, such as Po<Fa<TA<Gd<Ex: a text column that holds only these is also read as 0, 1, 2 ..."""
    na_levels: tuple[str, ...] = ()
    """Text columns in which NA is a level, such as "no garage", and not a missing value."""
    numeric_only: bool = False
    """Use only the columns of numbers."""
    missing: Literal["median", "drop"] = "median"
    """Missing numbers: the median of the training rows, marked by an indicator; or rows with any are dropped."""
    rare: Positive = 5
    """Levels in fewer training rows than this count as unseen ones: they say nothing."""
    log_skewed: Annotated[float, Interval(ge=0.0, le=1e6)] | None = None
    """Take log(1 + x) of columns without negative numbers whose skewness is above this bound."""
    log_target: bool = False
    """Predict log(1 + target)."""
    scaling: Literal["robust", "standard", "quantile", "none"] = "robust"
    """The scale of numbers: by median and quartiles, by mean and standard deviation, by ranks, or unscaled."""
    clip: Annotated[float, Interval(ge=0.0, le=1e6)] = 3.0
    """Bound of scaled numbers z, approached smoothly by z / sqrt(1 + (z / clip)^2); 0 for none."""
    validation: Share = 0.2
    """Share of the training rows held out for validation."""
    test: Share = 0.2
    """Share of all rows held out for test; with folds every row is a test row once."""
    folds: Annotated[int, Interval(ge=0, le=100)] = 0
    """Cross-validation in so many folds; 0: one split."""
    repeats: Annotated[int, Interval(ge=1, le=100)] = 1
    """Number of cross-validations, each with folds of its own."""
    samples: Annotated[int, Interval(ge=0, le=1000)] = 0
    """Bagging: nets of each seed, each on training rows drawn with replacement; 0: one net on all of them."""
    split_seed: Seed = 0
    """The seed of the shuffle that splits the rows."""
    unit: Annotated[str, MaxLen(40)] = ""
    """The unit of the target, such as $."""


@dataclasses.dataclass(frozen=True)
class TableNet(Section):
    """Fully connected layers with a linear output. Without hidden layers it is a linear model."""

    kind: Annotated[Literal["dense"], tyro.conf.Suppress] = "dense"
    hidden: tuple[Width, ...] = (128, 64)
    """Width of each hidden layer."""
    dropout: Share = 0.0
    """Share of each hidden layer's values dropped in training."""
    embedding: Literal["none", "periodic", "piecewise"] = "none"
    """What a number becomes first: itself, waves of learned frequencies, or its position within quantile bins."""
    embedding_size: Annotated[int, Interval(gt=0, le=256)] = 8
    """Frequencies or bins of each number."""
    frequency: Annotated[float, Interval(gt=0.0, le=1e3)] = 0.1
    """Standard deviation of the initial frequencies of a periodic embedding."""
    level_size: Annotated[int, Interval(ge=0, le=256)] = 0
    """Numbers that stand for a level, learned; 0: one-hot."""
    zero_init_head: bool = False
    """Start with zero weights in the last layer: predictions start as the training rows' mean."""


@dataclasses.dataclass(frozen=True)
class Prediction(Section):
    """The loss of predicted numbers, their intervals, and what they are compared with."""

    loss: Literal["mse", "mae", "huber", "quantile", "gaussian"] = "mse"
    """The loss of the scaled target. quantile predicts several quantiles, gaussian a mean and a variance."""
    quantiles: Annotated[tuple[Quantile, ...], MinLen(1)] = (0.05, 0.5, 0.95)
    """The quantiles of the quantile loss; the middle one is the prediction."""
    coverage: Quantile = 0.9
    """Share of the truth that intervals should hold."""
    peers: tuple[Literal["lightgbm", "realmlp", "tabm"], ...] = ()
    """Models by others, trained on the same splits as baselines; they need the extra bench, and some take minutes."""
