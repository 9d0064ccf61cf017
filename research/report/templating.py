"""How templates become pages: everything escaped, nothing undefined let through."""

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES = Path(__file__).parent / "templates"


def environment() -> "Environment":
    """The environment that every page of this room is rendered in."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # slow to import; only needed at the end of a run

    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
