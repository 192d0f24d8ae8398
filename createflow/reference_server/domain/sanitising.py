"""Which text is accepted. Characters that harm later readers are refused; text is normalised to Unicode NFC."""

import math
import re
import unicodedata
from typing import Any

from createflow.reference_server.domain.job import Violation

INTEGER_MIN = -(2**63)
INTEGER_MAX = 2**63 - 1
_CONTROLS = r"\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffe\uffff"
_UNSEEN = r"\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
_LONELY_JOINER = r"(?<![^\x00-\x7f\s])[\u200c\u200d]|[\u200c\u200d](?![^\x00-\x7f\s])"
"""A joiner between two non-ASCII characters is part of a word or an emoji; anywhere else it is only invisible."""
_HARMFUL = re.compile(rf"[{_CONTROLS}\ud800-\udfff]")
_INVISIBLE = re.compile(f"[{_UNSEEN}]")
_JOINER = re.compile(_LONELY_JOINER)
_FILLERS = frozenset("\u115f\u1160\u2800\u3164\uffa0")
TEXT_PATTERN = f"^[^{_CONTROLS}]*$"
"""For documentation: text that is accepted. Lone surrogates, which are refused too, cannot be named in a pattern."""
NAME_RULES: list[dict[str, Any]] = [
    {"pattern": TEXT_PATTERN},
    {"not": {"pattern": f"[{_UNSEEN}]|{_LONELY_JOINER}"}},
    # At least one character that can be seen: no space, filler, joiner or format character (Unicode category Cf).
    {
        "pattern": r"[^\s\u0600-\u0605\u06dd\u070f\u0890\u0891\u08e2\u115f\u1160\u200c\u200d\u2800\u3164\uffa0"
        "\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0001\U000e0020-\U000e007f]"
    },
]
"""For documentation: the rules for names as JSON Schema."""


def pointer(parent: str, key: str | int) -> str:
    """Return the JSON Pointer of a member: ``~`` and ``/`` in the key are escaped (RFC 6901 §3)."""
    return f"{parent}/{str(key).replace('~', '~0').replace('/', '~1')}"


def is_blank(text: str) -> bool:
    """Whether all characters of the text are invisible."""
    return not text or all(
        character.isspace() or character in _FILLERS or unicodedata.category(character) in {"Cf", "Zs", "Zl", "Zp"}
        for character in text
    )


def name_violations(name: str) -> list[Violation]:
    """Return violations of the rules for names: characters that make two different names look the same."""
    if _INVISIBLE.search(name) or _JOINER.search(name):
        return [Violation("/name", "must not hold invisible or direction-changing characters", "characters")]
    if is_blank(name):
        return [Violation("/name", "must not be blank", "blank")]
    return []


class Sanitiser:
    """Walks one decoded document: normalises text, collects violations, checks the depth."""

    def __init__(self) -> None:
        self.violations: list[Violation] = []
        self.is_too_deep = False

    def walk(self, value: Any, at: str, levels: int) -> Any:
        """Return the value with all text in NFC.

        Args:
            value: decoded JSON.
            at: the value's JSON Pointer.
            levels: how many levels of containers are allowed from here on.
        """
        kind = type(value)
        if kind is str:
            return self._text(value, at)
        if kind is dict:
            return self._mapping(value, at, levels)
        if kind is list:
            if levels == 0:
                return self._deep(at)
            return [self.walk(item, pointer(at, index), levels - 1) for index, item in enumerate(value)]
        if (kind is int and not INTEGER_MIN <= value <= INTEGER_MAX) or (kind is float and not math.isfinite(value)):
            self.violations.append(Violation(at, "is a number that cannot be kept exactly", "number"))
        return value

    def _text(self, text: str, at: str) -> str:
        if _HARMFUL.search(text):
            self.violations.append(Violation(at, "must not hold control characters", "characters"))
            return text
        return text if text.isascii() else unicodedata.normalize("NFC", text)

    def _mapping(self, value: dict[str, Any], at: str, levels: int) -> Any:
        if levels == 0:
            return self._deep(at)
        clean: dict[str, Any] = {}
        for key, item in value.items():
            if _HARMFUL.search(key):
                self.violations.append(Violation(at, "has a key with control characters", "characters"))
                continue
            kept = key if key.isascii() else unicodedata.normalize("NFC", key)
            if kept in clean:
                self.violations.append(Violation(at, "has the same key twice once normalised", "duplicate"))
            clean[kept] = self.walk(item, pointer(at, kept), levels - 1)
        return clean

    def _deep(self, at: str) -> None:
        if not self.is_too_deep:
            self.violations.append(Violation(at, "is nested too deeply", "depth"))
        self.is_too_deep = True
