"""Markdown: a table, and text that cannot become markup."""

import pytest

from createflow.scenarios.reports.format.markdown import code, code_block, escape, table


@pytest.mark.parametrize("text", ["3 of 5 reads, 1.5 ms", "p99 (worst) = 3", "it's -5 %; a/b", "rate_limit"])
def test_harmless_text_stays_as_it_is(text: str) -> None:
    """Prose is readable."""
    assert escape(text) == text


@pytest.mark.parametrize("text", ["*a*", "https://h", "www.h", "<b>", "a`b", "@all", "#1", "_a_", "a _b", "[x](y)"])
def test_other_text_is_code(text: str) -> None:
    """Nothing in code is markup."""
    assert escape(text) == code(text)


def test_code_is_fenced_by_more_backticks_than_it_holds() -> None:
    """Inline and as a block."""
    assert code("a``b") == "```a``b```"
    assert code("`") == "`` ` ``"
    assert code_block("````\nx") == ["`````text", "````\nx", "`````"]


def test_a_table_escapes_text_and_aligns_numbers() -> None:
    """A bar in a cell does not end it."""
    assert table(["name", "count"], [["a|b", "1"]], align="<>") == ["| name | count |", "|---|--:|", r"| `a\|b` | 1 |"]


def test_empty_code_opens_no_longer_span() -> None:
    """Two backticks alone would take what follows, up to the next two, for code."""
    assert code("") == "` `"
