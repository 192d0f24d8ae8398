"""Reads JSON that somebody else may have written, within bounds of size and depth.

The values are counted in the text before any is built: two characters of JSON can become 64 bytes of memory.
"""

import json
import math
from typing import Any, NoReturn

MOST_LEVELS = 100
MOST_DIGITS = 400
_MOST_BITS = 4 * MOST_DIGITS
_MOST_IN_TEXTS = 100_000
"""Commas, colons and brackets inside of texts."""
_SHOWN_CHARACTERS = 80


class Malformed(ValueError):  # noqa: N818 - a statement about the text
    """The text cannot be used; the message says why and, where it is known, in which line."""


def parse_json(text: str, *, most_parts: int, most_levels: int = MOST_LEVELS) -> Any:
    """The value of a JSON text: numbers are finite, keys unique in their object, and texts Unicode.

    Args:
        text: JSON (RFC 8259).
        most_parts: most values and keys.
        most_levels: most objects and lists inside each other.

    Raises:
        Malformed: it is not JSON, or exceeds a bound.
    """
    # Every value but the first follows one of these; inside of texts they only make the estimate larger.
    if sum(map(text.count, ",[{:")) > 2 * most_parts + _MOST_IN_TEXTS:
        raise Malformed(f"more than {most_parts} parts")
    try:
        value = json.loads(
            text, object_pairs_hook=_object, parse_int=integer, parse_float=number, parse_constant=refuse_constant
        )
    except RecursionError:
        raise Malformed(f"more than {most_levels} levels") from None
    except json.JSONDecodeError as error:
        raise Malformed(f"not JSON: line {error.lineno}: {error.msg}") from None
    check_size(value, most_parts=most_parts, most_levels=most_levels)
    return value


def check_size(value: Any, *, most_parts: int, most_levels: int = MOST_LEVELS) -> None:
    """Count the values and levels, without recursion, and look at the texts.

    Raises:
        Malformed: a bound is exceeded, or a text is not Unicode.
    """
    parts = 0
    level = [value]
    for _ in range(most_levels + 1):
        parts += len(level)
        if parts > most_parts:
            raise Malformed(f"more than {most_parts} parts")
        inner: list[Any] = []
        for part in level:
            if isinstance(part, dict):
                inner += part.keys()
                inner += part.values()
            elif isinstance(part, list):
                inner += part
            elif isinstance(part, str) and not part.isascii():
                _check_text(part)
            elif isinstance(part, int) and part.bit_length() > _MOST_BITS:
                # Python refuses to write such a number as text.
                raise Malformed("a number that is too long or too large")
        level = inner
        if not level:
            return
    raise Malformed(f"more than {most_levels} levels")


def integer(text: str) -> int:
    """The whole number of digits; with 0x or 0o before them, in that base."""
    if len(text) > MOST_DIGITS:
        raise Malformed(f"a number of {len(text)} digits")
    return int(text, 0) if text[:2] in {"0x", "0o"} else int(text)


def number(text: str) -> float:
    """The finite number of a text."""
    if len(text) > MOST_DIGITS:
        raise Malformed(f"a number of {len(text)} digits")
    value = float(text)
    if not math.isfinite(value):
        raise Malformed(f"the number {shown(text)} is too large")
    return value


def refuse_constant(text: str) -> NoReturn:
    """For NaN and Infinity, which are not numbers of JSON."""
    raise Malformed(f"{text} is not a number of JSON")


def shown(text: Any) -> str:
    """The beginning of a text, in quotes."""
    return repr(str(text)[:_SHOWN_CHARACTERS])


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for key, value in pairs:
        if key in made:
            raise Malformed(f"the key {shown(key)} stands twice in one object")
        made[key] = value
    return made


def _check_text(text: str) -> None:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise Malformed("a text with half a surrogate pair, which is not Unicode text") from None
