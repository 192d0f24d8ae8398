"""TOML of strangers takes bounded time and memory."""

import tomllib

import pytest

from createflow.schemas.reading.bounded_json import Malformed
from createflow.schemas.reading.bounded_toml import MOST_BYTES, MOST_LEVELS, parse_toml


def test_a_usual_document_is_read() -> None:
    """As the standard library reads it, dots and all."""
    text = "\n".join(f'"k{number}" = "a.b.c.d.e"' for number in range(5000)) + "\n[a.b.c]\nd.e = 1.5\n"
    assert parse_toml(text) == tomllib.loads(text)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a." * 100_000 + "a = 1", "too many dots"),
        ("\n".join("a." * 900 + f"b{number} = 1" for number in range(100)), "too many dots"),
        (f"[{'a.' * 1000}a]", "too many dots"),
        (f"a = {{{'b.' * 1000}c = 1}}", "too many dots"),
        ("a = " + "[" * 50 + "]" * 50, "more than 40 levels"),
        ("a = " + "[" * 100_000, "more than 40 levels"),
        ("a = " + "{b = " * 100_000, "more than 40 levels"),
        (f"[{'a.' * 50}a]", "more than 40 levels"),
        (f"a = {'1' * 5000}", "too long or too large"),
        (f"a = 0x{'f' * 200_000}", "too long or too large"),
        ("a = 2024-02-30", "Invalid date"),
    ],
    ids=[
        "a dotted key",
        "dotted keys",
        "a header",
        "inside braces",
        "lists",
        "open lists",
        "open tables",
        "deep header",
        "digits",
        "hexadecimal digits",
        "no day",
    ],
)
def test_a_hostile_document_is_refused_with_the_reason(text: str, reason: str) -> None:
    """In a moment."""
    with pytest.raises((Malformed, tomllib.TOMLDecodeError), match=reason):
        parse_toml(text)


def test_what_the_parser_is_slow_at_is_still_read() -> None:
    """The most that one key may have."""
    deep = parse_toml(f"{'a.' * (MOST_LEVELS - 1)}a = 1")
    assert list(deep) == ["a"]
    assert len(parse_toml("a = [" + "[]," * (MOST_BYTES // 3 - 3) + "]")["a"]) > 80_000
