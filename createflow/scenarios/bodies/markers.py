"""The text that each create has for itself: of the form that a schema or an example allows, with a word to be found by.

The ordinary word is ``n`` and sixteen hexadecimal digits. Where a field takes no such word, a slug, a short code or a
number of the right form stands for it, and is known because it was made here.
"""

import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from math import prod
from typing import Any

from createflow.scenarios.bodies.ecma_pattern import in_python
from createflow.scenarios.bodies.pattern_parts import parts_of

_NONCE_BYTES = 8
_NONCE = re.compile(rb"\bn[0-9a-f]{16}\b")
_OTHER_WORD = re.compile(rb"[A-Za-z0-9][A-Za-z0-9._@:/+-]{5,199}")
_HEX, _DIGITS, _LOWER = "0123456789abcdef", "0123456789", "abcdefghijklmnopqrstuvwxyz"
_UPPER = _LOWER.upper()
_FEWEST_TEXTS = 10_000
"""A form with fewer would give two creates of a run the same text."""
_FEWEST_TO_SEARCH = 1_000_000
"""A word of a form with fewer may stand in a store by chance, and is not searched for."""
_TRIES = 200
_USUAL_LENGTH = 12
_FORMATS: Mapping[str, tuple[str, str, str]] = {
    "email": ("", "n", "@example.com"),
    "idn-email": ("", "n", "@example.com"),
    "uri": ("https://example.com/", "n", ""),
    "url": ("https://example.com/", "n", ""),
    "uri-reference": ("https://example.com/", "n", ""),
    "hostname": ("", "n", ".example.com"),
    "idn-hostname": ("", "n", ".example.com"),
}
"""What stands around the word in a text of each format, and its first letter."""


_SEEMS = {
    "email": re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+"),
    "uri": re.compile(r"https?://\S+"),
    "uuid": re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"),
}


class TooFew(ValueError):  # noqa: N818 - a statement about the form
    """No more texts of a form can be made."""


class Texts:
    """Texts of one form, each made once.

    Args:
        parts: in order; each is the letters of which one is taken, so a fixed letter is a part of its own.
    """

    def __init__(self, parts: Sequence[str]) -> None:
        self._parts = tuple(parts)
        self._made: set[str] = set()
        self.count = prod(len(set(part)) for part in self._parts)
        """How many there are."""

    @property
    def length(self) -> int:
        """Of each text, in code points."""
        return len(self._parts)

    def new(self) -> str:
        """A text that was not made before.

        Raises:
            TooFew: none was found.
        """
        for _ in range(_TRIES):
            text = "".join(part if len(part) == 1 else secrets.choice(part) for part in self._parts)
            if text not in self._made:
                self._made.add(text)
                if self.count >= _FEWEST_TO_SEARCH:
                    _note(text.rpartition(" ")[2], self)
                return text
        raise TooFew(f"only {self.count} texts have the form that it allows")


_ISSUED: dict[bytes, Texts | None] = {}
"""The words of this process that are no ordinary ones, and the form of each, where it has one."""


def nonce() -> str:
    """A unique word of letters and digits, so that search engines index it as one token."""
    return f"n{secrets.token_hex(_NONCE_BYTES)}"


def nonces_in(content: bytes) -> frozenset[str]:
    """The unique words in some bytes."""
    found = _NONCE.findall(content)
    if _ISSUED:
        words = (word.rstrip(b".:/+-") for word in _OTHER_WORD.findall(content))
        found += [word for word in words if word in _ISSUED]
    return frozenset(word.decode("ascii") for word in found)


def like(word: str) -> str:
    """Another unique word, of the form of this one."""
    form = _ISSUED.get(word.encode())
    return nonce() if form is None else form.new().rpartition(" ")[2]


def note_word(text: str) -> None:
    """Know the last word of a text again, which was made from a template of the profile."""
    _note(text.rpartition(" ")[2], None)


def _note(word: str, form: Texts | None) -> None:
    raw = word.encode("utf-8", "replace")
    if not _NONCE.search(raw) and _OTHER_WORD.fullmatch(raw):
        _ISSUED[raw] = form


def ordinary_texts() -> Iterator[Texts]:
    """The first forms that are tried: a sentence with the word, and the word alone."""
    word = ["n", *[_HEX] * (2 * _NONCE_BYTES)]
    yield Texts([*"createflow ", *word])
    yield Texts(word)


def fitted_texts(schema: Mapping[str, Any], example: object = None) -> list[Texts]:
    """Other forms that a field may take: by its pattern, its format and length, and the form of a valid value.

    Args:
        schema: of the field.
        example: a valid value.
    """
    least, most = _lengths(schema)
    candidates = [*_of_format(schema), *_plain(least, most), *_of_pattern(schema, least, most)]
    if isinstance(example, str):
        candidates += _of_example(example)
    return [one for one in candidates if least <= one.length <= most and one.count >= _FEWEST_TEXTS]


def format_of_example(example: str) -> dict[str, str]:
    """The format that a value seems to have, as a schema says it; empty where it seems to have none."""
    found = next((name for name, pattern in _SEEMS.items() if pattern.fullmatch(example)), None)
    return {} if found is None else {"format": found}


def _lengths(schema: Mapping[str, Any]) -> tuple[int, int]:
    least, most = schema.get("minLength", 0), schema.get("maxLength", 200)
    # 3.0 is an integer as well (JSON Schema Core 2020-12 §4.2.3).
    whole = [int(value) if isinstance(value, (int, float)) else None for value in (least, most)]
    return whole[0] or 0, 200 if whole[1] is None else whole[1]


def _of_format(schema: Mapping[str, Any]) -> Iterator[Texts]:
    kind = str(schema.get("format"))
    if kind == "uuid":
        yield Texts([*[_HEX] * 8, "-", *[_HEX] * 4, "-", "4", *[_HEX] * 3, "-", "89ab", *[_HEX] * 3, "-", *[_HEX] * 12])
    elif kind in _FORMATS:
        before, first, after = _FORMATS[kind]
        for digits in (2 * _NONCE_BYTES, _NONCE_BYTES):
            yield Texts([*before, first, *[_HEX] * digits, *after])


def _of_pattern(schema: Mapping[str, Any], least: int, most: int) -> Iterator[Texts]:
    pattern = schema.get("pattern")
    if not isinstance(pattern, str):
        return
    try:
        python, _ = in_python(pattern)
        yield from (Texts(parts) for parts in parts_of(python, least, most))
    except (re.error, ValueError, RecursionError):
        return  # what is made without it is held against it all the same


def _plain(least: int, most: int) -> Iterator[Texts]:
    for length in dict.fromkeys(max(least, min(wanted, most)) for wanted in (17, _USUAL_LENGTH, most)):
        if not 1 <= length <= 500:
            continue
        rest = length - 1
        for first, others in (
            ("n", _LOWER + _DIGITS),
            ("N", _UPPER + _DIGITS),
            (_LOWER, _LOWER),
            (_UPPER, _UPPER),
            (_UPPER, _LOWER),
            (_DIGITS[1:], _DIGITS),
        ):
            yield Texts([first, *[others] * rest])


def _of_example(example: str) -> Iterator[Texts]:
    kinds = [next((kind for kind in (_DIGITS, _LOWER, _UPPER) if letter in kind), letter) for letter in example]
    yield Texts([kind if kind == _DIGITS else letter for kind, letter in zip(kinds, example, strict=True)])
    yield Texts(kinds)
