"""Lines of keys and tables, whatever form TOML allows for them."""

import tomllib
from collections.abc import Iterator
from typing import Any

import pytest

from createflow.schemas.reading.toml_positions import Path, TomlPositions

DOCUMENT = '''\
# [auth] in a comment
title = "a # no comment"  # [a.b]
text = """
[auth]
kind = "none"
"quoted = 1"
"""
other = \'\'\'
[[baseline]]
it\'s = 1\'\'\'
quotes = """one "" and three: \\""" and two at the end"""""
"quoted key" . 'with.dot' = 1
"esc\\u0061ped" = 2
a.b.c = 3
date = 1979-05-27T07:32:00Z
list = [
  "x", # ]
  [1, 2],
  { inner = "}", deep.er = [{ k = 1 }] },
]
inline = { one = 1, "two" = { three = 3 } }
empty = {}
none = []

[auth]  # the real one
kind = "static"

[ "sinks" . primary ]
dsn = 'x'

[[baseline]]
id = "one"
[baseline.more]
note = 1

[[baseline]]
id = "two"
[baseline.more]
note = 2
[[baseline.deep]]
x = 1
[[baseline.deep]]
x = 2
[sinks]
late = true'''


def _paths(value: Any, at: Path = ()) -> Iterator[Path]:
    if at:
        yield at
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _paths(item, (*at, key))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from _paths(item, (*at, number))


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("title",), 2),
        (("text",), 3),
        (("other",), 8),
        (("quotes",), 11),
        (("quoted key", "with.dot"), 12),
        (("escaped",), 13),
        (("a", "b", "c"), 14),
        (("list", 0), 17),
        (("list", 1, 1), 18),
        (("list", 2, "deep", "er", 0, "k"), 19),
        (("inline", "two", "three"), 21),
        (("auth",), 25),
        (("auth", "kind"), 26),
        (("sinks", "primary", "dsn"), 29),
        (("baseline",), 31),
        (("baseline", 0, "more", "note"), 34),
        (("baseline", 1), 36),
        (("baseline", 1, "id"), 37),
        (("baseline", 1, "more", "note"), 39),
        (("baseline", 1, "deep", 1, "x"), 43),
        (("sinks", "late"), 45),
    ],
    ids=lambda value: ".".join(map(str, value)) if isinstance(value, tuple) else str(value),
)
def test_a_key_is_found_where_it_is(path: Path, line: int) -> None:
    """Not in a comment, nor in a string of several lines."""
    assert TomlPositions(DOCUMENT).line_of(path) == line


@pytest.mark.parametrize("text", [DOCUMENT, DOCUMENT.replace("\n", "\r\n"), f"\ufeff{DOCUMENT}", f"{DOCUMENT}\n\n"])
def test_exactly_what_the_parser_reads_has_a_line(text: str) -> None:
    """With either line break, a byte order mark, or empty lines at the end."""
    positions = TomlPositions(text)
    assert set(positions._lines) == set(_paths(tomllib.loads(text.removeprefix("\ufeff"))))
    assert positions.line_of(("sinks", "late")) == 45


def test_what_is_not_there_has_the_line_of_the_table_around_it() -> None:
    """A missing key is reported there; a missing table nowhere."""
    positions = TomlPositions(DOCUMENT)
    assert positions.line_of(("auth", "missing", "deeper")) == 25
    assert positions.line_of(("target", "base_url")) == 0


@pytest.mark.parametrize("text", ["", "\n", "# only a comment", "a=1", "[t]", "[[t]]", "a = 'x'\r\n"])
def test_small_documents_end_where_they_end(text: str) -> None:
    """No line break is needed at the end."""
    assert set(TomlPositions(text)._lines) == set(_paths(tomllib.loads(text)))
