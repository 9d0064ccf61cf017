"""The preprocessing of a run's pictures: written into its record, and read again for other pictures."""

from collections.abc import Mapping
from typing import Any

from research.data.images.image_set import ImageSet
from research.data.images.ink import measure_ink
from research.data.images.pixel_range import Ranges
from research.errors import UserError
from research.run_directory import RECORD


def preprocessing_of(data: ImageSet) -> dict[str, Any]:
    """record["preprocessing"], plain JSON values.

    ink      the layout of strokes (see `measure_ink`), where the pictures are drawings; None where they are not
    squash   `ImageSet.squashed`
    ranges   {kind of file: ends of the range}, that scale numbers of more than 8 bits to bytes
    """
    return {
        "ink": measure_ink(data.images["train"]),
        "squash": data.squashed,
        "ranges": {kind: list(known) for kind, known in data.ranges.items()},
    }


def read_preprocessing(record: Mapping[str, Any]) -> tuple[Mapping[str, Any] | None, bool, Ranges]:
    """(ink, squash, ranges) of `record`, as `prepare_picture` takes them.

    Records of earlier versions have no "preprocessing"; it then follows from "data", which has findings of class
    folders alone. Raises UserError where `ink` is damaged.
    """
    field = "preprocessing" if record.get("preprocessing") else "data"
    found = {"squash": record["data"].get("findings") is not None} | record[field]
    ranges = {kind: (low, high) for kind, (low, high) in found.get("ranges", {}).items()}
    return _layout(found.get("ink"), f"{field}.ink"), found["squash"], ranges


def _layout(ink: Any, field: str) -> Mapping[str, Any] | None:
    """`ink`, the `field` of record.json; UserError where it is neither None nor the layout of drawings."""
    if ink is None:
        return None
    found = ink if isinstance(ink, Mapping) else {}
    wrong = [name for name in ("light_on_dark", "extent", "row", "column") if not _usable(name, found.get(name))]
    if wrong:
        raise UserError(f"{RECORD}: {field} has no usable {wrong[0]}; renew it: scripts/evaluate.py")
    return found


def _usable(name: str, value: Any) -> bool:
    """Whether `value` is a boolean (for "light_on_dark") or a share (for all others)."""
    truth = isinstance(value, bool)
    return truth if name == "light_on_dark" else not truth and isinstance(value, (int, float)) and 0 <= value <= 1
