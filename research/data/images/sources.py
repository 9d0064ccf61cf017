"""Labelled pictures by the name of their source: found, read, checked and split."""

import difflib
from collections.abc import Mapping
from importlib.metadata import distribution
from pathlib import Path

import numpy as np

from research.data.fetch import Show
from research.data.images.catalogue import read_catalogue
from research.data.images.folders import read_image_folder
from research.data.images.idx import read_folder
from research.data.images.image_set import ImageSet, checked_splits, fingerprint, named_classes
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

    A path is taken as it is or looked for under `root` (see `paths.data_root`). `validation` is a share of train,
    `test` a share of all pictures. Each is drawn, by class and `split_seed`, only where the source has no such split.
    `size`, `gray` and `show` are for class folders (see `folders.read_image_folder`), which need a `size`.
    Raises UserError, one line, for anything missing or damaged.
    """
    raw = read(source, root, size, gray=gray, show=show)
    where = f"data {source}"
    images, labels, ranges = checked_splits(raw.images, raw.labels, where)
    _same_shape(images, where)
    classes = named_classes(raw.classes, labels, where)
    rows = _rows(labels, validation, test, split_seed, train_limit)
    chosen_images = _chosen(images, rows)
    chosen_labels = {split: labels[origin][index] for split, (origin, index) in rows.items()}
    for note in raw.notes:
        warn(note)
    for split in ("test", "validation"):
        _warn_of_absent(classes, chosen_labels[split], split, where)
    of_pixels = of_contents = fingerprint(chosen_images, chosen_labels, classes)
    if raw.digests is not None:
        of_contents = fingerprint(_chosen(raw.digests, rows), chosen_labels, classes)
    return ImageSet(
        name=source,
        classes=classes,
        images=chosen_images,
        labels=chosen_labels,
        fingerprint=of_pixels,
        content_fingerprint=of_contents,
        findings=raw.findings,
        squashed=raw.squashed,
        ranges={**raw.ranges, **ranges},
    )


def _warn_of_absent(classes: tuple[str, ...], labels: np.ndarray, split: str, where: str) -> None:
    absent = sorted(set(range(len(classes))) - set(labels.tolist())) if len(labels) else []
    if absent:
        named = ", ".join(classes[label] for label in absent[:5]) + (", ..." if len(absent) > 5 else "")
        warn(f"{where}: the {split} part has no picture of {named}, so nothing is said of how well they are known")


def _rows(
    labels: Mapping[str, np.ndarray], validation: float, test: float, seed: int, limit: int | None
) -> dict[str, tuple[str, np.ndarray]]:
    """For train, validation and test: the split of the source that it is drawn from, and its rows there, ascending.

    Rows are drawn first and pictures taken last, so that pictures that are mapped from a file are copied at most once.
    """
    rows = {split: (split, np.arange(len(values))) for split, values in labels.items()}
    for split, share in (("test", test), ("validation", validation)):
        if split not in rows:
            train = rows["train"][1]
            training, held_out = hold_out(labels["train"][train], share, seed, split)
            rows |= {"train": ("train", train[training]), split: ("train", train[held_out])}
    train = rows["train"][1]
    rows["train"] = ("train", train[limited(labels["train"][train], limit, seed)])
    return {split: rows[split] for split in SPLITS}


def _chosen(arrays: Mapping[str, np.ndarray], rows: Mapping[str, tuple[str, np.ndarray]]) -> dict[str, np.ndarray]:
    return {split: rows_of(arrays[origin], index) for split, (origin, index) in rows.items()}


def read(
    source: str,
    root: str | None,
    size: int | None = None,
    *,
    gray: bool = False,
    show: Show = lambda name, done, total: None,
) -> ImageSet:
    """The pictures of `source`, as read; see `load_images`. `size` and `gray` are refused for all but class folders."""
    if source != EMBEDDED and not source.startswith(CATALOGUE):
        try:
            return _read_path(_located(source, root), source, size, gray, show)
        except OSError as error:  # a folder that may not be entered, a name too long
            raise UserError(f"data {source} cannot be read ({error.strerror}); name another place") from error
    _refuse_scaling(source, size, gray)
    return _digits() if source == EMBEDDED else read_catalogue(source.removeprefix(CATALOGUE), catalogue_root(root))


def _read_path(path: Path, source: str, size: int | None, gray: bool, show: Show) -> ImageSet:
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


def _located(source: str, root: str | None) -> Path:
    paths = [expanded(source), data_root(root) / source]
    located = next((path for path in paths if path.is_dir() or (path.is_file() and path.suffix == ".npz")), None)
    if located is not None:
        return located
    if any(path.is_file() for path in paths):
        raise UserError(f"data {source} is a file but not .npz; give a folder, a FILE.npz or tfds:NAME")
    base = data_root(root)
    names = [EMBEDDED, *SETS, *(path.name for path in base.glob("*") if path.is_dir() or path.suffix == ".npz")]
    near = difflib.get_close_matches(source, names, n=1)
    hint = f"; did you mean {near[0]}?" if near and near[0] != source else ""
    fetched = f", or fetch it: python scripts/prepare.py {near[0]}" if near and near[0] in SETS else ""
    looked = " and ".join(dict.fromkeys(str(path.absolute()) for path in paths))
    raise UserError(f"no data set {source}{hint} (looked for {looked}); give --data.root or ${VARIABLE}{fetched}")


def _digits() -> ImageSet:
    """scikit-learn's 1,797 digits, 8x8: the test part of UCI "Optical Recognition of Handwritten Digits".

    Their pixels are 0 to 16; here they are scaled to 0 to 255. The file is read without scikit-learn's `load_digits`,
    whose import takes as long as that of JAX.
    """
    table = np.loadtxt(str(distribution("scikit-learn").locate_file(DIGITS)), delimiter=",")
    images = np.rint(table[:, :-1].reshape(-1, 8, 8) * (255 / 16)).astype(np.uint8)
    return ImageSet({"train": images}, {"train": table[:, -1].astype(int)})


def _same_shape(images: Mapping[str, np.ndarray], where: str) -> None:
    train = images["train"].shape[1:]
    for split, array in images.items():
        if array.shape[1:] != train:
            sizes = " and ".join("x".join(map(str, shape)) for shape in (train, array.shape[1:]))
            raise UserError(f"{where}: train and {split} pictures differ in size ({sizes})")
