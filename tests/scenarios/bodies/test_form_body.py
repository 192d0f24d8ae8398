"""Bodies as forms: what JSON says in objects and lists stands in the names of the fields."""

import email
from typing import Any
from urllib.parse import parse_qsl

import pytest

from createflow.scenarios.bodies.form_body import (
    NoForm,
    form_encoded,
    multipart,
    nested_of,
    pairs_in,
    pairs_of,
    rules_of_value,
    typed,
)

_BODY: dict[str, Any] = {
    "name": "a & b = c %41 é",
    "count": 3,
    "is_on": True,
    "ratio": 0.5,
    "blank": "",
    "address": {"city": "x", "geo": {"lat": 1}},
    "tags": ["a", "b"],
}


@pytest.mark.parametrize(
    ("nested", "lists", "names"),
    [
        ("brackets", "brackets", ["address[city]", "address[geo][lat]", "tags[]", "tags[]"]),
        ("brackets", "repeat", ["address[city]", "address[geo][lat]", "tags", "tags"]),
        ("dots", "indices", ["address.city", "address.geo.lat", "tags[0]", "tags[1]"]),
    ],
)
def test_names_say_what_is_nested(nested: Any, lists: Any, names: list[str]) -> None:
    """As the profile declares it; what is read back by the types is what was sent."""
    encoded = form_encoded(_BODY, nested=nested, lists=lists)
    pairs = parse_qsl(encoded, keep_blank_values=True, strict_parsing=True)
    assert [name for name, _ in pairs][5:] == names
    assert dict(pairs)["is_on"] == "true"
    back = nested_of(pairs_in(encoded.encode(), "application/x-www-form-urlencoded"), nested=nested)
    assert typed(back, rules_of_value(_BODY)) == _BODY


def test_a_multipart_body_is_read_by_others() -> None:
    """By the parser of the standard library, and by our own."""
    pairs = [*pairs_of({"name": 'a "b"\r\nc', "x": {'q"r': "é"}})]
    kind = "multipart/form-data; boundary=b-1"
    raw = multipart(pairs, "b-1")
    message = email.message_from_bytes(f"Content-Type: {kind}\r\n\r\n".encode() + raw)
    parts = [part for part in message.walk() if not part.is_multipart()]
    assert [part.get_payload(decode=True) for part in parts] == [value.encode() for _, value in pairs]
    assert parts[1].get_param("name", header="content-disposition") == "x[q%22r]"
    assert pairs_in(raw, kind) == pairs


@pytest.mark.parametrize("body", [{"a": None}, {"a": []}, {"a": {}}, {"a": [{"b": 1}]}, [1]])
def test_what_no_form_says_is_told(body: Any) -> None:
    """Nothing is left out in silence."""
    with pytest.raises(NoForm):
        form_encoded(body)


@pytest.mark.parametrize(
    ("value", "kind", "read"),
    [
        ("7", "integer", 7),
        ("x", "integer", "x"),
        ("7", "string", "7"),
        ("true", "boolean", True),
        ("1", "boolean", "1"),
    ],
)
def test_a_text_is_read_by_its_type(value: str, kind: str, read: object) -> None:
    """What is no value of the type stays a text, which the target refuses."""
    assert typed({"a": value}, {"properties": {"a": {"type": kind}}}) == {"a": read}


@pytest.mark.parametrize(
    "raw", [b"", b"\xff", b"a[b]=1&a=2", b"a[=1", b"[]=1", b"a[][]=1", b"--b-1", b"--b-1\r\n\r\n--b-1--"]
)
def test_any_bytes_are_borne(raw: bytes) -> None:
    """Checks send forms that are none."""
    for kind in ("application/x-www-form-urlencoded", "multipart/form-data; boundary=b-1"):
        assert isinstance(nested_of(pairs_in(raw, kind)), dict)
