"""From the name of a source to its pictures, looked at and split: the one door to labelled images."""

import difflib
from collections.abc import Mapping
from importlib.metadata import distribution
from pathlib import Path

import numpy as np

from research.data.fetch import Show
from research.data.images.catalogue import read_catalogue
from research.data.images.folders import read_image_folder
from research.data.images.idx import read_folder
from research.data.images.image_set import ImageSet, Labelled, Split, fingerprint, named_classes, sound_splits
from research.data.images.npz import read_npz
from research.data.images.published import SETS
from research.data.images.recognise import holds_pictures
from research.data.images.scan import SPLITS
from research.data.images.splits import hold_out, limited, rows_of
from research.data.paths import VARIABLE, catalogue_root, data_root, expanded, picture_cache
from research.errors import UserError, warn

EMBEDDED = "digits"
DIGITS = "sklearn/datasets/data/digits.csv.gz"
CATALOGUE = "tfds:"


def load_images(
    source: str,
    root: str | None,
    *,
    validation: float,
    test: float,
    split_seed: int,
    train_limit: int | None,
    size: int | None = None,
    gray: bool = False,
    show: Show = lambda name, done, total: None,
) -> ImageSet:
    """The labelled pictures of `source`: "digits", a folder of idx files or of class folders, a FILE.npz, or tfds:NAME.

    Paths are taken as they are or looked for under `root` (see `places.data_root`). `validation` is a share of train,
    `test` of the whole: each is drawn, by class and `split_seed`, only where the source has no such part of its own.
    `size`, `gray` and `show` are for class folders (see `folders.read_image_folder`), which need a `size`.
    Raises UserError, one line, for whatever is missing or not sound.
    """
    found = read(source, root, size, gray=gray, show=show)
    where = f"data {source}"
    parts = {"train": found.train, "validation": found.validation, "test": found.test}
    sound, ranges = sound_splits({part: arrays for part, arrays in parts.items() if arrays is not None}, where)
    _same_shape(sound, where)
    classes = named_classes(found.classes, list(sound.values()), where)
    rows = _divided(sound, validation, test, split_seed, train_limit)
    train, validated, tested = (
        _chosen({part: split.images for part, split in sound.items()}, *rows[part]) for part in SPLITS
    )
    for note in found.notes:
        warn(note)
    for part in ("test", "validation"):
        _warn_of_absent(classes, rows[part][1].labels, part, where)
    identity = pictures = fingerprint([train, validated, tested], classes)
    if found.contents is not None:
        pictures = fingerprint([_chosen(found.contents, *rows[part]) for part in SPLITS], classes)
    ranges = {**found.ranges, **ranges}
    return ImageSet(source, classes, train, validated, tested, identity, pictures, found.findings, ranges)


def _warn_of_absent(classes: tuple[str, ...], labels: np.ndarray, part: str, where: str) -> None:
    absent = sorted(set(range(len(classes))) - set(labels.tolist())) if len(labels) else []
    if absent:
        named = ", ".join(classes[place] for place in absent[:5]) + (", ..." if len(absent) > 5 else "")
        warn(f"{where}: the {part} part has no picture of {named}, so nothing is said of how well they are known")


def _divided(
    sound: Mapping[str, Split], validation: float, test: float, seed: int, limit: int | None
) -> dict[str, tuple[str, Split]]:
    """For train, validation and test: the part of the source that it is of, and its rows there, with their labels.

    Indices are divided in the pictures' place: those that are mapped from a file are copied once at most.
    """
    rows = {part: (part, Split(np.arange(len(split.labels)), split.labels)) for part, split in sound.items()}
    for part, share in (("test", test), ("validation", validation)):
        if part not in rows:
            kept, held = hold_out(rows["train"][1], share, seed, part)
            rows |= {"train": ("train", kept), part: ("train", held)}
    return rows | {"train": ("train", limited(rows["train"][1], limit, seed))}


def read(
    source: str,
    root: str | None,
    size: int | None = None,
    *,
    gray: bool = False,
    show: Show = lambda name, done, total: None,
) -> Labelled:
    """The raw arrays of `source`, wherever it is; class folders as `size` and `gray` say, which nothing else takes."""
    if source != EMBEDDED and not source.startswith(CATALOGUE):
        try:
            return _read_path(_located(source, root), source, size, gray, show)
        except OSError as error:  # a folder that may not be entered, a name too long
            raise UserError(f"data {source} cannot be read ({error.strerror}); name another place") from error
    _refuse_scaling(source, size, gray)
    return _digits() if source == EMBEDDED else read_catalogue(source.removeprefix(CATALOGUE), catalogue_root(root))


def _read_path(path: Path, source: str, size: int | None, gray: bool, show: Show) -> Labelled:
    if path.is_dir() and holds_pictures(path):
        if size is None:
            raise UserError(f"{path} holds picture files, which are scaled to one size: give it, as in --data.size 150")
        return read_image_folder(path, size, gray=gray, cache=picture_cache(), show=show)
    _refuse_scaling(source, size, gray)
    return read_folder(path) if path.is_dir() else read_npz(path)


def _refuse_scaling(source: str, size: int | None, gray: bool) -> None:
    if size is not None or gray:
        flag = "data.gray" if size is None else "data.size"
        raise UserError(f"{flag} is for folders of picture files; data {source} is taken as it is: leave {flag} out")


def _chosen(images: Mapping[str, np.ndarray], part: str, rows: Split) -> Split:
    return Split(rows_of(images[part], rows.images), rows.labels)


def _located(source: str, root: str | None) -> Path:
    places = [expanded(source), data_root(root) / source]
    found = next((place for place in places if place.is_dir() or (place.is_file() and place.suffix == ".npz")), None)
    if found is not None:
        return found
    if any(place.is_file() for place in places):
        raise UserError(f"data {source} is a file but not .npz; give a folder, a FILE.npz or tfds:NAME")
    base = data_root(root)
    names = [EMBEDDED, *SETS, *(path.name for path in base.glob("*") if path.is_dir() or path.suffix == ".npz")]
    near = difflib.get_close_matches(source, names, n=1)
    hint = f"; did you mean {near[0]}?" if near and near[0] != source else ""
    fetched = f", or fetch it: python scripts/prepare.py {near[0]}" if near and near[0] in SETS else ""
    looked = " and ".join(dict.fromkeys(str(place.absolute()) for place in places))
    raise UserError(f"no data set {source}{hint} (looked for {looked}); give --data.root or ${VARIABLE}{fetched}")


def _digits() -> Labelled:
    """scikit-learn's 1,797 digits, 8x8: the test part of UCI "Optical Recognition of Handwritten Digits".

    Pixels are 0 to 16 there; here they are scaled to 0 to 255. Its file is read without its `load_digits`, whose import
    takes as long as that of JAX.
    """
    table = np.loadtxt(str(distribution("scikit-learn").locate_file(DIGITS)), delimiter=",")
    images = np.rint(table[:, :-1].reshape(-1, 8, 8) * (255 / 16)).astype(np.uint8)
    return Labelled((images, table[:, -1].astype(int)), None, None)


def _same_shape(sound: Mapping[str, Split], where: str) -> None:
    for part, split in sound.items():
        if split.images.shape[1:] != sound["train"].images.shape[1:]:
            sizes = " and ".join("x".join(map(str, s.images.shape[1:])) for s in (sound["train"], split))
            raise UserError(f"{where}: train and {part} pictures differ in size ({sizes})")
