"""Folders of picture files, one folder per class, as labelled arrays."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from research.data.fetch import Show
from research.data.images.decoding import BLACK, BLACK_CAUSE
from research.data.images.findings import Findings, Remark, grouped, shown
from research.data.images.folder_pixels import folder_pixels
from research.data.images.image_set import ImageSet
from research.data.images.scan import SPLITS, Entry, Listing, scan
from research.errors import UserError

LIMIT_BROKEN = 0.05  # share of unreadable files above which a set counts as damaged, not as one with a few bad files


def read_image_folder(
    folder: Path,
    size: int,
    *,
    gray: bool = False,
    cache: Path,
    limit_broken: float = LIMIT_BROKEN,
    show: Show = lambda name, done, total: None,
) -> ImageSet:
    """The pictures below `folder`, squashed to `size` x `size`: uint8 [N, size, size, C]; C is 1 if `gray`, else 3.

    Layouts: train/CLASS/FILE with test/ and validation/ (or val/, valid/) beside train/, or CLASS/FILE alone. Classes
    are numbered in the order of their names. Files are decoded (`decoding.decode`), squashed (`decoding.squashed`) and
    cached in `cache` under a key of their names and contents, `size`, `gray` and the decoder's version. The arrays are
    mapped from there. Gray pictures of more than 8 bits are scaled by one range for all (`pixel_range.ranges_of`).
    `show(what, done, total)` reports the progress.

    A file is read by its content, whatever its name says. Files that cannot be read are left out and listed in the
    findings. Raises UserError when they are more than `limit_broken` of all, when no picture of a class is left, and
    for what `scan` and `folder_pixels` refuse.
    """
    listing = scan(folder)
    pixels, notes, digests = folder_pixels(folder, listing.entries, size, gray=gray, cache=cache, show=show)
    _refuse_broken(folder, listing, notes["broken"], limit_broken)
    readable = [entry for entry in listing.entries if entry.name not in notes["broken"]]
    _refuse_empty(folder, listing, readable)
    digest_of = dict(zip((entry.name for entry in listing.entries), digests, strict=True))
    contents = np.array([[*bytes.fromhex(digest_of[entry.name])] for entry in readable], np.uint8)
    return ImageSet(
        _by_split(pixels, readable),
        _by_split(np.array([entry.label for entry in readable], np.int32), readable),
        listing.classes,
        findings=_findings(listing, notes),
        digests=_by_split(contents, readable),
        notes=_notes(folder, notes["black"]),
        squashed=True,
        ranges={kind: (low, high) for kind, (low, high) in notes["ranges"].items()},
    )


def _refuse_broken(folder: Path, listing: Listing, broken: Mapping[str, str], limit: float) -> None:
    count, total = len(broken), len(listing.entries)
    if count > limit * total:
        name, reason = next(iter(broken.items()))
        raise UserError(
            f"{folder}: {count:,} of {total:,} pictures cannot be read, more than {limit:.0%} "
            f"(first: {shown(name)}: {reason}); repair or delete them"
        )


def _refuse_empty(folder: Path, listing: Listing, readable: Sequence[Entry]) -> None:
    folders = {(entry.split, entry.label): Path(entry.name).parent for entry in listing.entries}
    filled = {(entry.split, entry.label) for entry in readable}
    empty = next((path for split_and_label, path in folders.items() if split_and_label not in filled), None)
    if empty is not None:
        raise UserError(
            f"class folder {shown(str(folder / empty))} holds no picture that can be read; add some, or remove it"
        )


def _notes(folder: Path, black: Sequence[str]) -> tuple[str, ...]:
    """A warning of the files that are all but black, if there are any."""
    if not black:
        return ()
    counted = f"{len(black):,} {'picture is' if len(black) == 1 else 'pictures are'} all but black"
    return (f"{folder}: {counted}, with tones below {BLACK} of 255 (first: {shown(black[0])}); {BLACK_CAUSE}",)


def _by_split(array: np.ndarray, readable: Sequence[Entry]) -> dict[str, np.ndarray]:
    """Views of `array` [N, ...], the rows of each split that has any; in `readable` the splits are contiguous."""
    views, start = {}, 0
    for split in SPLITS:
        stop = start + sum(entry.split == split for entry in readable)
        if stop > start:
            views[split] = array[start:stop]
        start = stop
    return views


def _findings(listing: Listing, notes: Mapping[str, Any]) -> Findings:
    entry_of = {entry.name: entry for entry in listing.entries}
    return Findings(
        len(listing.entries),
        tuple(Remark(shown(name), reason) for name, reason in notes["broken"].items()),
        tuple(Remark(shown(name), f"its content is {kind}") for name, kind in notes["misnamed"].items()),
        listing.ignored,
        **grouped([[entry_of[name] for name in names] for names in notes["same"]]),
    )
