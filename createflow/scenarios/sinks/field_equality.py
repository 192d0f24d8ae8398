"""Compares what was answered with a copy of it, field by field, types included.

Two kinds of copies: JSON (events, cached values, indexed documents, reads) has JSON's own types, so a text is no number
and ``true`` is not 1. Rows have the types of the database, so an id may be a UUID and a time a time.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from createflow.scenarios.text.json_equality import same_json

_FRACTION = re.compile(r"[.,](\d+)")
_TIME_CHARACTERS = len("2000-01-01T00:00Z")


def equal(shown: Any, kept: Any) -> bool:
    """Whether a value of a row equals the JSON value of a reply.

    Databases keep times as times and ids as numbers or UUIDs; times are compared as instants, to the digits shown.
    """
    if equal_json(shown, kept):
        return True
    if isinstance(shown, str):
        if isinstance(kept, datetime):
            return _same_instant(shown, kept)
        return kept is not None and not isinstance(kept, (str, dict, list, bool)) and shown == str(kept)
    is_number = isinstance(shown, (int, float)) and not isinstance(shown, bool)
    return is_number and isinstance(kept, Decimal) and Decimal(str(shown)) == kept


def equal_json(shown: Any, kept: Any) -> bool:
    """The same for a value of a copy that is JSON, where an instant may be written in another way."""
    if isinstance(shown, str) and isinstance(kept, str) and shown != kept:
        instant = _instant(kept)
        return instant is not None and _same_instant(shown, instant)
    return same_json(shown, kept)


def differences(shown: Mapping[str, Any], kept: Mapping[str, Any]) -> list[str]:
    """The fields of the reply that are missing in the copy or have another value there."""
    return [name for name, value in shown.items() if name not in kept or not equal(value, kept[name])]


def json_differences(shown: Mapping[str, Any], kept: Mapping[str, Any]) -> list[str]:
    """The same for a copy that is JSON."""
    return [name for name, value in shown.items() if name not in kept or not equal_json(value, kept[name])]


def _same_instant(shown: str, kept: datetime) -> bool:
    first = _instant(shown)
    if first is None or kept.tzinfo is None:
        return False
    return abs((first - kept).total_seconds()) < max(_digit_s(shown), 1e-6)


def _instant(text: str) -> datetime | None:
    if len(text) < _TIME_CHARACTERS:
        return None
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        return None
    return instant if instant.tzinfo is not None else None


def _digit_s(text: str) -> float:
    """The value of the last digit of the seconds in the text."""
    fraction = _FRACTION.search(text)
    return float(10 ** -len(fraction[1])) if fraction else 1.0
