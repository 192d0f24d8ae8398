"""Checks see one flat representation, whatever a target wraps it in."""

import json

import pytest

from createflow.scenarios.target.representation import WireFormat
from createflow.schemas.profile_target import Target


def shape(**target: object) -> WireFormat:
    """The shape of a target."""
    return WireFormat(Target.model_validate({"base_url": "http://x", **target}))


def seen(
    made: WireFormat, document: object, *, headers: dict[str, str] | None = None, url: str = "", read: bool = False
) -> object:
    """What a reply with this body shows."""
    return made.decode(json.dumps(document).encode(), headers or {}, url, is_read=read)


def test_without_an_envelope_nothing_is_added_or_taken() -> None:
    """The seed's own shape."""
    assert json.loads(shape().encode({"name": "é"})) == {"name": "é"}
    assert seen(shape(), {"id": 1}) == {"id": 1}


def test_a_body_goes_where_the_envelope_says_beside_what_else_is_sent() -> None:
    """Also when what stands beside it is on the way to it."""
    made = shape(envelope={"request": "/data/attributes", "request_also": {"data": {"type": "t"}, "return": True}})
    assert json.loads(made.encode({"a": 1})) == {"data": {"type": "t", "attributes": {"a": 1}}, "return": True}


@pytest.mark.parametrize("raw", [b"", b'{"a": ', b'{"a": 1},'])
def test_broken_bytes_make_a_broken_body(raw: bytes) -> None:
    """The envelope must not mend what a check has broken."""
    with pytest.raises(json.JSONDecodeError):
        json.loads(shape(envelope={"request": "/item"}).wrap(raw))


def test_a_representation_is_taken_out_of_lists_and_objects_and_reads_may_differ() -> None:
    """Fields that stand elsewhere are found by their pointers."""
    made = shape(envelope={"reply": "/rows/0", "read": "/item"}, fields={"id": "/meta/id"})
    assert seen(made, {"rows": [{"a": 1}], "meta": {"id": 7}}) == {"a": 1, "/meta/id": 7}
    assert seen(made, {"item": {"a": 1}}, read=True) == {"a": 1}
    assert seen(made, {"rows": []}) is None


def test_an_id_may_come_from_the_location_of_an_empty_reply() -> None:
    """And a time from a header."""
    made = shape(fields={"id": "@location", "created_at": "@header:Last-Modified", "created_at_format": "http_date"})
    headers = {"last-modified": "Mon, 01 Jan 2024 00:00:00 GMT"}
    shown = made.decode(b"", headers, "http://x/things/a%20b?x=1", is_read=False)
    assert shown == {"@location": "a b", "@header:Last-Modified": "2024-01-01T00:00:00+00:00"}


@pytest.mark.parametrize(("form", "value"), [("epoch_ms", 1704067200000), ("epoch_s", 1704067200)])
def test_times_in_numbers_are_read(form: str, value: int) -> None:
    """What is not in the declared format stays as it is, for the checks to judge."""
    made = shape(fields={"created_at_format": form})
    assert seen(made, {"created_at": value}) == {"created_at": "2024-01-01T00:00:00+00:00"}
    assert seen(made, {"created_at": "today"}) == {"created_at": "today"}
    assert seen(made, {"created_at": 10**30}) == {"created_at": 10**30}


def test_a_self_link_is_found() -> None:
    """Only where the profile says so, and only when it is text."""
    made = shape(self_link="/links/self")
    assert made.self_link(b'{"links": {"self": "/r/1"}}') == "/r/1"
    assert made.self_link(b'{"links": {"self": 1}}') is None
    assert made.self_link(b"x") is None
    assert shape().self_link(b'{"links": {"self": "/r/1"}}') is None
