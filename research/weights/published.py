"""Published weight files: their names and digests, which reveal a damaged or wrong file."""

import re
from typing import NamedTuple

from research.errors import UserError
from research.weights.weight_file import WeightFile

KERAS = "https://storage.googleapis.com/tensorflow/keras-applications/vgg16"


class PublishedWeights(NamedTuple):
    """A published file: its name, its md5, its folder (a URL), and its approximate size."""

    name: str
    md5: str
    folder: str
    megabytes: int


# Name and md5: keras/src/applications/vgg16.py.
VGG16_NOTOP = PublishedWeights(
    "vgg16_weights_tf_dim_ordering_tf_kernels_notop.h5", "6d6bbae143d832006294945121d1f1fc", KERAS, 59
)
VGG16_TOP = PublishedWeights(
    "vgg16_weights_tf_dim_ordering_tf_kernels.h5", "64373286793e3c8b2b4e3219cbf3544b", KERAS, 553
)
PUBLISHED = (VGG16_NOTOP, VGG16_TOP)


def provenance(file: WeightFile) -> str:
    """The provenance by name and digest: published and sound, published but with other bytes, or unknown."""
    for known in PUBLISHED:
        if file.md5 == known.md5:
            return f"published by Keras as {known.name}, md5 right"
    lie = _broken_promise(file)
    if lie is not None:
        return f"{lie}: NOT that file"
    return "sha256 as its name promises (torch.hub)" if _promised(file) else "not a published file that is known here"


def check_published(file: WeightFile) -> WeightFile:
    """`file` itself; UserError if it has the name of a published file but another digest."""
    lie = _broken_promise(file)
    if lie is not None:
        raise UserError(f"{file.path} is {lie}; download it again, or give weights of your own another name")
    return file


def _broken_promise(file: WeightFile) -> str | None:
    known = next((known for known in PUBLISHED if known.name == file.path.name), None)
    if known is not None and file.md5 != known.md5:
        return f"named as Keras' published file, but its md5 is {file.md5}, not {known.md5}"
    promised = _promised(file)
    if promised and not file.sha256.startswith(promised):
        return f"named after a sha256 that begins with {promised}, but its own begins with {file.sha256[:8]}"
    return None


def _promised(file: WeightFile) -> str:
    """torch.hub: the first digits of a file's sha256 are in its name."""
    found = re.search(r"-([0-9a-f]{8})\.pth$", file.path.name)
    return found[1] if found else ""
