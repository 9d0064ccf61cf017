"""What a net needs to scale the rows of a table: numbers fitted on training rows, as arrays.

They are variables of the net (`models.tables`), so they are saved with it and applied alike to every other row.
"""

import warnings
from typing import Any, Literal

import numpy as np

from research.config import TableData
from research.data.tables.table import Schema

QUANTILES = 100  # of the training rows, between which `quantile` interpolates; scikit-learn's default is 1,000


def fit_numbers(config: TableData, numbers: np.ndarray, bins: int = 0) -> dict[str, np.ndarray]:
    """What `models.tables.Numbers` holds, from the training rows' `numbers` [N, Fn], NaN where missing.

    logged: 1 for a column of which the logarithm is taken. median: what replaces a missing number, after the
    logarithm. indicated: 1 for a column with missing cells. center, scale: of a number, after the logarithm. With
    `quantile` scaling, knots: [Fn, Q], the quantiles of the training rows, instead. With `bins`, edges
    [Fn, bins + 1]: those of a piecewise linear embedding, of scaled numbers. All float32; [Fn] unless stated.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # columns without any number in these rows
        known = numbers.astype(np.float64)
        logged = _skewed(known, config.log_skewed)
        known = np.where(logged, np.log1p(np.maximum(known, 0)), known)
        median = np.nan_to_num(np.nanmedian(known, axis=0))
        center, scale = _fitted(known, config.scaling)
        found = {
            "logged": logged,
            "median": median,
            "indicated": np.isnan(numbers).any(axis=0),
            "center": np.nan_to_num(center),
            "scale": np.where(np.isfinite(scale) & (scale > 0), scale, 1.0),
        }
        if config.scaling == "quantile":
            found["knots"] = np.nan_to_num(_quantiles(known))
        if bins:
            filled = np.where(np.isnan(known), median, known)
            found["edges"] = np.quantile(filled, np.linspace(0, 1, bins + 1), axis=0).T
    return {name: array.astype(np.float32) for name, array in found.items()}


def fit_levels(schema: Schema, codes: np.ndarray, rare: int) -> np.ndarray:
    """Which levels, of all columns one after the other, are in at least `rare` training rows: float32 [L]."""
    counts = [
        np.bincount(codes[codes[:, index] >= 0, index], minlength=len(levels))
        for index, levels in enumerate(schema.levels)
    ]
    return np.concatenate([np.zeros(0), *(count >= rare for count in counts)]).astype(np.float32)


def fit_target(config: TableData, target: np.ndarray) -> tuple[float, float]:
    """Mean and standard deviation of the training rows' target, of its logarithm with `log_target`."""
    values = np.log1p(target) if config.log_target else target
    spread = float(values.std())
    return float(values.mean()), spread if spread > 0 else 1.0


def _skewed(numbers: np.ndarray, bound: float | None) -> np.ndarray:
    """Columns without negative numbers whose skewness is above `bound`."""
    if bound is None:
        return np.zeros(numbers.shape[1], bool)
    centered = numbers - np.nanmean(numbers, axis=0)
    spread = np.nanmean(centered**2, axis=0)
    skewness = np.nanmean(centered**3, axis=0) / np.where(spread > 0, spread, 1) ** 1.5
    return (np.nan_to_num(skewness) > bound) & (np.nanmin(numbers, axis=0, initial=np.inf) >= 0)


def _fitted(
    numbers: np.ndarray, scaling: Literal["robust", "standard", "quantile", "none"]
) -> tuple[np.ndarray, np.ndarray]:
    """Center and scale of each column.

    robust: median and interquartile range by scikit-learn's RobustScaler; where that is 0, half the range (Holzmüller
    et al. 2024, "Better by Default", section 3). standard: mean and standard deviation by its StandardScaler.
    """
    from sklearn.preprocessing import RobustScaler, StandardScaler  # slow to import

    if scaling in ("none", "quantile"):
        return np.zeros(numbers.shape[1]), np.ones(numbers.shape[1])
    if scaling == "standard":
        standard = StandardScaler().fit(numbers)
        return np.asarray(standard.mean_), np.asarray(standard.scale_)
    robust = RobustScaler().fit(numbers)
    low, high = np.nanquantile(numbers, [0.25, 0.75], axis=0)
    half = (np.nanmax(numbers, axis=0, initial=-np.inf) - np.nanmin(numbers, axis=0, initial=np.inf)) / 2
    return np.asarray(robust.center_), np.where(high > low, np.asarray(robust.scale_), half)


def _quantiles(numbers: np.ndarray) -> np.ndarray:
    """The training rows' quantiles by scikit-learn's QuantileTransformer, [Fn, Q]."""
    from sklearn.preprocessing import QuantileTransformer  # slow to import

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # of fewer rows than quantiles it takes fewer
        count = min(QUANTILES + 1, len(numbers))
        fitted: Any = QuantileTransformer(n_quantiles=count, subsample=len(numbers)).fit(numbers)
    own = np.linspace(0, 1, len(fitted.quantiles_))
    wanted = np.linspace(0, 1, QUANTILES + 1)
    return np.stack([np.interp(wanted, own, column) for column in fitted.quantiles_.T])
