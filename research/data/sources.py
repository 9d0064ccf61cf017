"""From the name of a source to its pictures, looked at and split: the one door to labelled images."""

import difflib
from pathlib import Path

import numpy as np

from research.data.catalogue import read_catalogue
from research.data.idx import read_folder
from research.data.images import ImageSet, Labelled, Split, fingerprint, named_classes, sound_split
from research.data.npz import read_npz
from research.data.places import VARIABLE, catalogue_root, data_root, expanded
from research.data.published import SETS
from research.data.splits import hold_out, limited
from research.errors import UserError

EMBEDDED = "digits"
CATALOGUE = "tfds:"


def load_images(
    source: str, root: str | None, *, validation: float, test: float, split_seed: int, train_limit: int | None
) -> ImageSet:
    """The labelled pictures of `source`: "digits", a folder of idx files, a FILE.npz, or tfds:NAME.

    Paths are taken as they are or looked for under `root` (see `places.data_root`). `validation` is a share of train,
    `test` a share of the whole where the source has no test part of its own; both are drawn by class, by `split_seed`.
    Raises UserError, one line, for whatever is missing or not sound.
    """
    found = read(source, root)
    where = f"data {source}"
    train = sound_split(*found.train, where)
    tested = None if found.test is None else sound_split(*found.test, f"{where} (test part)")
    _same_shape(train, tested, where)
    classes = named_classes(found.classes, [train] if tested is None else [train, tested], where)
    if tested is None:
        train, tested = hold_out(train, test, split_seed, "test")
    train, validated = hold_out(train, validation, split_seed, "validation")
    train = limited(train, train_limit, split_seed)
    splits = [train, validated, tested]
    return ImageSet(source, classes, train, validated, tested, fingerprint(splits, classes))


def read(source: str, root: str | None) -> Labelled:
    """The raw arrays of `source`, wherever it is."""
    if source == EMBEDDED:
        return _digits()
    if source.startswith(CATALOGUE):
        return read_catalogue(source.removeprefix(CATALOGUE), catalogue_root(root))
    try:
        path = _located(source, root)
        return read_folder(path) if path.is_dir() else read_npz(path)
    except OSError as error:  # a folder that may not be entered, a name too long
        raise UserError(f"data {source} cannot be read ({error.strerror}); name another place") from error


def _located(source: str, root: str | None) -> Path:
    places = [expanded(source), data_root(root) / source]
    found = next((place for place in places if place.is_dir() or (place.is_file() and place.suffix == ".npz")), None)
    if found is not None:
        return found
    if any(place.is_file() for place in places):
        raise UserError(f"data {source} is a file but not .npz; give a folder of idx files, a FILE.npz or tfds:NAME")
    base = data_root(root)
    names = [EMBEDDED, *SETS, *(path.name for path in base.glob("*") if path.is_dir() or path.suffix == ".npz")]
    near = difflib.get_close_matches(source, names, n=1)
    hint = f"; did you mean {near[0]}?" if near and near[0] != source else ""
    fetched = f", or fetch it: python scripts/prepare.py {near[0]}" if near and near[0] in SETS else ""
    raise UserError(
        f"no data set {source}{hint} (looked for {places[0].absolute()} and {places[1].absolute()}); "
        f"give --data.root or ${VARIABLE}{fetched}"
    )


def _digits() -> Labelled:
    """scikit-learn's 1,797 digits, 8x8: the test part of UCI "Optical Recognition of Handwritten Digits".

    Pixels are 0 to 16 there; here they are scaled to 0 to 255.
    """
    from sklearn.datasets import load_digits  # slow to import

    digits = load_digits()
    images = np.rint(digits.images * (255 / 16)).astype(np.uint8)  # pyright: ignore[reportAttributeAccessIssue]
    return Labelled((images, digits.target), None, None)  # pyright: ignore[reportAttributeAccessIssue]


def _same_shape(train: Split, test: Split | None, where: str) -> None:
    if test is not None and train.images.shape[1:] != test.images.shape[1:]:
        sizes = " and ".join("x".join(map(str, split.images.shape[1:])) for split in (train, test))
        raise UserError(f"{where}: train and test pictures differ in size ({sizes})")
