"""From the options of ``createflow bench`` to what a load needs to know."""

from typing import TYPE_CHECKING

from createflow.scenarios.load.plan.schedule import parse_client_count
from createflow.schemas.error import UserError

if TYPE_CHECKING:
    from createflow.scenarios.benchmark.scale import ScaleOptions

_FIND_MAX_START_PER_S = 50.0
_FIND_MAX_S = 15.0
"""Of the run that confirms the rate."""
_SOAK_S = 3600.0
_MOST_COUNTS = 16
"""Of ``--scale``; each takes a minute or more."""


def rate_and_duration(rate: float | None, duration: float | None, shape: str, *, find_max: bool) -> dict[str, float]:
    """Rate and duration, as far as they are given or follow from the shape.

    Raises:
        UserError: they contradict the shape.
    """
    given = {"rate_per_s": rate, "duration_s": duration}
    if "/" in shape and any(value is not None for value in given.values()):
        raise UserError(
            "--shape with stages sets the rates and durations itself", hint="leave --rate and --duration out"
        )
    if parse_client_count(shape) and rate is not None:
        raise UserError(
            f"--shape {shape} has no rate: each client sends when its last request was answered",
            hint="leave --rate out",
        )
    if find_max and shape != "constant":
        raise UserError("--find-max needs a constant rate", hint="leave --shape out")
    if find_max and duration is None:
        given["duration_s"] = _FIND_MAX_S
    if find_max and rate is None:
        given["rate_per_s"] = _FIND_MAX_START_PER_S
    if shape == "soak" and duration is None:
        given["duration_s"] = _SOAK_S
    return {name: value for name, value in given.items() if value is not None}


def parse_scale(text: str) -> "ScaleOptions":
    """What ``--scale`` asks for.

    Raises:
        UserError: it is not a name and numbers.
    """
    from createflow.scenarios.benchmark.scale import ScaleOptions

    name, equals, numbers = text.partition("=")
    counts = [int(number) for number in numbers.split(",") if number.isascii() and number.isdigit() and len(number) < 5]
    if not name or not equals or len(counts) != len(numbers.split(",")) or not 0 < len(set(counts)) <= _MOST_COUNTS:
        raise UserError(
            f"--scale {text}: not a name and numbers of instances",
            hint=f"for example services=1,2,4; {_MOST_COUNTS} numbers at most",
        )
    if 0 in counts or len(set(counts)) < len(counts):
        raise UserError(f"--scale {text}: each number is 1 or more, and comes once")
    return ScaleOptions(name, tuple(counts))
