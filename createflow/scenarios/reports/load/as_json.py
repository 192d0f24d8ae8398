"""JSON: the report itself, complete, to be kept, compared with and rendered again."""

from createflow.schemas.load_report import LoadReport


def render(report: LoadReport) -> str:
    """The whole report, indented, with a newline at its end. What is infinite is the string ``"Infinity"``."""
    return report.model_dump_json(indent=1) + "\n"
