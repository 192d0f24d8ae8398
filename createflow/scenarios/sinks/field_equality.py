"""Compares the values of a reply with those in a sink, whatever type the sink keeps them in."""

import re
from datetime import datetime
from typing import Any

_FRACTION = re.compile(r"\.(\d+)")


def equal(shown: Any, kept: Any) -> bool:
    """Whether the value in a sink equals the JSON value in a reply.

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
    """The fields of the reply that are missing in the sink or have another value there."""
    return [name for name, value in shown.items() if name not in kept or not equal(value, kept[name])]


def _instant(text: str) -> datetime | None:
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        return None
    return instant if instant.tzinfo is not None else None


def _digit_s(text: str) -> float:
    """The value of the last digit of the seconds in the text."""
    fraction = _FRACTION.search(text)
    return float(10 ** -len(fraction[1])) if fraction else 1.0
