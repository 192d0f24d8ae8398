"""Targets as people write them: ``p99<=100ms``, ``rate>=500/s``, ``create.errors<0.1% every 10s``."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from pydantic import BeforeValidator, InstanceOf, PlainSerializer, WithJsonSchema
from pydantic_core import PydanticCustomError

from createflow.schemas.error import UserError
from createflow.schemas.operation import Operation

UNDERSTOOD = (
    "understood: p95<=100ms, p99.9<0.5s, mean<=20ms, max<1s, rate>=500/s, verified>=500/s, errors<0.1%, errors<=0; "
    "with create., read. or update. before it, and every 10s after it"
)
MISTAKE = "slo_target"
"""The type of the validation error that an expression in a profile makes."""

_LONGEST_CHARACTERS = 80
_LONGEST_S = 3600
_EXPRESSION = re.compile(
    r"(?:(?P<operation>[a-z]+)\.)?(?P<metric>p(?P<percentile>[0-9]{1,2}(?:\.[0-9]{1,6})?)|[a-z]+)"
    r"\s*(?P<sign>[<>]=?)\s*(?P<bound>[0-9]{1,9}(?:\.[0-9]{1,6})?)\s*(?P<unit>ms|s|/s|%)?"
    r"(?:\s+every\s+(?P<every>[0-9]{1,4})\s*(?P<every_unit>s|m))?"
)


class Metric(StrEnum):
    """What is held against the bound."""

    PERCENTILE = "percentile"
    MEAN = "mean"
    MAX = "max"
    RATE = "rate"
    """Accepted a second."""
    VERIFIED = "verified"
    """Accepted a second, and proved present in every declared sink."""
    ERRORS = "errors"
    """Share of the arrivals that were not accepted."""


_LATENCIES = {Metric.PERCENTILE, Metric.MEAN, Metric.MAX}
_AT_LEAST = {Metric.RATE, Metric.VERIFIED}


class SloError(UserError):
    """An expression that is no target. ``reason`` does not show the expression itself."""

    def __init__(self, text: str, reason: str) -> None:
        super().__init__(f"{text[:_LONGEST_CHARACTERS]!r} is not a target: {reason}", hint=UNDERSTOOD)
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class SloTarget:
    """One target. Its text is canonical: what it parses to has the same text."""

    metric: Metric
    percentile: float = 0.0
    """Between 0 and 100; only of the metric of that name."""
    strict: bool = False
    """The bound itself does not hold any more."""
    bound: float
    unit: str
    """``ms``, ``s``, ``/s``, ``%``; empty for ``errors<=0``."""
    operation: Operation | None = None
    """None: all of them together."""
    every_s: int | None = None
    """Judged in every window of this length; None: over the whole run."""

    def __str__(self) -> str:
        scope = f"{self.operation.value}." if self.operation else ""
        name = f"p{self.percentile:.10g}" if self.metric is Metric.PERCENTILE else self.metric.value
        sign = (">" if self.at_least else "<") + ("" if self.strict else "=")
        window = f" every {self.every_s}s" if self.every_s else ""
        return f"{scope}{name}{sign}{self.bound:.15g}{self.unit}{window}"

    @property
    def at_least(self) -> bool:
        """More is better."""
        return self.metric in _AT_LEAST

    @property
    def is_latency(self) -> bool:
        """It bounds a latency."""
        return self.metric in _LATENCIES

    @property
    def bound_ms(self) -> float:
        """The bound of a latency."""
        return self.bound * 1000 if self.unit == "s" else self.bound

    def holds(self, seen: float, bound: float | None = None) -> bool:
        """Whether a value, in the unit of the target, is good enough.

        Args:
            seen: the value.
            bound: judge by this one instead of the target's own.
        """
        bound = self.bound if bound is None else bound
        if seen == bound:
            return not self.strict
        return seen > bound if self.at_least else seen < bound


def parse_target(text: str) -> SloTarget:
    """The target that an expression says.

    Raises:
        SloError: a UserError that says what is wrong with it and what is understood.
    """
    match = _EXPRESSION.fullmatch(text.strip().lower()) if len(text) <= _LONGEST_CHARACTERS else None
    if match is None:
        raise SloError(text, "it does not read like one")
    try:
        return _target(match)
    except ValueError as error:
        raise SloError(text, str(error)) from None


def _target(match: re.Match[str]) -> SloTarget:
    if match["percentile"]:
        metric = Metric.PERCENTILE
    elif match["metric"] in set(Metric) - {Metric.PERCENTILE}:
        metric = Metric(match["metric"])
    else:
        raise ValueError("there is no such measure")
    operation = None
    if match["operation"]:
        if match["operation"] not in set(Operation):
            raise ValueError("before the dot stands create, read or update")
        operation = Operation(match["operation"])
    target = SloTarget(
        metric=metric,
        percentile=float(match["percentile"] or 0),
        strict=len(match["sign"]) == 1,
        bound=float(match["bound"]),
        unit=match["unit"] or "",
        operation=operation,
        every_s=int(match["every"]) * (60 if match["every_unit"] == "m" else 1) if match["every"] else None,
    )
    _require_sense(target, upwards=match["sign"].startswith(">"))
    return target


def _require_sense(target: SloTarget, *, upwards: bool) -> None:
    """Raise ValueError for what could never hold, or always would."""
    if target.at_least != upwards:
        raise ValueError("a rate has a least (>=), a latency and errors have a most (<=)")
    if target.is_latency:
        _require_latency(target)
    elif target.metric is Metric.ERRORS:
        _require_share(target)
    elif target.unit != "/s":
        raise ValueError("a rate needs the unit /s")
    if target.bound == 0 and target.metric is not Metric.ERRORS:
        raise ValueError("the bound must be above zero")
    if target.metric is Metric.VERIFIED and target.operation not in {None, Operation.CREATE}:
        raise ValueError("only creates are verified")
    if target.every_s is not None and not 1 <= target.every_s <= _LONGEST_S:
        raise ValueError("a window is between 1s and 60m long")


def _require_latency(target: SloTarget) -> None:
    if target.unit not in {"ms", "s"}:
        raise ValueError("a latency needs the unit ms or s")
    if target.bound_ms > _LONGEST_S * 1000:
        raise ValueError("latencies are measured up to one hour")
    if target.metric is Metric.PERCENTILE and target.percentile == 0:
        raise ValueError("percentiles lie between 0 and 100")


def _require_share(target: SloTarget) -> None:
    if target.unit != "%" and not (target.unit == "" and target.bound == 0):
        raise ValueError("errors are a share in %")
    if target.bound >= 100 or (target.bound == 0 and target.strict):
        raise ValueError("a share lies below 100 %, and none at all is errors<=0")


def _declared(value: object) -> SloTarget:
    if isinstance(value, SloTarget):
        return value
    if not isinstance(value, str):
        raise PydanticCustomError(MISTAKE, "a target is text in quotes")
    try:
        return parse_target(value)
    except SloError as mistake:
        raise PydanticCustomError(MISTAKE, "{reason}", {"reason": mistake.reason}) from None


DeclaredTarget = Annotated[
    InstanceOf[SloTarget],
    BeforeValidator(_declared),
    PlainSerializer(str, return_type=str),
    WithJsonSchema({"type": "string", "examples": ["p99<=100ms", "rate>=500/s", "errors<0.1% every 10s"]}),
]
"""A target as a profile declares it."""
