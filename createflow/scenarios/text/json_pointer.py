"""JSON Pointers (RFC 6901)."""

import re
from typing import Any

# RFC 6901 §4: digits of ASCII, without a leading zero. No list is longer than nine digits can tell.
_INDEX = re.compile(r"0|[1-9][0-9]{0,8}")
_NOTHING = object()


def reference_tokens(pointer: str) -> list[str]:
    """The reference tokens of a pointer, unescaped (RFC 6901 §4)."""
    return [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]


def value_at(document: Any, pointer: str) -> Any:
    """The value at a pointer, or ``None`` when the document has none."""
    found = _found_at(document, pointer)
    return None if found is _NOTHING else found


def has_value_at(document: Any, pointer: str) -> bool:
    """Whether a document has something at a pointer; ``null`` is something."""
    return _found_at(document, pointer) is not _NOTHING


def _found_at(document: Any, pointer: str) -> Any:
    for name in reference_tokens(pointer):
        if isinstance(document, dict) and name in document:
            document = document[name]
        elif isinstance(document, list) and _INDEX.fullmatch(name) and int(name) < len(document):
            document = document[int(name)]
        else:
            return _NOTHING
    return document
