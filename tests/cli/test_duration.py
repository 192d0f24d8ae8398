"""Durations as people write them."""

import pytest
import typer

from createflow.cli.duration import duration_s


@pytest.mark.parametrize(("text", "seconds"), [("20s", 20), ("2m", 120), ("500ms", 0.5), ("1h", 3600), ("1.5s", 1.5)])
def test_a_number_and_a_unit(text: str, seconds: float) -> None:
    """Whole or not."""
    assert duration_s(text) == seconds


@pytest.mark.parametrize("text", ["20", "s", "", "-1s", "1d", "1s2", "nan s"])
def test_anything_else_is_refused_with_examples(text: str) -> None:
    """A bare number could mean anything."""
    with pytest.raises(typer.BadParameter, match="write 20s, 2m, 500ms or 1h"):
        duration_s(text)
