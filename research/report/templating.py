"""What turns templates into pages: the template environment, and style sheets and scripts with their hashes."""

from base64 import b64encode
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from research.report.tables import rows_of

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

TEMPLATES = Path(__file__).parent / "templates"


def environment() -> "Environment":
    """The environment in which all pages are rendered: it escapes every string and refuses undefined names."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # slow to import; only needed at the end of a run

    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters |= {"rows_of": rows_of, "foldable": foldable}
    return made


def foldable(name: str) -> "Markup":
    """`name`, escaped, for a narrow column: it may be broken after each underscore."""
    from markupsafe import Markup, escape  # comes with jinja2

    return escape(name).replace("_", Markup("_<wbr>"))


def code(name: str) -> str:
    """A style sheet or script of templates/, to stand inside a page."""
    return (TEMPLATES / name).read_text(encoding="utf-8")


def content_hash(text: str) -> str:
    """How a Content-Security-Policy names inline code (CSP level 3, 2.3.1): `sha256-...` of exactly what is inside."""
    return f"sha256-{b64encode(sha256(text.encode()).digest()).decode('ascii')}"
