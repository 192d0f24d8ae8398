"""Every format that a load report can be saved in, by the name that ``--report`` takes."""

from collections.abc import Callable, Iterable

from createflow.scenarios.reports.load import as_csv, as_hgrm, as_html, as_json, as_junit, as_markdown
from createflow.scenarios.reports.load.vega_bundle import check_installed
from createflow.schemas.load_report import LoadReport

RENDERERS: dict[str, Callable[[LoadReport], str]] = {
    "json": as_json.render,
    "junit": as_junit.render,
    "markdown": as_markdown.render,
    "html": as_html.render,
    "csv": as_csv.render,
    "hgrm": as_hgrm.render,
    "hgrm-service": as_hgrm.render_service,
}


def check_possible(forms: Iterable[str]) -> None:
    """Say before the load, not after it, that one of these formats cannot be made.

    Raises:
        UserError: the library that it needs is not installed.
    """
    if "html" in forms:
        check_installed()
