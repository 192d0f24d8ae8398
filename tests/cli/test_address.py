"""Addresses as users write them."""

import pytest

from createflow.cli.address import address
from createflow.schemas.error import UserError


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("5557", ("127.0.0.1", 5557)),
        ("0.0.0.0:5557", ("0.0.0.0", 5557)),  # noqa: S104 - what a user may ask for
        ("load-1:99", ("load-1", 99)),
        ("[::1]:99", ("::1", 99)),
        ("load-1", ("load-1", 7)),
        ("[::1]", ("::1", 7)),
    ],
)
def test_host_and_port_each_may_be_left_out(text: str, meant: tuple[str, int]) -> None:
    """Loopback and a port that is meant stand in."""
    assert address(text, option="--master", host="127.0.0.1", port=7) == meant


@pytest.mark.parametrize("text", ["", "a:b", "host:99999", "two words:1"])
def test_anything_else_is_told_with_an_example(text: str) -> None:
    """Exit 2."""
    with pytest.raises(UserError, match="not an address") as caught:
        address(text, option="--master", host="127.0.0.1")
    assert "127.0.0.1:5557" in caught.value.hint
