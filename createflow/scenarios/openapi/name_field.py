"""Which field of a body takes the text that is each create's own."""

import re
from typing import Any

from createflow.scenarios.openapi.values import as_object, types_of

_NAMES = (
    "name", "title", "label", "subject", "summary", "headline", "caption", "note", "notes", "comment", "remark",
    "message", "memo", "text", "content", "description", "reason", "purpose",
)  # fmt: skip
"""Words for free text, from the one that says most."""
_OTHERS = re.compile(
    r"(^|_)(id|ids|uid|uuid|guid|code|key|token|secret|password|passwd|pin|hash|digest|signature|slug|url|uri|href|link|"
    r"email|mail|phone|mobile|fax|iban|bic|swift|account|currency|country|region|locale|lang|language|timezone|zone|type|"
    r"status|state|kind|number|num|no|sku|ref|reference|version|date|time|at|on|ip|host|domain|path|file|color|colour|"
    r"role|scope|format|mode|method|level|unit|amount|price|zip|postcode|client|tenant|user|username|login)$"
)
"""The last word of a name whose value is an identifier, a code, a secret, or something else than free text."""
_LEAST_CHARACTERS = 16
_LONGEST = 1000


def name_field(schema: dict[str, Any] | None) -> str | None:
    """The text field of a body that may have any value; ``None`` where there is none."""
    return next(iter(name_fields(schema)), None)


def name_fields(schema: dict[str, Any] | None) -> list[str]:
    """The text fields of a body that may have any value, from the one that fits best.

    By type, length and the meaning of their names. One that must match a pattern is taken only if its name says what it
    is: whether a text can be made for it, the first body shows.
    """
    free = {
        name: one
        for name, one in as_object(as_object(schema).get("properties")).items()
        if isinstance(one, dict) and _is_text(one) and re.match(r"[^/@]", name) and len(name) <= _LONGEST
    }
    named = {_words(name): name for name in reversed(free)}
    found = [named[word] for word in _NAMES if word in named]
    found += [name for word in _NAMES for words, name in reversed(named.items()) if words.endswith(f"_{word}")]
    found += [
        name for words, name in reversed(named.items()) if "pattern" not in free[name] and not _OTHERS.search(words)
    ]
    return list(dict.fromkeys(found))


def means_text(name: str) -> bool:
    """Whether a field of this name holds free text."""
    words = _words(name)
    return any(words == word or words.endswith(f"_{word}") for word in _NAMES)


def _is_text(schema: dict[str, Any]) -> bool:
    longest = schema.get("maxLength", _LONGEST)
    return (
        "string" in types_of(schema)
        and not {"enum", "const", "format", "contentEncoding"} & schema.keys()
        and schema.get("writeOnly") is not True
        and isinstance(longest, (int, float))
        and longest >= _LEAST_CHARACTERS
    )


def _words(name: str) -> str:
    """The name in lower case, with its words apart: ``clientId`` is ``client_id``."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|[-. ]", "_", name).lower()
