"""Durations as people write them: 20s, 2m, 500ms, 1h."""

import re

import typer

_UNITS_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h)")


def duration_s(text: str) -> float:
    """Seconds of a duration.

    Raises:
        typer.BadParameter: it has no unit, or is no duration at all.
    """
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        raise typer.BadParameter(f"{text!r} is not a duration; write 20s, 2m, 500ms or 1h")
    return float(match[1]) * _UNITS_S[match[2]]
