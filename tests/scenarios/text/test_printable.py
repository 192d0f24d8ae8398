"""Nothing that a stranger says is a command to a terminal, to a CI system or to a reader's eyes."""

import re
import time
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from createflow.scenarios.text.printable import foldable, one_line, printable_lines

COMMANDS = [
    "::error::x",
    "::add-mask::x",
    "::set-env name=PATH::/tmp",
    "##[error]x",
    "##vso[task.setvariable]x",
    "##teamcity[x]",
    "::stop-commands::x",
    "\r::error::x",
    " \t::error file=a,line=1::x",
    "###[group]x",
]
CONTROLS = [
    "\x1b[2J",
    "\x9b31m",
    "\x07",
    "\x7f",
    "\r",
    "\n",
    "\x00",
    "\u202e",
    "\u2066",
    "\u200e",
    "\u061c",
    "\u2028",
    "\x85",
    "\u200b",
    "\ufeff",
    "\U000e0041",
    "\ud800",
    "\x90q",
]
PIECES = [*COMMANDS, *CONTROLS, "::", ":", "#", "##", "[", "[bold]", " ", "\t", "a"]
TEXTS = st.lists(st.one_of(st.sampled_from(PIECES), st.text(st.characters(), max_size=8)), max_size=8).map("".join)

# As GitHub's runner, Azure's agent and TeamCity look for commands.
_AT_START = re.compile(r"\s*::[A-Za-z][\w-]*( .*?)?::")
_ANYWHERE = re.compile(r"##\w*\[")


def is_shown_as_it_is(char: str) -> bool:
    """No control, format, surrogate, private or unassigned character, and no separator but the space."""
    return char == " " or unicodedata.category(char)[0] not in {"C", "Z"}


@given(TEXTS)
@example("".join(CONTROLS))
def test_every_character_is_one_that_a_reader_sees(text: str) -> None:
    """On one line."""
    for shown in (one_line(text), foldable(text), printable_lines(text).replace("\n", "")):
        assert all(map(is_shown_as_it_is, shown))


@given(TEXTS)
def test_no_line_begins_with_a_command(text: str) -> None:
    """Of GitHub, Azure or TeamCity; the last two find theirs anywhere in a line."""
    for line in [one_line(text), *printable_lines(text).split("\n")]:
        assert not _AT_START.match(line)
        assert not _ANYWHERE.search(line)


@given(TEXTS, st.integers(1, 9))
def test_folded_text_has_no_command_at_any_fold(text: str, width: int) -> None:
    """A terminal's width decides where a line begins."""
    shown = foldable(text)
    for start in range(0, len(shown), width):
        assert not _AT_START.match(shown[start:])


@given(TEXTS)
def test_what_was_escaped_stays_as_it_is(text: str) -> None:
    """So that nobody needs to know whether it was."""
    for escape in (one_line, foldable, printable_lines):
        assert escape(escape(text)) == escape(text)


@pytest.mark.parametrize(
    "text", ["plain", "Grüße, 日本語 😀", "a::b", "std::vector", "# title", "::", "10:20::30", "[bold]", r"\x1b"]
)
def test_ordinary_text_stays(text: str) -> None:
    """Also text that only looks a little like a command."""
    assert one_line(text) == foldable(text) == printable_lines(text) == text


@pytest.mark.parametrize(
    "text",
    ["::" * 500_000, "::a " * 250_000, "\x1b" * 1_000_000, "#" * 1_000_000, " " * 1_000_000],
    ids=["colons", "commands", "controls", "hashes", "spaces"],
)
def test_a_long_text_takes_linear_time(text: str) -> None:
    """A quadratic search in it would take hours."""
    began = time.process_time()
    foldable(text)
    printable_lines(text)
    assert time.process_time() - began < 20
