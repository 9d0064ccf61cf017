"""Numbers fitted on training rows, against scikit-learn's transformers."""

import numpy as np
import pytest
from sklearn.preprocessing import RobustScaler, StandardScaler

from research.config import TableData
from research.data.tables.preprocessing import fit_levels, fit_numbers, fit_target
from research.data.tables.table import Schema

NUMBERS = np.random.default_rng(0).lognormal(size=(200, 3))


def test_standard_and_robust_scaling_are_scikit_learns():
    found = fit_numbers(TableData(scaling="standard"), NUMBERS)
    theirs = StandardScaler().fit(NUMBERS)
    assert np.allclose(found["center"], theirs.mean_) and np.allclose(found["scale"], theirs.scale_)
    found = fit_numbers(TableData(scaling="robust"), NUMBERS)
    robust = RobustScaler().fit(NUMBERS)
    assert np.allclose(found["center"], robust.center_) and np.allclose(found["scale"], robust.scale_)


def test_a_column_without_spread_has_a_scale():
    numbers = np.stack([np.zeros(200), np.r_[np.zeros(190), 1.0, 9.0 * np.ones(9)]], axis=1)
    found = fit_numbers(TableData(scaling="robust"), numbers)
    assert found["scale"].tolist() == [1.0, 4.5]


def test_only_skewed_columns_without_negative_numbers_are_logged():
    numbers = np.stack([NUMBERS[:, 0], NUMBERS[:, 0] - 1, np.arange(200.0)], axis=1)
    assert fit_numbers(TableData(log_skewed=1.0), numbers)["logged"].tolist() == [1, 0, 0]
    assert fit_numbers(TableData(), numbers)["logged"].tolist() == [0, 0, 0]


def test_missing_numbers_do_not_count_and_are_indicated():
    numbers = NUMBERS.copy()
    numbers[::7, 1] = np.nan
    found = fit_numbers(TableData(scaling="standard"), numbers)
    assert found["indicated"].tolist() == [0, 1, 0]
    known = numbers[np.isfinite(numbers[:, 1]), 1]
    assert found["median"][1] == np.float32(np.median(known)) and np.isclose(found["center"][1], known.mean())


@pytest.mark.parametrize("rare", [1, 3])
def test_levels_of_few_rows_are_not_common(rare):
    schema = Schema("y", (), (), (), (), ("a", "b"), (("x", "y"), ("u", "v", "w")), None, ())
    codes = np.array([[0, 0], [0, 0], [0, 0], [1, 1], [0, -1]])
    assert fit_levels(schema, codes, rare).tolist() == ([1, 1, 1, 1, 0] if rare == 1 else [1, 0, 1, 0, 0])


def test_the_target_is_scaled_on_its_own_scale():
    target = np.array([1.0, 10.0, 100.0])
    assert fit_target(TableData(), target) == (target.mean(), target.std())
    logged = np.log1p(target)
    assert fit_target(TableData(log_target=True), target) == (logged.mean(), logged.std())
