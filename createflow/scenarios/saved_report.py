"""A report that was saved as JSON, of a conformance run or of a load run."""

import json
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from createflow.schemas.error import UserError
from createflow.schemas.load_report import LoadReport
from createflow.schemas.report import RunReport

Report = TypeVar("Report", bound=BaseModel)

_HINTS = {
    RunReport: "createflow run --report json=FILE writes one",
    LoadReport: "createflow bench --report json=FILE writes one",
}


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
        return validated(LoadReport, text, path)
    if isinstance(document, dict) and "results" in document:
        return validated(RunReport, text, path)
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


def validated(model: type[Report], text: str, path: Path) -> Report:
    """The report in this text.

    Raises:
        UserError: it is none.
    """
    try:
        return model.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        kind = "a load" if model is LoadReport else "a run"
        raise UserError(
            f"{path}: not the report of {kind}: {where + ': ' if where else ''}{first['msg']}",
            hint=_HINTS[model],
        ) from None
