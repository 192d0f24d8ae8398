"""A load reads and updates only paths of its own target."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from createflow.scenarios.load.plan.messages import ReadPath
from createflow.scenarios.load.plan.resource_path import Found, ResourcePaths

PATHS = ResourcePaths(
    "http://127.0.0.1:8080", ReadPath(path="/things/{id}", id_pointer="/id", by_id=False, create_path="/things")
)


@pytest.mark.parametrize(
    ("location", "path"),
    [
        ("/things/1", "/things/1"),
        ("things/1", "/things/1"),
        ("?id=1", "/things?id=1"),
        ("http://127.0.0.1:8080/things/1?x=y", "/things/1?x=y"),
        ("HTTP://127.0.0.1:8080", "/"),
    ],
)
def test_a_location_of_the_target_is_a_path(location: str, path: str) -> None:
    """Relative to the URL of the create (RFC 9110 §10.2.2), or absolute."""
    assert PATHS.find(location, b"{}") == Found(path)


@pytest.mark.parametrize(
    "location",
    [
        "http://127.0.0.1:8081/things/1",
        "https://127.0.0.1:8080/things/1",
        "http://localhost:8080/things/1",
        "//other.example/things/1",
        "http://me@127.0.0.1:8080/things/1",
        "ftp://127.0.0.1:8080/things/1",
    ],
)
def test_a_location_elsewhere_is_not_used(location: str) -> None:
    """Not even its path."""
    assert PATHS.find(location, b"{}") == Found(unusable="elsewhere")


@pytest.mark.parametrize(
    "location", ["/a b", "/a\r\nx: y", "http://127.0.0.1:x/", "http://[::1", "/" + "a" * 3000, "é"]
)
def test_a_location_that_is_no_uri_is_malformed(location: str) -> None:
    """It could end the request line."""
    assert PATHS.find(location, b"{}") == Found(unusable="malformed")


def test_without_a_location_the_id_is_used() -> None:
    """As one segment of the path."""
    assert PATHS.find(None, b'{"id": "a/b"}') == Found("/things/a%2Fb")


@given(st.text() | st.none(), st.binary())
def test_rubbish_never_raises(location: str | None, body: bytes) -> None:
    """And a path is always one of the target's own."""
    found = PATHS.find(location, body)
    assert found.path == "" or found.path.startswith("/")
    assert not set(found.path) & set(" \r\n\x00")
