"""When a value in a copy is the value that the reply showed, whatever type the copy keeps it in."""

import re
from datetime import datetime
from typing import Any

_FRACTION = re.compile(r"\.(\d+)")


def same(shown: Any, kept: Any) -> bool:
    """The copy's value says what the reply's JSON value says.

    Databases keep times as times and ids as numbers or UUIDs; times are compared as instants, to the digits shown.
    """
    if shown == kept:
        return True
    if isinstance(shown, str):
        first = _instant(shown)
        second = kept if isinstance(kept, datetime) else _instant(kept) if isinstance(kept, str) else None
        if first is not None and second is not None and second.tzinfo is not None:
            return abs((first - second).total_seconds()) < max(_digit_s(shown), 1e-6)
        return not isinstance(kept, (str, dict, list, bool)) and kept is not None and shown == str(kept)
    return False


def differences(shown: dict[str, Any], kept: dict[str, Any]) -> list[str]:
    """The fields of the reply that the copy lacks or has with another value."""
    return [name for name, value in shown.items() if name not in kept or not same(value, kept[name])]


def _instant(text: str) -> datetime | None:
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        return None
    return instant if instant.tzinfo is not None else None


def _digit_s(text: str) -> float:
    """What the last shown digit of the seconds is worth."""
    fraction = _FRACTION.search(text)
    return float(10 ** -len(fraction[1])) if fraction else 1.0
