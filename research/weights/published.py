"""Weight files as their authors published them: by name and digest, so that a damaged or a false one is told."""

import re
from typing import NamedTuple

from research.weights.foreign import Foreign

KERAS = "https://storage.googleapis.com/tensorflow/keras-applications/vgg16"


class PublishedWeights(NamedTuple):
    """A published file: its name, its md5, the folder (a URL) it is in, and about how large it is."""

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


def provenance(foreign: Foreign) -> str:
    """What the file's name and digest say together: published and sound, published but other bytes, or unknown."""
    name = foreign.path.name
    for known in PUBLISHED:
        if foreign.md5 == known.md5:
            return f"published by Keras as {known.name}, md5 right"
        if name == known.name:
            return f"named as Keras' published file, but its md5 is {foreign.md5}, not {known.md5}: NOT that file"
    promised = re.search(r"-([0-9a-f]{8})\.pth$", name)  # torch.hub: the first digits of the sha256 are in the name
    if promised and foreign.sha256.startswith(promised[1]):
        return "sha256 as its name promises (torch.hub)"
    if promised:
        return f"its name promises a sha256 of {promised[1]}..., it is {foreign.sha256[:8]}...: NOT that file"
    return "not a published file that is known here"
