"""Which of the addresses in a document are taken."""

from typing import Any

import pytest

from createflow.scenarios.openapi.servers import server_of

PRODUCTION = {"url": "https://api.example.com/v1"}
SANDBOX = {"url": "https://sandbox.example.com/v1"}
WITH_VARIABLES = {
    "url": "{scheme}://{host}/api",
    "variables": {"scheme": {"default": "https"}, "host": {"default": "a.example"}},
}


@pytest.mark.parametrize(
    ("levels", "found"),
    [
        ([{"servers": [PRODUCTION]}], ("https://api.example.com", "/v1")),
        ([{"servers": [PRODUCTION, SANDBOX]}], ("https://sandbox.example.com", "/v1")),
        (
            [{"servers": [PRODUCTION, {"url": "https://b.example", "description": "Staging"}]}],
            ("https://b.example", ""),
        ),
        ([{"servers": [WITH_VARIABLES]}], ("https://a.example", "/api")),
        ([{}, {"servers": [{"url": "/v4"}]}, {"servers": [PRODUCTION]}], ("", "/v4")),
        ([{"servers": [{"url": "https://{unknown}/x"}]}], ("", "/x")),
        ([{"servers": [{"url": "/{unknown}"}]}], ("", "")),
        ([{"servers": [{"url": "v1"}]}], ("", "/v1")),
        ([{"servers": [{"url": "./v1/"}]}], ("", "/v1")),
        ([{"servers": [{"url": "../api"}]}], ("", "/api")),
        ([{"servers": [{"url": "/"}]}], ("", "")),
        ([{"servers": [{"url": "//a.example/v1"}]}], ("https://a.example", "/v1")),
        ([{"servers": "none"}, {"servers": [7, {}]}], ("", "")),
    ],
)
def test_the_server_that_counts_is_found(levels: list[Any], found: tuple[str, str]) -> None:
    """The innermost level counts; one for tests goes first; variables have their defaults."""
    assert server_of(*levels) == found
