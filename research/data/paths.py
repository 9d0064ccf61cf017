"""Where data lies."""

import os
from pathlib import Path

import platformdirs

VARIABLE = "RESEARCH_DATA"


def data_root(root: str | None) -> Path:
    """`root` if given, else $RESEARCH_DATA, else the user's own cache: where scripts/prepare.py puts data, too."""
    chosen = root or os.environ.get(VARIABLE)
    return expanded(chosen) if chosen else platformdirs.user_cache_path("receptive") / "data"


def expanded(name: str) -> Path:
    """`name` as a path, ~ replaced by the home folder; as it stands where ~NAME is no user."""
    try:
        return Path(name).expanduser()
    except RuntimeError:
        return Path(name)


def catalogue_root(root: str | None) -> Path:
    """Where prepared sets of the tfds catalogue lie, as NAME/[CONFIG/]VERSION."""
    return data_root(root) / "tfds"


def picture_cache() -> Path:
    """Where decoded pictures are kept: the user's own cache. What is deleted there is decoded again when needed."""
    return platformdirs.user_cache_path("receptive") / "pictures"
