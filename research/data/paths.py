"""The folders that data is read from."""

import os
from pathlib import Path

import platformdirs

VARIABLE = "RESEARCH_DATA"


def data_root(root: str | None) -> Path:
    """`root` if given, else $RESEARCH_DATA, else the user's own cache. scripts/prepare.py writes to the same folder."""
    chosen = root or os.environ.get(VARIABLE)
    return expanded(chosen) if chosen else platformdirs.user_cache_path("receptive") / "data"


def expanded(name: str) -> Path:
    """`name` as a path with ~ replaced by the home folder; unchanged where ~NAME is no user."""
    try:
        return Path(name).expanduser()
    except RuntimeError:
        return Path(name)


def catalogue_root(root: str | None) -> Path:
    """The folder of prepared sets of the tfds catalogue, each in NAME/[CONFIG/]VERSION."""
    return data_root(root) / "tfds"


def picture_cache() -> Path:
    """The folder of decoded pictures in the user's own cache. Deleted files are decoded again when they are needed."""
    return platformdirs.user_cache_path("receptive") / "pictures"
