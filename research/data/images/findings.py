"""Findings in a folder of pictures: files left out, files of another kind than named, repeated pictures."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from research.errors import printable


class Remark(NamedTuple):
    """A file, by its name within the set's folder, and the reason why it is listed."""

    file: str
    reason: str


class Findings(NamedTuple):
    """The findings in a set of `pictures` picture files. Files go by their names within the set's folder.

    quarantined: picture files that cannot be read; they are left out. misnamed: files whose content is of another kind
    than their names say; they are read by their content. ignored: other files and folders, which are not read. The
    remaining fields are groups of files with the same pixels once scaled. across_splits: in several splits.
    across_classes: in several classes (a group may be in both lists). repeated: within one class of one split.
    """

    pictures: int
    quarantined: tuple[Remark, ...] = ()
    misnamed: tuple[Remark, ...] = ()
    ignored: tuple[Remark, ...] = ()
    across_splits: tuple[tuple[str, ...], ...] = ()
    across_classes: tuple[tuple[str, ...], ...] = ()
    repeated: tuple[tuple[str, ...], ...] = ()

    def document(self) -> dict[str, Any]:
        """The findings as plain JSON values, {"file", "reason"} for a remark."""
        remarks = {name: [remark._asdict() for remark in getattr(self, name)] for name in _REMARKS}
        groups = {name: [list(group) for group in getattr(self, name)] for name in _GROUPS}
        return {"pictures": self.pictures, **remarks, **groups}

    def summary(self) -> str | None:
        """The number of findings of each kind and the first of them, in one line; None when there are none."""
        remarks = [
            _counted(words, [f"{r.file}: {r.reason}" for r in getattr(self, name)]) for name, words in _REMARKS.items()
        ]
        groups = [_counted(words, [" = ".join(g) for g in getattr(self, name)]) for name, words in _GROUPS.items()]
        return "; ".join(part for part in (*remarks, *groups) if part) or None


_REMARKS = {
    "quarantined": "left out",
    "misnamed": "read though named as another kind",
    "ignored": "ignored",
}
_GROUPS = {
    "across_splits": "the same in several splits",
    "across_classes": "the same in several classes",
    "repeated": "repeated within a class",
}


def shown(name: str) -> str:
    """A file's name as text that can be printed and stored. Bytes that are not UTF-8 become \\\\xNN."""
    return printable(name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace"))


def grouped(groups: Iterable[Sequence[tuple[str, str, int]]]) -> dict[str, tuple[tuple[str, ...], ...]]:
    """Groups of (file, split, label) with the same pixels, as the three fields of `Findings` that list them."""
    fields: dict[str, list[tuple[str, ...]]] = {name: [] for name in _GROUPS}
    for group in groups:
        files = tuple(shown(file) for file, _, _ in group)
        splits, labels = len({split for _, split, _ in group}) > 1, len({label for _, _, label in group}) > 1
        for name, holds in zip(_GROUPS, (splits, labels, not (splits or labels)), strict=True):
            if holds:
                fields[name].append(files)
    return {name: tuple(members) for name, members in fields.items()}


def _counted(words: str, items: Sequence[str]) -> str:
    if not items:
        return ""
    return f"{len(items):,} {words} ({items[0]}{', ...' if len(items) > 1 else ''})"
