"""Reads an OpenAPI document from a file or a URL. References to other documents are not followed."""

import json
from pathlib import Path
from typing import Any

import httpx
import yaml

from createflow.scenarios.text.json_pointer import value_at
from createflow.schemas.error import TargetError, UserError
from createflow.schemas.profile_section import checked_address

MAX_BYTES = 8 * 1024 * 1024
_TIMEOUT_S = 20.0
_DEEPEST = 40
"""Deeper parts are left out."""
_MOST_PARTS = 200_000
"""Aliases and references can make a small document very large."""

Document = dict[str, Any]


def read_document(where: str) -> Document:
    """The document, JSON or YAML.

    Raises:
        UserError: no such file, too big, or not OpenAPI 3.0 or 3.1.
        TargetError: the URL does not answer with it.
    """
    raw = _downloaded(where) if where.startswith(("http://", "https://")) else _from_file(Path(where))
    try:
        document = json.loads(raw) if raw.lstrip()[:1] == b"{" else yaml.safe_load(raw)
    except (ValueError, yaml.YAMLError, RecursionError):
        raise UserError(f"{where}: neither JSON nor YAML", hint="an OpenAPI document is JSON or YAML") from None
    version = str(document.get("openapi", "")) if isinstance(document, dict) else ""
    if not version.startswith(("3.0", "3.1")):
        raise UserError(f"{where}: not an OpenAPI 3.0 or 3.1 document", hint='it begins with openapi: "3.1.0"')
    try:
        return _json(document)
    except RecursionError:
        raise UserError(f"{where}: nested too deeply") from None


def resolve(document: Document, value: Any) -> Any:
    """The value with the references inside the document replaced; others, and recursive ones, are left out.

    Raises:
        UserError: the result is too large.
    """
    return _Resolver(document).resolved(value, 0, frozenset())


class _Resolver:
    def __init__(self, document: Document) -> None:
        self._document = document
        self._left = _MOST_PARTS

    def resolved(self, value: Any, depth: int, inside: frozenset[str]) -> Any:
        self._left -= 1
        if self._left < 0:
            raise UserError(f"the document's references expand to more than {_MOST_PARTS} parts")
        if isinstance(value, list):
            return [self.resolved(item, depth + 1, inside) for item in value]
        if not isinstance(value, dict):
            return value
        reference = value.get("$ref")
        if depth > _DEEPEST:
            return {}
        if isinstance(reference, str):
            if not reference.startswith("#/") or reference in inside:
                return {}
            found = value_at(self._document, reference[1:]) or {}
            return self.resolved(found, depth + 1, inside | {reference})
        return {key: self.resolved(item, depth + 1, inside) for key, item in value.items()}


def _json(value: Any) -> Document:
    """A value of YAML as JSON: dates, and keys that are not strings, become text."""
    left = _MOST_PARTS

    def walked(part: Any) -> Any:
        nonlocal left
        left -= 1
        if left < 0:
            raise UserError(f"the document has more than {_MOST_PARTS} parts")
        if isinstance(part, dict):
            return {str(key): walked(item) for key, item in part.items()}
        if isinstance(part, list):
            return [walked(item) for item in part]
        return part if part is None or isinstance(part, (str, int, float, bool)) else str(part)

    made: Document = walked(value)
    return made


def _from_file(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not the name of a file"
        hint = "--openapi names a file or an http:// or https:// URL"
        raise UserError(f"{str(path)[:200]}: cannot be read: {reason}", hint=hint) from None
    if len(raw) > MAX_BYTES:
        raise UserError(f"{path}: larger than {MAX_BYTES} bytes")
    return raw


def _downloaded(url: str) -> bytes:
    body = bytearray()
    try:
        checked_address(url)
        with httpx.stream("GET", url, timeout=_TIMEOUT_S, trust_env=False, follow_redirects=False) as reply:
            if reply.status_code != 200:
                raise TargetError(url, f"answered {reply.status_code}", hint="redirects are not followed")
            for piece in reply.iter_bytes():
                body += piece
                if len(body) > MAX_BYTES:
                    raise UserError(f"{url}: larger than {MAX_BYTES} bytes")
    except (httpx.InvalidURL, ValueError):
        raise UserError(f"{url!r}: not a valid address", hint="--openapi FILE_OR_URL") from None
    except httpx.HTTPError as error:
        raise TargetError(url, str(error) or type(error).__name__) from None
    return bytes(body)
