"""When two JSON values are equal, and what a server may add to one."""

from typing import Any

_SCALARS = frozenset({str, int, float, bool, type(None)})


class OpenObject(dict[str, Any]):
    """An object as it was sent, to which the server may add members of its own: the id of an order's item, for example.

    Whatever compares it with a copy asks that its own members are there. An ordinary object has no others in any copy.
    """


def same_json(shown: Any, kept: Any) -> bool:
    """Whether two JSON values are equal and of the same type, at every depth.

    A copy of an ``OpenObject`` may have more members than it.
    """
    kind = type(shown)
    if kind is type(kept) and kind in _SCALARS:  # most values of the copies of a load
        return bool(shown == kept)
    if isinstance(shown, dict) and isinstance(kept, dict):
        has_its_members = shown.keys() <= kept.keys() if isinstance(shown, OpenObject) else shown.keys() == kept.keys()
        return has_its_members and all(same_json(value, kept[name]) for name, value in shown.items())
    if isinstance(shown, list) and isinstance(kept, list):
        return len(shown) == len(kept) and all(map(same_json, shown, kept))
    if isinstance(shown, (int, float)) and isinstance(kept, (int, float)):
        return isinstance(shown, bool) == isinstance(kept, bool) and _same_number(shown, kept)
    return type(shown) is type(kept) and bool(shown == kept)


def _same_number(shown: Any, kept: Any) -> bool:
    if shown == kept or float not in {type(shown), type(kept)}:
        return bool(shown == kept)
    try:
        # One writer of JSON writes 1e+40 where another writes 1 and forty zeros, for the same double (RFC 8259 §6).
        return float(shown) == float(kept)
    except OverflowError:
        return False
