"""Which text is accepted."""

import pytest

from createflow.reference_server.domain.sanitising import Sanitiser, is_blank, name_violations, pointer


@pytest.mark.parametrize("text", ["", " \t", "\u200b", "\u2800", "\u3164", "\ufeff", "\u00a0\u2003"])
def test_what_cannot_be_seen_is_blank(text: str) -> None:
    """White space, fillers and format characters."""
    assert is_blank(text)


@pytest.mark.parametrize("name", ["a\u202eb", "a\u200bb", "\u200da", "a\u200d", "a\u00adb", "x\u2066y"])
def test_hidden_characters_are_refused_in_names(name: str) -> None:
    """They make two names look the same."""
    assert [violation.pointer for violation in name_violations(name)] == ["/name"]


@pytest.mark.parametrize("name", ["👩\u200d👩\u200d👧", "\u0645\u06cc\u200c\u062e\u0648", "שלום", "e\u0301", "a b"])
def test_words_and_emoji_of_the_world_are_names(name: str) -> None:
    """Joiners between letters or symbols belong to them."""
    assert name_violations(name) == []


def test_text_becomes_nfc_and_nothing_else() -> None:
    """Keys too; white space and case stay."""
    walked = Sanitiser().walk({"e\u0301": [" A e\u0301\n"]}, "", 5)
    assert walked == {"é": [" A é\n"]}


@pytest.mark.parametrize(
    "document",
    [
        {"a": "\x00"},
        {"\x1b": 1},
        {"a": ["\x85"]},
        {"a": 2**63},
        {"a": float("inf")},
        {"a": {"b": {"c": {}}}},
        {"é": 1, "e\u0301": 2},
        {"a": "\uffff"},
    ],
)
def test_the_harmful_is_refused_wherever_it_stands(document: object) -> None:
    """Control characters, numbers without an exact value, depth, keys that become one."""
    sanitiser = Sanitiser()
    sanitiser.walk(document, "", 3)
    assert len(sanitiser.violations) == 1


def test_pointers_escape_what_rfc_6901_escapes() -> None:
    """Tilde first."""
    assert pointer("/a", "~/") == "/a/~0~1"
