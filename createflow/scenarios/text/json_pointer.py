"""JSON Pointers (RFC 6901): reading a place in a document, and writing one."""

from typing import Any


def parts_of(pointer: str) -> list[str]:
    """The reference tokens, unescaped."""
    return [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]


def value_at(document: Any, pointer: str) -> Any:
    """The value at a pointer, or ``None`` when nothing is there."""
    for name in parts_of(pointer):
        if isinstance(document, dict) and name in document:
            document = document[name]
        elif isinstance(document, list) and name.isdigit() and int(name) < len(document):
            document = document[int(name)]
        else:
            return None
    return document
