"""Reading the report of a load run that was saved."""

import json
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from createflow.schemas.error import UserError
from createflow.schemas.load_report import LoadReport

_MOST_BYTES = 64 << 20
_HINT = "createflow bench --report json=FILE writes one"
_VERSION: int = LoadReport.model_fields["schema_version"].default


class NoReportError(UserError):
    """There is no such file: nothing to compare with, which is not the same as no difference."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path}: no such report", hint=_HINT)


def read_load_report(path: Path) -> LoadReport:
    """What ``createflow bench`` saved as JSON.

    Raises:
        NoReportError: there is no such file.
        UserError: it cannot be read, or is not the report of a load run that this version understands.
    """
    text = _text(path)
    try:
        document: Any = json.loads(text)
    except (ValueError, RecursionError):
        raise UserError(f"{path}: not JSON", hint=_HINT) from None
    if not isinstance(document, dict):
        raise UserError(f"{path}: not the report of a load run", hint=_HINT)
    if "results" in document and "ledger" not in document:
        raise UserError(f"{path}: the report of createflow run, not of createflow bench", hint=_HINT)
    told = document.get("schema_version")
    if isinstance(told, int) and told != _VERSION:
        writer = "an older" if told < _VERSION else "a newer"
        raise UserError(
            f"{path}: written by {writer} createflow (schema version {told}, this one reads {_VERSION})",
            hint="make it anew with this version",
        )
    try:
        return LoadReport.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise UserError(
            f"{path}: not the report of a load run: {ascii(where) + ': ' if where else ''}{first['msg']}", hint=_HINT
        ) from None


def _text(path: Path) -> str:
    try:
        if path.exists() and not path.is_file():
            raise UserError(f"{path}: not a file", hint=_HINT)
        with path.open("rb") as opened:
            content = opened.read(_MOST_BYTES + 1)
        if len(content) > _MOST_BYTES:
            raise UserError(f"{path}: larger than {_MOST_BYTES >> 20} MiB, so no report of a load run", hint=_HINT)
        return content.decode("utf-8")
    except FileNotFoundError:
        raise NoReportError(path) from None
    except UnicodeDecodeError:
        raise UserError(f"{path}: not UTF-8 text", hint=_HINT) from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}", hint=_HINT) from None
