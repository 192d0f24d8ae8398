"""Reads TOML that somebody else may have written, within bounds of time, memory and depth.

The standard library's parser takes time and memory that grow with the square of the parts of a dotted key: one key of a
megabyte takes hours.
"""

import tomllib
from typing import Any

from createflow.schemas.reading.bounded_json import Malformed, check_size

MOST_BYTES = 256 * 1024
MOST_LEVELS = 40
_MOST_PARTS = 100_000
_MOST_WORK = 250_000
"""Squares of the dots of each line, summed: one key of 500 parts, or 10,000 lines of five."""


def parse_toml(text: str) -> dict[str, Any]:
    """The tables of a TOML document.

    Args:
        text: at most ``MOST_BYTES``; the caller sees to it when it reads the file.

    Raises:
        Malformed: it exceeds a bound.
        tomllib.TOMLDecodeError: it is not TOML; the message names the line.
    """
    # A key is within one line. Dots in texts count as well, and no profile has so many of them.
    if sum(line.count(".") ** 2 for line in text.splitlines()) > _MOST_WORK:
        raise Malformed("keys with too many dots")
    try:
        document = tomllib.loads(text)
    except RecursionError:
        raise Malformed(f"more than {MOST_LEVELS} levels") from None
    except tomllib.TOMLDecodeError:
        raise
    except ValueError as error:
        # Python turns no more than 4,300 digits into a number, and the parser lets that error through.
        raise Malformed(f"a number or a date that is too long or too large: {error}") from None
    check_size(document, most_parts=_MOST_PARTS, most_levels=MOST_LEVELS)
    return document
