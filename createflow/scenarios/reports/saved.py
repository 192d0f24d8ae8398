"""A report that was saved as JSON, of a conformance run or of a load run."""

import json
from pathlib import Path

from pydantic import ValidationError

from createflow.scenarios.reports.saved_load import read_load_report
from createflow.schemas.error import UserError
from createflow.schemas.load_report import LoadReport
from createflow.schemas.report import RunReport


def parse(path: Path) -> RunReport | LoadReport:
    """Whichever of the two it is.

    Raises:
        UserError: no such file, or neither.
    """
    text = text_of(path)
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        document = None
    if isinstance(document, dict) and "ledger" in document:
        return read_load_report(path)
    if isinstance(document, dict) and "results" in document:
        return validated(text, path)
    raise UserError(
        f"{path}: neither the report of a run nor of a load",
        hint="createflow run and createflow bench write one with --report json=FILE; of other formats none can be read",
    )


def text_of(path: Path) -> str:
    """The file.

    Raises:
        UserError: it cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise UserError(f"{path}: cannot be read: {reason}") from None


def validated(text: str, path: Path) -> RunReport:
    """The report of a conformance run in this text.

    Raises:
        UserError: it is none.
    """
    try:
        return RunReport.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise UserError(
            f"{path}: not the report of a run: {where + ': ' if where else ''}{first['msg']}",
            hint="createflow run --report json=FILE writes one",
        ) from None
