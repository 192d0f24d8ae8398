"""JSON Pointers (RFC 6901)."""

import re
from typing import Any

# RFC 6901 §4: digits of ASCII, without a leading zero. No list is longer than nine digits can tell.
_INDEX = re.compile(r"0|[1-9][0-9]{0,8}")


def reference_tokens(pointer: str) -> list[str]:
    """The reference tokens of a pointer, unescaped (RFC 6901 §4)."""
    return [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]


def value_at(document: Any, pointer: str) -> Any:
    """The value at a pointer, or ``None`` when the document has none."""
    for name in reference_tokens(pointer):
        if isinstance(document, dict) and name in document:
            document = document[name]
        elif isinstance(document, list) and _INDEX.fullmatch(name) and int(name) < len(document):
            document = document[int(name)]
        else:
            return None
    return document
