"""HTML pages that need nothing else: they open offline, load nothing, and run no script but their own.

The templates, styles and scripts lie in ``reports/html``. Every value is escaped by the template engine.
"""

import base64
import hashlib
import json
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from createflow.scenarios.reports.format.text import one_line, printable_lines

if TYPE_CHECKING:
    from jinja2 import Environment

_FOLDER = "html"
_PACKAGE = "createflow.scenarios.reports"


def render_page(template: str, *, title: str, scripts: tuple[str, ...], **values: Any) -> str:
    """Render a page in the common frame.

    Args:
        template: the name of the page, for example ``conformance``: its template, and its style beside the frame's.
        title: of the document.
        scripts: the text of each script, in the order in which they run.
        values: what the template shows.
    """
    style = read_part("frame.css") + read_part(f"{template}.css")
    page = _environment().get_template(f"{template}.html.j2")
    return page.render(title=title, style=style, scripts=scripts, policy=_policy(style, scripts), **values)


def read_part(name: str) -> str:
    """The text of a style or a script of the pages."""
    return files(_PACKAGE).joinpath(_FOLDER, name).read_text(encoding="utf-8")


def _policy(style: str, scripts: tuple[str, ...]) -> str:
    """A Content-Security-Policy that allows exactly this style and these scripts, by their digests."""
    allowed = " ".join(f"'{_digest(script)}'" for script in scripts)
    return (
        f"default-src 'none'; style-src '{_digest(style)}'; script-src {allowed}; base-uri 'none'; form-action 'none'"
    )


def _digest(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


@cache
def _environment() -> "Environment":
    # Here: only those who save a page pay for the import.
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader(_PACKAGE, _FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_finalized,
    )
    environment.filters |= {"one_line": one_line, "lines": printable_lines, "json": _script_json}
    return environment


def _finalized(value: object) -> object:
    """Every value that a template shows; then the engine escapes it. Our own markup is a subclass of ``str``."""
    return printable_lines(value) if type(value) is str else value


def _script_json(value: object) -> str:
    """JSON for inside a script element, where only ``<`` can end or open anything."""
    return json.dumps(value, separators=(",", ":"), allow_nan=False).replace("<", "\\u003c")
