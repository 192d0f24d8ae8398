"""Shapes of load by name, or spelled out stage by stage: from what a user writes to stages."""

import re
from collections.abc import Callable

from createflow.scenarios.load.plan.schedule import Stage
from createflow.schemas.error import UserError

_CLOSED = re.compile(r"closed:(\d{1,6})")
_STEPS = 5
_SPIKE = 5.0
_UNITS_S = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_STAGE = re.compile(r"(\d+(?:\.\d+)?)(?:\.\.(\d+(?:\.\d+)?))?/(\d+(?:\.\d+)?)(ms|s|m|h)")
_HINT = (
    "constant, ramp, steps:5, spike:5, soak, closed:50, "
    "or stages as RATE/DURATION and FROM..TO/DURATION: 0..1000/1m,1000/5m,0/10s"
)
_MAX_STAGES = 1000


def stages_of(shape: str, *, rate_per_s: float, duration_s: float) -> tuple[Stage, ...]:
    """The stages that a shape means.

    Args:
        shape: ``constant``; ``ramp``, from a tenth of the rate up to it; ``steps:N``, N equal steps up to it;
            ``spike:F``, the rate, F times the rate for a fifth of the time, and the rate again; ``soak``, constant;
            ``closed:N``, which schedules nothing (see ``closed_loop``); or stages, ``FROM..TO/DURATION`` or
            ``RATE/DURATION``, with commas between them.
        rate_per_s: for the named ones.
        duration_s: of all of it, for the named ones.

    Raises:
        UserError: no such shape.
    """
    if clients_of(shape):
        return (Stage(duration_s, 0.0, 0.0),)
    name, colon, argument = shape.partition(":")
    if name in _SHAPES and (not colon or name in {"steps", "spike"}):
        if colon and not re.fullmatch(r"\d{1,3}(\.\d+)?", argument):
            raise UserError(f"--shape {shape}: {argument!r} is no number", hint=_HINT)
        return _SHAPES[name](rate_per_s, duration_s, float(argument or 0))
    matches = [_STAGE.fullmatch(part.strip()) for part in shape.split(",")]
    if len(matches) > _MAX_STAGES:
        raise UserError(f"--shape: {len(matches)} stages, {_MAX_STAGES} at most")
    stages = tuple(
        Stage(float(match[3]) * _UNITS_S[match[4]], float(match[1]), float(match[2] or match[1]))
        for match in matches
        if match
    )
    if len(stages) < len(matches) or not all(stage.duration_s for stage in stages):
        raise UserError(f"--shape {shape}: not a shape", hint=_HINT)
    if not sum(stage.arrivals for stage in stages):
        raise UserError(f"--shape {shape}: nothing is ever due", hint=_HINT)
    return stages


def clients_of(shape: str) -> int:
    """How many clients take turns in a closed model, ``closed:N``; 0 for every shape that is a schedule."""
    match = _CLOSED.fullmatch(shape)
    return int(match[1]) if match else 0


def is_spelled_out(shape: str) -> bool:
    """Whether the shape says rates and durations itself."""
    return "/" in shape


def with_warmup(stages: tuple[Stage, ...], warmup_s: float) -> tuple[Stage, ...]:
    """The stages with a warm-up before them: at the rate that they begin with, or a tenth of their highest."""
    if not warmup_s:
        return stages
    peak_per_s = max(max(stage.from_per_s, stage.to_per_s) for stage in stages)
    rate_per_s = max(stages[0].from_per_s, peak_per_s / 10)
    return (Stage(warmup_s, rate_per_s, rate_per_s), *stages)


def _constant(rate_per_s: float, duration_s: float, _: float) -> tuple[Stage, ...]:
    return (Stage(duration_s, rate_per_s, rate_per_s),)


def _ramp(rate_per_s: float, duration_s: float, _: float) -> tuple[Stage, ...]:
    return (Stage(duration_s, rate_per_s / 10, rate_per_s),)


def _steps(rate_per_s: float, duration_s: float, steps: float) -> tuple[Stage, ...]:
    count = int(steps) or _STEPS
    rates = [rate_per_s * (number + 1) / count for number in range(count)]
    return tuple(Stage(duration_s / count, rate, rate) for rate in rates)


def _spike(rate_per_s: float, duration_s: float, factor: float) -> tuple[Stage, ...]:
    high_per_s = rate_per_s * (factor or _SPIKE)
    calm_s, spike_s = duration_s * 0.4, duration_s * 0.2
    return (
        Stage(calm_s, rate_per_s, rate_per_s),
        Stage(spike_s, high_per_s, high_per_s),
        Stage(calm_s, rate_per_s, rate_per_s),
    )


_SHAPES: dict[str, Callable[[float, float, float], tuple[Stage, ...]]] = {
    "constant": _constant,
    "ramp": _ramp,
    "steps": _steps,
    "spike": _spike,
    "soak": _constant,
}
