"""JSON values as they are written: numbers to the last digit, compared and shown."""

import json
import unicodedata
from decimal import Decimal
from typing import Any

from createflow.scenarios.text.json_equality import OpenObject

NOTHING = object()
"""Stands for a value that is not there."""


def exact(raw: bytes) -> Any:
    """JSON with its numbers as decimals. Raises ValueError where it is none."""
    return json.loads(raw, parse_float=Decimal, parse_int=Decimal)


def has_constants(value: Any) -> bool:
    """Whether NaN or an infinity is in it; all numbers of JSON are read as decimals."""
    if isinstance(value, dict):
        return any(map(has_constants, value.values()))
    return any(map(has_constants, value)) if isinstance(value, list) else isinstance(value, float)


def as_doubles(value: Any) -> Any:
    """What is left of its numbers in a double, which is all that RFC 8259 §6 lets one rely on."""
    if isinstance(value, dict):
        return type(value)({name: as_doubles(one) for name, one in value.items()})
    if isinstance(value, list):
        return [as_doubles(one) for one in value]
    return float(value) if isinstance(value, Decimal) else value


def at(document: Any, path: tuple[str, ...]) -> Any:
    """The value below these keys; ``NOTHING`` where there is none."""
    for name in path:
        if not isinstance(document, dict) or name not in document:
            return NOTHING
        document = document[name]
    return document


def is_same(sent: Any, shown: Any) -> bool:
    """Equal, numbers to the last digit, texts in NFC, which the contract allows; what is open may have more members."""
    if isinstance(sent, dict) and isinstance(shown, dict):
        mine = {_nfc(key): value for key, value in sent.items()}
        theirs = {_nfc(key): value for key, value in shown.items()}
        has_its_members = mine.keys() <= theirs.keys() if isinstance(sent, OpenObject) else mine.keys() == theirs.keys()
        return has_its_members and all(is_same(value, theirs[key]) for key, value in mine.items())
    if isinstance(sent, list) and isinstance(shown, list):
        return len(sent) == len(shown) and all(map(is_same, sent, shown))
    if isinstance(sent, str) and isinstance(shown, str):
        return _nfc(sent) == _nfc(shown)
    return type(sent) is type(shown) and bool(sent == shown)


def _nfc(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def short(value: Any) -> str:
    """The value for a message: as JSON, cut where it is long."""
    if value is NOTHING:
        return "nothing"
    text = _as_json(value)
    return text if len(text) <= 60 else f"{text[:40]}... ({len(text)} characters)"


def _as_json(value: Any) -> str:
    """The value as JSON, with numbers as they were written."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_as_json(name)}: {_as_json(one)}" for name, one in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_as_json, value)) + "]"
    return str(value) if isinstance(value, (Decimal, float)) else json.dumps(value, ensure_ascii=False)
