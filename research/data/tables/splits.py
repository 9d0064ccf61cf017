"""The rows of each split and fold, by a shuffle that depends on the seed alone."""

from typing import NamedTuple

import numpy as np

from research.config import TableData
from research.errors import UserError


class Split(NamedTuple):
    """The rows that one member trains on, validates on and is tested on: indices, ascending."""

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray


def splits_of(config: TableData, target: np.ndarray, *, classes: bool) -> list[Split]:
    """One split, or with `config.folds` one for each fold of each repeat, in the order repeat * folds + fold.

    Rows are shuffled by `config.split_seed`; repeat r of a cross-validation by `split_seed + r`. Classes have the same
    shares in all parts. Raises UserError where there are too few rows.
    """
    if config.folds == 1:
        raise UserError("data.folds 1 is no cross-validation; give 0 for one split, or 2 and more")
    if config.folds > len(target):
        raise UserError(f"data.folds {config.folds} are more than the {len(target)} rows; give fewer")
    if not config.folds:
        rest, test = _divided(np.arange(len(target)), target, config.test, config.split_seed, classes)
        return [_checked(Split(*_divided(rest, target, config.validation, config.split_seed, classes), test))]
    found = []
    for repeat in range(config.repeats):
        for number, (rest, test) in enumerate(_folds(config, target, repeat, classes)):
            seed = config.split_seed + repeat * config.folds + number
            found.append(_checked(Split(*_divided(rest, target, config.validation, seed, classes), test)))
    return found


def _folds(config: TableData, target: np.ndarray, repeat: int, classes: bool) -> list[tuple[np.ndarray, np.ndarray]]:
    from sklearn.model_selection import KFold, StratifiedKFold  # slow to import

    kind = StratifiedKFold if classes else KFold
    folds = kind(config.folds, shuffle=True, random_state=config.split_seed + repeat)
    try:
        return list(folds.split(np.zeros(len(target)), target))
    except ValueError as error:
        raise UserError(f"data.folds {config.folds}: a class has fewer rows than that; give fewer folds") from error


def _divided(
    rows: np.ndarray, target: np.ndarray, share: float, seed: int, classes: bool
) -> tuple[np.ndarray, np.ndarray]:
    """`rows` without a share of them, and that share."""
    count = round(share * len(rows))
    if not count:
        return rows, rows[:0]
    if count >= len(rows):
        raise UserError(f"{len(rows)} rows are too few to hold out {share:.0%} of them; give more rows, or less share")
    if not classes:
        drawn = np.random.default_rng(seed).permutation(rows)
        return np.sort(drawn[count:]), np.sort(drawn[:count])
    from sklearn.model_selection import train_test_split  # slow to import

    try:
        stay, out = train_test_split(rows, test_size=count, random_state=seed, stratify=target[rows])
    except ValueError as error:
        reason = str(error).partition(".")[0]
        raise UserError(f"the rows cannot be split with every class in each part ({reason}); give more rows") from error
    return np.sort(stay), np.sort(out)


def _checked(split: Split) -> Split:
    if len(split.train) < 2:
        raise UserError(f"{len(split.train)} training rows are left; give more rows, or smaller shares")
    return split
