"""The formats of a load report, by the name that ``--report FORMAT=FILE`` takes.

To add a format: write ``as_NAME.py`` with ``render(report) -> str``, register it here, and test it in
``test_as_NAME.py``. The option ``--report``, its help and ``createflow report`` follow from the registry.
"""

from collections.abc import Callable, Iterable

from createflow.scenarios.reports import saved
from createflow.scenarios.reports.load import as_csv, as_hgrm, as_html, as_junit, as_markdown, as_svg, vega
from createflow.schemas.load_report import LoadReport

RENDERERS: dict[str, Callable[[LoadReport], str]] = {
    "json": saved.to_json,
    "junit": as_junit.render,
    "markdown": as_markdown.render,
    "html": as_html.render,
    "svg": as_svg.render,
    "csv": as_csv.render,
    "hgrm": as_hgrm.render,
    "hgrm-service": as_hgrm.render_service,
}


def require_renderable(formats: Iterable[str]) -> None:
    """Report a missing library before the load starts, not after it.

    Raises:
        UserError: a library that one of the formats needs is not installed.
    """
    if {"html", "svg"} & set(formats):
        vega.require_installed()
