"""A target's expression as it is shown and drawn: its unit, its line in a chart, its window."""

import math
import re
from dataclasses import dataclass
from typing import Literal

from createflow.schemas.load_report import SloVerdict

_MS = {"us": 0.001, "ms": 1.0, "s": 1000.0}
_UNIT = re.compile(r"[<>]=?\s*[\d.]+\s*(us|ms|s|/s|%)?")
_LATENCY = re.compile(
    r"(?:(?P<of>\w+)\.)?(?P<what>p[\d.]+|max|mean)\s*<=?\s*(?P<limit>\d+(?:\.\d+)?)\s*(?P<unit>us|ms|s)\b"
)
_RATE = re.compile(r"rate\s*>=?\s*(?P<limit>\d+(?:\.\d+)?)\s*/s")
_WINDOW = re.compile(r"every\s+(?P<length>\d+(?:\.\d+)?)\s*(?P<unit>ms|s|m)\b")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0}


@dataclass(frozen=True, slots=True)
class Line:
    """Where a target stands in a chart."""

    label: str
    axis: Literal["latency", "rate"]
    value: float
    """Milliseconds, or a second."""


def line(slo: SloVerdict) -> Line | None:
    """The target as a line over the whole load; nothing for those of one operation, of errors, and unknown ones."""
    if (found := _LATENCY.match(slo.target)) and not found["of"]:
        value = float(found["limit"]) * _MS[found["unit"]]
        return Line(f"{found['what']} target", "latency", value) if value > 0 else None
    if found := _RATE.match(slo.target):
        return Line("rate target", "rate", float(found["limit"]))
    return None


def worst_window_s(slo: SloVerdict) -> tuple[float, float] | None:
    """Beginning and end of the worst window, in seconds from the start, when windows were judged."""
    if slo.at_s is None:
        return None
    found = _WINDOW.search(slo.target)
    length_s = float(found["length"]) * _SECONDS[found["unit"]] if found else 1.0
    return slo.at_s, slo.at_s + length_s


def seen(slo: SloVerdict) -> str:
    """What was seen, in the target's unit."""
    if math.isinf(slo.seen):
        return "inf: too many failed"
    found = _UNIT.search(slo.target)
    unit = (found[1] or "") if found else ""
    number = f"{slo.seen:,.0f}" if abs(slo.seen) >= 1000 else f"{slo.seen:.4g}"
    return f"{number}{'' if unit in {'%', '/s', ''} else ' '}{unit}"
