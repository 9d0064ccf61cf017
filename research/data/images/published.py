"""Image sets that can be fetched as they were published, without TensorFlow."""

from pathlib import Path

from research.data.fetch import Published, Show, fetch

MNIST_MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist",
    "https://storage.googleapis.com/cvdf-datasets/mnist",
)
FASHION_MIRRORS = ("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com",)

# The md5 sums are those that torchvision and the authors publish for the compressed files.
SETS: dict[str, tuple[Published, ...]] = {
    "mnist": (
        Published("train-images-idx3-ubyte.gz", "f68b3c2dcbeaaa9fbdd348bbdeb94873", MNIST_MIRRORS),
        Published("train-labels-idx1-ubyte.gz", "d53e105ee54ea40749a09fcbcd1e9432", MNIST_MIRRORS),
        Published("t10k-images-idx3-ubyte.gz", "9fb629c4189551a2d022fa330f9573f3", MNIST_MIRRORS),
        Published("t10k-labels-idx1-ubyte.gz", "ec29112dd5afa0611ce80d1b7f02629c", MNIST_MIRRORS),
    ),
    "fashion_mnist": (
        Published("train-images-idx3-ubyte.gz", "8d4fb7e6c68d591d4c3dfef9ec88bf0d", FASHION_MIRRORS),
        Published("train-labels-idx1-ubyte.gz", "25c81989df183df01b3e8a0aad5dffbe", FASHION_MIRRORS),
        Published("t10k-images-idx3-ubyte.gz", "bef4ecab320f06d8554ea6380940ec79", FASHION_MIRRORS),
        Published("t10k-labels-idx1-ubyte.gz", "bb300cfdad3c16e7a12a480ee83cd310", FASHION_MIRRORS),
    ),
}


def fetch_set(name: str, root: Path, show: Show, mirror: str | None = None) -> Path:
    """The published files of `name` (a key of SETS) in `root / name`; `mirror` (a URL) replaces the known ones."""
    folder = root / name
    for file in SETS[name]:
        fetch(file if mirror is None else file._replace(mirrors=(mirror,)), folder, show)
    return folder
