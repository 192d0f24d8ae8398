"""Unique create bodies at the price of one formatting: from the create schema, or from a file of documents."""

import json
from pathlib import Path
from typing import Any

from createflow.scenarios.load.plan.write_log import name_prefix
from createflow.scenarios.target.contract import Contract
from createflow.schemas.error import UserError

_PLACE = "createflow-number-of-the-arrival"
_LONGEST_NUMBER = 12
"""Digits: a name that is too long would be refused only late in the run."""
_MOST_BYTES = 16 * 1024 * 1024


def body_template(contract: Contract, *, run_id: str, document: dict[str, Any] | None = None) -> str:
    """A create body, with ``%d`` for the number of the arrival and ``%%`` for each percent sign.

    The name carries run and arrival, so that all that a run has created can be found again and told apart.

    Args:
        contract: the target's.
        run_id: of the run.
        document: what it is made from; one that fits the create schema unless given.
    """
    if contract.raw is not None:
        return contract.raw.decode().replace("%", "%%")
    body = dict(contract.document() if document is None else document)
    body[contract.fields.name] = f"{name_prefix(run_id)}{_PLACE}" if is_marked(contract, run_id=run_id) else _PLACE
    if document is None and set(body.get("metadata", ())) == {"createflow"}:
        body["metadata"] = {"run": run_id, "arrival": _PLACE}
    text = contract.shape.body(body).decode().replace("%", "%%")
    return text.replace(f'"arrival":"{_PLACE}"', '"arrival":%d').replace(_PLACE, "%d")


def is_marked(contract: Contract, *, run_id: str) -> bool:
    """Whether every create of the run carries a name by which it is found again."""
    if contract.raw is not None:
        return False
    limit = contract.max_length(contract.fields.name)
    return limit is None or len(name_prefix(run_id)) + _LONGEST_NUMBER <= limit


def documents_of(file: Path) -> list[dict[str, Any]]:
    """The documents of a data file, a JSON object a line.

    Raises:
        UserError: it cannot be read, is too large, or a line is no object.
    """
    try:
        if file.stat().st_size > _MOST_BYTES:
            raise UserError(f"{file}: larger than {_MOST_BYTES >> 20} MiB", hint="a sample of them will do")
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{file}: cannot be read: {error}", hint="one JSON object a line, UTF-8") from None
    documents = [_object(file, number, line) for number, line in enumerate(lines, 1) if line.strip()]
    if not documents:
        raise UserError(f"{file}: no document in it", hint="one JSON object a line")
    return documents


def _object(file: Path, number: int, line: str) -> dict[str, Any]:
    try:
        document = json.loads(line)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise UserError(f"{file}, line {number}: not a JSON object", hint="one JSON object a line")
    return document
