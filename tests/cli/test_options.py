"""Addresses and durations as users write them."""

import pytest
import typer

from createflow.cli.options import parse_address, parse_duration_s
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
    assert parse_address(text, option="--master", default_host="127.0.0.1", default_port=7) == meant


@pytest.mark.parametrize("text", ["", "a:b", "host:99999", "two words:1"])
def test_anything_else_is_told_with_an_example(text: str) -> None:
    """Exit 2."""
    with pytest.raises(UserError, match="not an address") as caught:
        parse_address(text, option="--master", default_host="127.0.0.1")
    assert "127.0.0.1:5557" in caught.value.hint


@pytest.mark.parametrize(("text", "seconds"), [("20s", 20), ("2m", 120), ("500ms", 0.5), ("1h", 3600), ("1.5s", 1.5)])
def test_a_number_and_a_unit(text: str, seconds: float) -> None:
    """Whole or not."""
    assert parse_duration_s(text) == seconds


@pytest.mark.parametrize("text", ["20", "s", "", "-1s", "1d", "1s2", "nan s"])
def test_anything_else_is_refused_with_examples(text: str) -> None:
    """A bare number could mean anything."""
    with pytest.raises(typer.BadParameter, match="write 20s, 2m, 500ms or 1h"):
        parse_duration_s(text)
