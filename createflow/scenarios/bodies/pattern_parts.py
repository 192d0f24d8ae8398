"""A pattern as a row of letters to choose from, so that texts of it can be made without trying."""

from collections.abc import Callable, Iterator, Sequence
from importlib import import_module
from typing import Any

# The parser of ``re``, which Hypothesis uses as well. It has no types, and is the same in Python 3.11 to 3.13.
tokens: Any = import_module("re._constants")
parser: Any = import_module("re._parser")

_VISIBLE = [chr(code) for code in range(0x21, 0x7F)]
_WORDLY = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_WANTED_REPEATS = (12, 6, 3, 1, 0)
"""How often a part that may be repeated stands there, from the first that fits."""
_MOST_PARTS = 2_000
_CATEGORIES: dict[Any, Callable[[str], bool]] = {
    tokens.CATEGORY_DIGIT: str.isdigit,
    tokens.CATEGORY_NOT_DIGIT: lambda letter: not letter.isdigit(),
    tokens.CATEGORY_WORD: lambda letter: letter.isalnum() or letter == "_",
    tokens.CATEGORY_NOT_WORD: lambda letter: not (letter.isalnum() or letter == "_"),
    tokens.CATEGORY_SPACE: str.isspace,
    tokens.CATEGORY_NOT_SPACE: lambda letter: not letter.isspace(),
}


def parts_of(pattern: str, least: int, most: int) -> Iterator[list[str]]:
    """Rows of parts whose texts mostly match, the longer ones first. Whoever uses them holds them against the pattern.

    Args:
        pattern: in the syntax of ``re``.
        least: letters of a text.
        most: letters of a text.

    Raises:
        re.error: it is no pattern.
        ValueError: it has something that no row can say.
    """
    parsed = parser.parse(pattern)
    seen: list[list[str]] = []
    for wanted in _WANTED_REPEATS:
        parts = list(_parts(parsed, wanted))
        if len(parts) < least and parts and not pattern.endswith("$"):
            parts += [_WORDLY] * (least - len(parts))
        if least <= len(parts) <= most and parts not in seen:
            seen.append(parts)
            yield parts


def _parts(parsed: Any, wanted: int) -> list[str]:
    found: list[str] = []
    for operator, argument in parsed:
        found += _part(operator, argument, wanted)
        if len(found) > _MOST_PARTS:
            raise ValueError("it asks for long texts")
    return found


def _part(operator: Any, argument: Any, wanted: int) -> list[str]:
    if operator in {tokens.AT, tokens.ASSERT, tokens.ASSERT_NOT}:
        return []
    if operator in {tokens.MAX_REPEAT, tokens.MIN_REPEAT}:
        return _repeated(argument, wanted)
    if operator in {tokens.SUBPATTERN, tokens.BRANCH}:
        return _parts(argument[-1] if operator is tokens.SUBPATTERN else argument[1][0], wanted)
    if operator not in _ONE:
        raise ValueError(f"no row of letters says {operator}")
    letters: str = _ONE[operator](argument)
    return [letters]


def _repeated(argument: Any, wanted: int) -> list[str]:
    least, most, inner = argument
    times = max(int(least), min(int(most), wanted))
    once = _parts(inner, 1 if any(part[0] in {tokens.MAX_REPEAT, tokens.MIN_REPEAT} for part in inner) else wanted)
    if times * len(once) > _MOST_PARTS:
        raise ValueError("it asks for long texts")
    return once * times


def _letters(members: Sequence[Any]) -> str:
    """The letters of a class, those of words first where it has any."""
    is_negated = members[0][0] is tokens.NEGATE
    found = [letter for letter in _VISIBLE if any(_is_in(letter, member) for member in members) != is_negated]
    if not found and members[0][0] is tokens.LITERAL:
        return chr(members[0][1])
    words = [letter for letter in found if letter in _WORDLY]
    if not found:
        raise ValueError("a class without a visible letter")
    return "".join(words or found)


_ONE: dict[Any, Callable[[Any], str]] = {
    tokens.LITERAL: chr,
    tokens.IN: _letters,
    tokens.NOT_LITERAL: lambda code: "".join(letter for letter in _WORDLY if ord(letter) != code),
    tokens.ANY: lambda _: _WORDLY,
}
"""The letters of what stands for one."""


def _is_in(letter: str, member: Any) -> bool:
    operator, argument = member
    if operator is tokens.RANGE:
        return bool(argument[0] <= ord(letter) <= argument[1])
    if operator is tokens.CATEGORY:
        return bool(_CATEGORIES[argument](letter))
    return operator is tokens.LITERAL and ord(letter) == argument
