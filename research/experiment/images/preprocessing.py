"""How the pictures of a run became arrays: written into its record, and read from it for other pictures."""

from collections.abc import Mapping
from typing import Any

from research.data.images.image_set import ImageSet
from research.data.images.ink import Ink, measure_ink
from research.data.images.pixel_range import Ranges


def preprocessing_of(data: ImageSet) -> dict[str, Any]:
    """record["preprocessing"], plain JSON values.

    ink      how the strokes lie, where the pictures are drawings; None where they are not
    squash   whether each picture was scaled to the shape of all, whatever its own sides were; class folders are
    ranges   {kind of file: ends of the range}, by which numbers of more than 8 bits became bytes
    """
    ink = measure_ink(data.images["train"])
    return {
        "ink": None if ink is None else ink._asdict(),
        "squash": data.findings is not None,  # of class folders alone, which are looked through file by file
        "ranges": {kind: list(known) for kind, known in data.ranges.items()},
    }


def read_preprocessing(record: Mapping[str, Any]) -> tuple[Ink | None, bool, Ranges]:
    """(ink, squash, ranges) of `record`, as `prepare_picture` takes them.

    Records of earlier versions have no "preprocessing"; there it follows from what "data" says.
    """
    data = record["data"]
    found = record.get("preprocessing") or data | {"squash": data.get("findings") is not None}
    ink = None if found.get("ink") is None else Ink(**found["ink"])
    ranges = {kind: (low, high) for kind, (low, high) in found.get("ranges", {}).items()}
    return ink, found["squash"], ranges
