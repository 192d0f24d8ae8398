"""Saved reports: the JSON files that ``--report json=FILE`` writes and that are read again later."""

import math
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from createflow.scenarios.text.printable import printable_json
from createflow.schemas.error import UserError
from createflow.schemas.load_report import LoadReport
from createflow.schemas.reading.bounded_file import read_bounded
from createflow.schemas.reading.bounded_json import Malformed, parse_json
from createflow.schemas.report import RunReport

_MAX_BYTES = 24 << 20
"""A load of ten hours."""
_MOST_PARTS = 2_000_000
_MOST_KEYS = 2000
"""Of one object."""
_LARGEST_NUMBER = 1e15
_MAY_BE_INFINITE = ("_ms", "seen", "before", "now", "low", "high")
"""Ends of the names of fields that measure what may never have come."""
_SHOWN_CHARACTERS = 200
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
    document = _read(path)
    if "ledger" in document:
        return _load_report(path, document)
    if "results" in document:
        return _validate(RunReport, path, document, "run")
    raise UserError(f"{path}: not a report of createflow run or createflow bench", hint=_HINT)


def read_conformance_report(path: Path) -> RunReport:
    """Read a report that ``createflow run`` saved.

    Raises:
        UserError: as for ``read_report``; or it is the report of a load.
    """
    document = _read(path)
    if "ledger" in document:
        raise UserError(f"{path}: a report of createflow bench, not of createflow run", hint=_HINT)
    return _validate(RunReport, path, document, "run")


def read_load_report(path: Path) -> LoadReport:
    """Read a report that ``createflow bench`` saved.

    Raises:
        UserError: as for ``read_report``; or it is the report of a conformance run.
    """
    document = _read(path)
    if "results" in document and "ledger" not in document:
        raise UserError(f"{path}: a report of createflow run, not of createflow bench", hint=_HINT)
    return _load_report(path, document)


def _load_report(path: Path, document: dict[str, Any]) -> LoadReport:
    version = document.get("schema_version")
    if isinstance(version, int) and version != _LOAD_VERSION:
        age = "older" if version < _LOAD_VERSION else "newer"
        raise UserError(
            f"{path}: written by {'an' if age == 'older' else 'a'} {age} createflow "
            f"(schema version {version}, this version reads {_LOAD_VERSION})",
            hint="run createflow bench again with this version",
        )
    return _validate(LoadReport, path, document, "bench")


def _validate(model: type[Report], path: Path, document: dict[str, Any], command: str) -> Report:
    try:
        report = model.model_validate(document)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        raise UserError(
            f"{path}: not a report of createflow {command}: "
            f"{ascii(field[:_SHOWN_CHARACTERS]) + ': ' if field else ''}{first['msg'][:_SHOWN_CHARACTERS]}",
            hint=f"createflow {command} --report json=FILE saves one",
        ) from None
    if field := _impossible_number(report):
        raise UserError(f"{path}: not a report of createflow {command}: '{field}': no such number is ever measured")
    return report


def _impossible_number(model: BaseModel) -> str:
    """The name of a field whose number is too large to be one, or infinite where nothing is; empty if there is none."""
    for name, value in model:
        entries = value if isinstance(value, tuple) else value.values() if isinstance(value, dict) else (value,)
        for entry in entries:
            if isinstance(entry, BaseModel):
                if found := _impossible_number(entry):
                    return f"{name}.{found}"
            elif isinstance(entry, (int, float)) and not _is_possible(name, entry):
                return name
    return ""


def _is_possible(name: str, number: float) -> bool:
    return abs(number) <= _LARGEST_NUMBER or (number == math.inf and name.endswith(_MAY_BE_INFINITE))


def _read(path: Path) -> dict[str, Any]:
    """The JSON object in the file."""
    try:
        document = parse_json(read_bounded(path, _MAX_BYTES, hint=_HINT).decode("utf-8"), most_parts=_MOST_PARTS)
    except UnicodeDecodeError:
        raise UserError(f"{path}: not UTF-8 text", hint=_HINT) from None
    except Malformed as error:
        raise UserError(f"{path}: {error}", hint=_HINT) from None
    if not isinstance(document, dict):
        raise UserError(f"{path}: not a report of createflow run or createflow bench", hint=_HINT)
    if _most_keys(document) > _MOST_KEYS:
        # Each unknown key is a mistake, and takes much more memory than its text.
        raise UserError(f"{path}: an object with more than {_MOST_KEYS} keys, so not a report", hint=_HINT)
    return document


def _most_keys(value: Any) -> int:
    if isinstance(value, dict):
        return max([len(value), *map(_most_keys, value.values())])
    return max(map(_most_keys, value), default=0) if isinstance(value, list) else 0
