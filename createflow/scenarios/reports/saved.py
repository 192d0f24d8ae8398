"""Saved reports: the JSON files that ``--report json=FILE`` writes and that are read again later."""

import json
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from createflow.scenarios.text.printable import printable_json
from createflow.schemas.error import UserError
from createflow.schemas.load_report import LoadReport
from createflow.schemas.report import RunReport

_MAX_BYTES = 64 << 20
_HINT = "createflow run and createflow bench save one with --report json=FILE; other formats cannot be read"
_LOAD_VERSION: int = LoadReport.model_fields["schema_version"].default

Report = TypeVar("Report", bound=BaseModel)


def to_json(report: RunReport | LoadReport) -> str:
    """The whole report as indented JSON. Infinite numbers are the string ``"Infinity"``."""
    return printable_json(report.model_dump_json(indent=1)) + "\n"


def read_report(path: Path) -> RunReport | LoadReport:
    """Read a report of either kind.

    Raises:
        UserError: the file cannot be read, or is not a report that this version understands.
    """
    text, document = _read(path)
    if "ledger" in document:
        return _load_report(path, text, document)
    if "results" in document:
        return _validate(RunReport, path, text, "run")
    raise UserError(f"{path}: not a report of createflow run or createflow bench", hint=_HINT)


def read_conformance_report(path: Path) -> RunReport:
    """Read a report that ``createflow run`` saved.

    Raises:
        UserError: as for ``read_report``; or it is the report of a load.
    """
    text, document = _read(path)
    if "ledger" in document:
        raise UserError(f"{path}: a report of createflow bench, not of createflow run", hint=_HINT)
    return _validate(RunReport, path, text, "run")


def read_load_report(path: Path) -> LoadReport:
    """Read a report that ``createflow bench`` saved.

    Raises:
        UserError: as for ``read_report``; or it is the report of a conformance run.
    """
    text, document = _read(path)
    if "results" in document and "ledger" not in document:
        raise UserError(f"{path}: a report of createflow run, not of createflow bench", hint=_HINT)
    return _load_report(path, text, document)


def _load_report(path: Path, text: str, document: dict[str, Any]) -> LoadReport:
    version = document.get("schema_version")
    if isinstance(version, int) and version != _LOAD_VERSION:
        age = "older" if version < _LOAD_VERSION else "newer"
        raise UserError(
            f"{path}: written by {'an' if age == 'older' else 'a'} {age} createflow "
            f"(schema version {version}, this version reads {_LOAD_VERSION})",
            hint="run createflow bench again with this version",
        )
    return _validate(LoadReport, path, text, "bench")


def _validate(model: type[Report], path: Path, text: str, command: str) -> Report:
    try:
        return model.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        raise UserError(
            f"{path}: not a report of createflow {command}: {ascii(field) + ': ' if field else ''}{first['msg']}",
            hint=f"createflow {command} --report json=FILE saves one",
        ) from None


def _read(path: Path) -> tuple[str, dict[str, Any]]:
    """The text of the file, and the JSON object in it."""
    text = _read_text(path)
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        raise UserError(f"{path}: not JSON", hint=_HINT) from None
    if not isinstance(document, dict):
        raise UserError(f"{path}: not a report of createflow run or createflow bench", hint=_HINT)
    return text, document


def _read_text(path: Path) -> str:
    try:
        if path.exists() and not path.is_file():
            # A pipe, for example, would never end.
            raise UserError(f"{path}: not a file", hint=_HINT)
        with path.open("rb") as opened:
            content = opened.read(_MAX_BYTES + 1)
        if len(content) > _MAX_BYTES:
            raise UserError(f"{path}: larger than {_MAX_BYTES >> 20} MiB, so not a report", hint=_HINT)
        return content.decode("utf-8")
    except FileNotFoundError:
        raise UserError(f"{path}: no such report", hint=_HINT) from None
    except UnicodeDecodeError:
        raise UserError(f"{path}: not UTF-8 text", hint=_HINT) from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}", hint=_HINT) from None
