"""Texts that tell creates apart have the form that a field takes."""

import re

import pytest

from createflow.scenarios.bodies.judge import Judge
from createflow.scenarios.bodies.markers import Texts, TooFew, fitted_texts, like, nonce, nonces_in, note_word


@pytest.mark.parametrize(
    "rules",
    [
        {"pattern": r"^[a-z0-9]+(?:-[a-z0-9]+)*$", "maxLength": 20},
        {"pattern": r"^[A-Z]{3}-\d{4}$"},
        {"pattern": r"^[A-Z][A-Z0-9_]{1,9}$"},
        {"pattern": r"^\p{Lu}+$"},
        {"pattern": r"^SKU-[0-9]{6}$"},
        {"pattern": r"^(?=.*[a-z])[a-z]{5,8}$"},
        {"pattern": r"^(?:dev|prod)-[a-f\d]{8}$"},
        {"pattern": r"^[^/]+$", "maxLength": 6},
        {"pattern": r"^\d{10,12}$"},
        {"pattern": "^[A-Z]", "minLength": 30, "maxLength": 40},
        {"format": "email"},
        {"format": "uri"},
        {"format": "uuid"},
        {"format": "hostname"},
        {"maxLength": 5},
        {"minLength": 60, "maxLength": 70},
    ],
    ids=str,
)
def test_a_text_fits_the_rules_of_its_field(rules: dict[str, object]) -> None:
    """Slugs, short codes, capitals, digits: one of the forms that are tried does, and gives many texts."""
    judge = Judge({"type": "string", **rules}, with_formats=True)
    forms = [form for form in fitted_texts(rules) if judge.fits(form.new())]
    assert forms
    texts = [forms[0].new() for _ in range(50)]
    assert len(set(texts)) == 50
    assert all(judge.fits(text) for text in texts)


def test_a_code_is_made_like_the_example() -> None:
    """Where a pattern says too much to be read backwards, a valid value tells the form."""
    made = [form.new() for form in fitted_texts({"pattern": r"^(?!X)\w{2}-\d{6}\b$"}, "AB-000001")]
    assert any(re.fullmatch(r"AB-\d{6}", text) for text in made)


@pytest.mark.parametrize("pattern", ["(", "(a)\\1{3}", "(?P<x>", "[" * 500, "(a{500}){500}", ""])
def test_a_strange_pattern_does_no_harm(pattern: str) -> None:
    """It is skipped, quickly, and what is made without it is held against it."""
    assert fitted_texts({"pattern": pattern})


def test_a_word_of_another_form_is_known_again() -> None:
    """In whatever stands around it; a word of a stranger is none."""
    text = Texts([*"INV-", *["ABCDEFGHJK"] * 9]).new()
    ordinary = nonce()
    assert nonces_in(f'{{"code": "{text}", "note": "see {ordinary}."}} {text}. XINV-ABCDEFGHJ'.encode()) == {
        text,
        ordinary,
    }
    assert nonces_in(b"INV-ZZZZZZZZZ") == frozenset()
    other = like(text)
    assert other != text
    assert re.fullmatch("INV-[A-K]{9}", other)
    note_word("order A-7-2024/000123")
    assert nonces_in(b"GET /A-7-2024/000123/x") == frozenset()
    assert nonces_in(b'"A-7-2024/000123"') == {"A-7-2024/000123"}


def test_no_text_is_made_twice() -> None:
    """When none is left, that is said."""
    form = Texts(["ab", "xy"])
    assert {form.new() for _ in range(4)} == {"ax", "ay", "bx", "by"}
    with pytest.raises(TooFew, match="only 4 texts"):
        form.new()
