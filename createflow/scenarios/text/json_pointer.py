"""JSON Pointers (RFC 6901)."""

from typing import Any


def reference_tokens(pointer: str) -> list[str]:
    """The reference tokens of a pointer, unescaped (RFC 6901 §4)."""
    return [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]


def value_at(document: Any, pointer: str) -> Any:
    """The value at a pointer, or ``None`` when the document has none."""
    for name in reference_tokens(pointer):
        if isinstance(document, dict) and name in document:
            document = document[name]
        elif isinstance(document, list) and name.isdigit() and int(name) < len(document):
            document = document[int(name)]
        else:
            return None
    return document
