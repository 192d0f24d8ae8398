"""JSON: the report itself, complete, to be kept and rendered again."""

from pathlib import Path

from pydantic import ValidationError

from createflow.schemas.error import UserError
from createflow.schemas.report import RunReport


def render(report: RunReport) -> str:
    """The whole report, indented, with a newline at its end."""
    return report.model_dump_json(indent=1) + "\n"


def parse(path: Path) -> RunReport:
    """What ``render`` wrote.

    Raises:
        UserError: no such file, or not a report of a run.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise UserError(f"{path}: cannot be read: {reason}") from None
    try:
        return RunReport.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise UserError(
            f"{path}: not the report of a run: {where + ': ' if where else ''}{first['msg']}",
            hint="createflow run --report json=FILE writes one",
        ) from None
