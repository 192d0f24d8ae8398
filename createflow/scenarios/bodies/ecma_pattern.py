"""A pattern of ECMA-262, as JSON Schema has it, in the syntax of Python, to make texts that match.

JSON Schema Core 2020-12 §6.4: patterns are of ECMA-262 with Unicode. Python differs in names of groups, in classes of
Unicode properties, in code points in braces, control letters and the classes that hold everything or nothing. What
else differs does not matter here: texts are made of few letters, and each is held against the schema.
"""

import re
import unicodedata
from collections.abc import Iterator
from functools import cache

_PIECE = re.compile(
    r"\\[pP]\{(?P<property>[^{}]*)\}|\\u\{(?P<code>[0-9a-fA-F]{1,6})\}|\\c(?P<control>[A-Za-z])|\\k<(?P<same>\w+)>"
    r"|\\.|\(\?<(?P<group>[A-Za-z_$][\w$]*)>|\[\^\]|\[\]|(?P<open>\[)|(?P<close>\])",
    re.DOTALL,
)
_FIRST, _LAST, _LAST_OF_SCRIPTS = 0x20, 0x24F, 0x30FF
_MOST_OF_SCRIPT = 60
_CATEGORIES = {
    "Letter": "L", "Uppercase_Letter": "Lu", "Lowercase_Letter": "Ll", "Mark": "M", "Number": "N",
    "Decimal_Number": "Nd", "Punctuation": "P", "Symbol": "S", "Separator": "Z", "Alphabetic": "L",
    "Lowercase": "Ll", "Uppercase": "Lu", "White_Space": "Z",
}  # fmt: skip
_GREEDY = re.compile(r"\^(\[(?:[^\]\\]|\\.)+\]|\\[dw])([*+])\$")


def in_python(pattern: str) -> tuple[str, str]:
    """The pattern for ``re``, and the letters beyond ASCII that it needs.

    Raises:
        re.error: it has a property that is not known, or is no pattern.
    """
    parts: list[str] = []
    letters: dict[str, None] = {}
    is_in_class, end = False, 0
    for piece in _PIECE.finditer(pattern):
        found = _letters_in(piece, pattern)
        if found:
            letters |= dict.fromkeys(letter for letter in found if not letter.isascii())
            inside = "".join(map(re.escape, found))
            text = inside if is_in_class else f"[{inside}]"
        else:
            text = _syntax(piece, is_in_class=is_in_class)
        is_in_class = not piece["close"] and (is_in_class or bool(piece["open"]))
        parts += pattern[end : piece.start()], text
        end = piece.end()
    made = "".join([*parts, pattern[end:]])
    re.compile(made)
    return made, "".join(letters)


def _letters_in(piece: re.Match[str], pattern: str) -> list[str]:
    """The letters that the piece stands for, where Python cannot write it."""
    if piece["property"] is not None:
        found = _letters_of(piece["property"], pattern)
        if piece[0][1] == "p":
            return found
        return [letter for letter in map(chr, range(_FIRST, 0x7F)) if letter not in found]
    if piece["code"] is not None:
        return [_letter(piece["code"], pattern)]
    return [chr(ord(piece["control"].upper()) - 64)] if piece["control"] else []


def _syntax(piece: re.Match[str], *, is_in_class: bool) -> str:
    if piece["same"] is not None:
        return f"(?P={piece['same']})"
    if piece["group"] is not None:
        return f"(?P<{piece['group'].replace('$', '_')}>"
    if piece["open"] and is_in_class:
        return r"\["
    return {"[^]": r"[\s\S]", "[]": "(?!)"}.get(piece[0], piece[0])


def with_length(pattern: str, least: int, most: int) -> str:
    """The pattern, where it is one class repeated, so that only texts of these lengths match."""
    found = _GREEDY.fullmatch(pattern)
    if found is None:
        return pattern
    return f"^{found[1]}{{{max(least, 1 if found[2] == '+' else 0)},{most}}}$"


def _letter(code: str, pattern: str) -> str:
    value = int(code, 16)
    if value > 0x10FFFF or 0xD800 <= value <= 0xDFFF:
        raise re.error(f"no code point {code[:8]}", pattern)
    return chr(value)


def _letters_of(name: str, pattern: str) -> list[str]:
    key, _, value = name.rpartition("=")
    if key in {"Script", "sc", "Script_Extensions", "scx"}:
        found = list(_of_script(value.upper()))[:_MOST_OF_SCRIPT]
    else:
        found = _of_category(_CATEGORIES.get(value, value))
    if not found:
        raise re.error(f"the property {name[:40]} is not known", pattern)
    return found


@cache
def _of_category(name: str) -> list[str]:
    if not re.fullmatch("[LMNPSZ][a-z]?", name):
        return []
    return [one for one in map(chr, range(_FIRST, _LAST)) if unicodedata.category(one).startswith(name)]


def _of_script(name: str) -> Iterator[str]:
    for code in range(_FIRST, _LAST_OF_SCRIPTS):
        letter = chr(code)
        if unicodedata.category(letter)[0] == "L" and unicodedata.name(letter, "").split(" ")[0] == name:
            yield letter
