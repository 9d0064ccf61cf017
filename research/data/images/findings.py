"""What a look at a folder of pictures found: files left out, files of another kind than named, pictures met twice."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from research.errors import printable


class Remark(NamedTuple):
    """A file, by its name within the set's folder, and what there is to say of it."""

    file: str
    reason: str


class Findings(NamedTuple):
    """The findings in a set of `pictures` picture files; files by their names within the set's folder.

    quarantined: picture files that cannot be read, left out. misnamed: those whose content is of another kind than
    their names say, read by their content. ignored: what lies there and is not looked at. The others are groups of
    files with the same pixels once scaled: across_splits, in several of train, validation and test; across_classes, in
    several classes (a group may be in both lists); repeated, within one class of one split.
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
        """All kinds of findings in one line, with the first of each; None when there is none."""
        remarks = [
            _told(words, [f"{r.file}: {r.reason}" for r in getattr(self, name)]) for name, words in _REMARKS.items()
        ]
        groups = [_told(words, [" = ".join(g) for g in getattr(self, name)]) for name, words in _GROUPS.items()]
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
    """A file's name as text that can be printed and stored: bytes that are no UTF-8 become \\\\xNN."""
    return printable(name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace"))


def grouped(groups: Iterable[Sequence[tuple[str, str, int]]]) -> dict[str, tuple[tuple[str, ...], ...]]:
    """Groups of (file, split, label) with the same pixels, as the three fields of Findings that tell of them."""
    found: dict[str, list[tuple[str, ...]]] = {name: [] for name in _GROUPS}
    for group in groups:
        files = tuple(shown(file) for file, _, _ in group)
        splits, labels = len({split for _, split, _ in group}) > 1, len({label for _, _, label in group}) > 1
        for name, holds in zip(_GROUPS, (splits, labels, not (splits or labels)), strict=True):
            if holds:
                found[name].append(files)
    return {name: tuple(members) for name, members in found.items()}


def _told(words: str, each: Sequence[str]) -> str:
    if not each:
        return ""
    return f"{len(each):,} {words} ({each[0]}{', ...' if len(each) > 1 else ''})"
