"""The rows of splits and folds."""

import dataclasses

import numpy as np
import pytest

from research.config import TableData
from research.data.tables.splits import splits_of
from research.errors import UserError

TARGET = np.random.default_rng(0).normal(size=103)


def test_one_split_divides_the_rows():
    [split] = splits_of(TableData(validation=0.25, test=0.2), TARGET, classes=False)
    assert sorted(np.concatenate(split).tolist()) == list(range(103))
    assert len(split.test) == round(0.2 * 103) and len(split.validation) == round(0.25 * (103 - len(split.test)))


def test_each_repeat_tests_every_row_once_in_folds_of_its_own():
    config = TableData(folds=5, repeats=3, validation=0.2)
    splits = splits_of(config, TARGET, classes=False)
    assert len(splits) == 15
    for repeat in range(3):
        tested = np.concatenate([split.test for split in splits[5 * repeat : 5 * repeat + 5]])
        assert sorted(tested.tolist()) == list(range(103))
    assert splits[0].test.tolist() != splits[5].test.tolist()
    for split in splits:
        assert sorted(np.concatenate(split).tolist()) == list(range(103))


def test_the_seed_decides_and_nothing_else():
    config = TableData(folds=4)
    same = [splits_of(config, TARGET, classes=False)[2].test.tolist() for _ in range(2)]
    other = splits_of(dataclasses.replace(config, split_seed=1), TARGET, classes=False)[2].test.tolist()
    assert same[0] == same[1] != other


@pytest.mark.parametrize("folds", [0, 3])
def test_classes_have_the_same_shares_in_all_parts(folds):
    labels = np.repeat([0, 1, 2], [60, 30, 30])
    for split in splits_of(TableData(folds=folds), labels, classes=True):
        for part in split:
            shares = np.bincount(labels[part], minlength=3) / len(part)
            assert np.allclose(shares, [0.5, 0.25, 0.25], atol=0.06)


@pytest.mark.parametrize(
    ("config", "rows", "message"),
    [
        (TableData(folds=200), 103, "data.folds 200 are more than the 103 rows"),
        (TableData(folds=1), 103, "data.folds 1 is no cross-validation"),
        (TableData(test=0.9), 3, "3 rows are too few to hold out 90%"),
    ],
)
def test_too_few_rows(config, rows, message):
    with pytest.raises(UserError, match=message):
        splits_of(config, TARGET[:rows], classes=False)
