"""Image sets that can be fetched as they were published, without TensorFlow."""

from pathlib import Path

from research.data.fetch import Show, fetch

MNIST_MIRRORS = (
    "https://ossci-datasets.s3.amazonaws.com/mnist",
    "https://storage.googleapis.com/cvdf-datasets/mnist",
)
FASHION_MIRRORS = ("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com",)

# The mirrors of each set, and the md5 of each file, as torchvision and the authors publish it for the compressed files.
SETS: dict[str, tuple[tuple[str, ...], dict[str, str]]] = {
    "mnist": (
        MNIST_MIRRORS,
        {
            "train-images-idx3-ubyte.gz": "f68b3c2dcbeaaa9fbdd348bbdeb94873",
            "train-labels-idx1-ubyte.gz": "d53e105ee54ea40749a09fcbcd1e9432",
            "t10k-images-idx3-ubyte.gz": "9fb629c4189551a2d022fa330f9573f3",
            "t10k-labels-idx1-ubyte.gz": "ec29112dd5afa0611ce80d1b7f02629c",
        },
    ),
    "fashion_mnist": (
        FASHION_MIRRORS,
        {
            "train-images-idx3-ubyte.gz": "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
            "train-labels-idx1-ubyte.gz": "25c81989df183df01b3e8a0aad5dffbe",
            "t10k-images-idx3-ubyte.gz": "bef4ecab320f06d8554ea6380940ec79",
            "t10k-labels-idx1-ubyte.gz": "bb300cfdad3c16e7a12a480ee83cd310",
        },
    ),
}


def fetch_set(name: str, root: Path, show: Show, mirror: str | None = None) -> Path:
    """Fetch the files of `name` (a key of SETS) into `root / name`; `mirror` (a URL) replaces the known ones."""
    folder = root / name
    mirrors, files = SETS[name]
    for file, md5 in files.items():
        fetch(folder / file, md5, mirrors if mirror is None else (mirror,), show)
    return folder
