"""The formats of a conformance report, by the name that ``--report FORMAT=FILE`` takes.

To add a format: write ``as_NAME.py`` with ``render(report) -> str``, register it here, and test it in
``test_as_NAME.py``. The option ``--report``, its help and ``createflow report`` follow from the registry.
"""

from collections.abc import Callable

from createflow.scenarios.reports import saved
from createflow.scenarios.reports.conformance import as_html, as_junit, as_markdown, as_sarif, as_text
from createflow.schemas.report import RunReport

RENDERERS: dict[str, Callable[[RunReport], str]] = {
    "json": saved.to_json,
    "junit": as_junit.render,
    "sarif": as_sarif.render,
    "markdown": as_markdown.render,
    "html": as_html.render,
    "text": as_text.render,
}
