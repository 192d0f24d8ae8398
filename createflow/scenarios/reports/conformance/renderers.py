"""Every format that a report can be saved in, by the name that ``--report`` takes."""

from collections.abc import Callable

from createflow.scenarios.reports.conformance import as_html, as_json, as_junit, as_markdown, as_sarif, as_text
from createflow.schemas.report import RunReport

RENDERERS: dict[str, Callable[[RunReport], str]] = {
    "json": as_json.render,
    "junit": as_junit.render,
    "sarif": as_sarif.render,
    "markdown": as_markdown.render,
    "html": as_html.render,
    "text": as_text.render,
}
