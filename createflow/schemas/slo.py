"""The syntax of service level objectives: ``p99<=100ms``, ``rate>=500/s``, ``create.errors<0.1% every 10s``."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BeforeValidator, InstanceOf, PlainSerializer, WithJsonSchema
from pydantic_core import PydanticCustomError

from createflow.schemas.error import UserError
from createflow.schemas.operation import Operation

SYNTAX_HINT = (
    "examples: p95<=100ms, p99.9<0.5s, mean<=20ms, max<1s, rate>=500/s, verified>=500/s, errors<0.1%, errors<=0; "
    "each may start with create., read. or update. and end with every 10s"
)
ERROR_TYPE = "slo_target"
"""The type of the pydantic error for an invalid expression in a profile."""

_MAX_CHARACTERS = 80
_MAX_S = 3600
_EXPRESSION = re.compile(
    r"(?:(?P<operation>[a-z]+)\.)?(?P<metric>p(?P<percentile>[0-9]{1,2}(?:\.[0-9]{1,6})?)|[a-z]+)"
    r"\s*(?P<operator>[<>]=?)\s*(?P<bound>[0-9]{1,9}(?:\.[0-9]{1,6})?)\s*(?P<unit>ms|s|/s|%)?"
    r"(?:\s+every\s+(?P<window>[0-9]{1,4})\s*(?P<window_unit>s|m))?"
)

Operator = Literal["<", "<=", ">", ">="]


class Metric(StrEnum):
    """The value that is compared with the bound."""

    PERCENTILE = "percentile"
    MEAN = "mean"
    MAX = "max"
    RATE = "rate"
    """Accepted requests per second."""
    VERIFIED = "verified"
    """Accepted creates per second that write verification found in every declared sink."""
    ERRORS = "errors"
    """Share of the arrivals that were not accepted, in percent."""


_LATENCIES = {Metric.PERCENTILE, Metric.MEAN, Metric.MAX}
_MINIMUMS = {Metric.RATE, Metric.VERIFIED}


class SloError(UserError):
    """An expression that is not a valid target. ``reason`` does not repeat the expression."""

    def __init__(self, text: str, reason: str) -> None:
        super().__init__(f"{text[:_MAX_CHARACTERS]!r} is not a valid target: {reason}", hint=SYNTAX_HINT)
        self.reason = reason


@dataclass(frozen=True, slots=True, kw_only=True)
class SloTarget:
    """One service level objective. ``str()`` gives its canonical expression, which parses to an equal target."""

    metric: Metric
    percentile: float = 0.0
    """Between 0 and 100; only for ``Metric.PERCENTILE``."""
    is_strict: bool = False
    """The bound itself misses the target (``<`` or ``>``)."""
    bound: float
    unit: str
    """``ms``, ``s``, ``/s``, ``%``; empty for ``errors<=0``."""
    operation: Operation | None = None
    """None: all operations together."""
    window_s: int | None = None
    """The target must be held in every window of this length. None: over the whole run."""

    def __str__(self) -> str:
        scope = f"{self.operation.value}." if self.operation else ""
        window = f" every {self.window_s}s" if self.window_s else ""
        return f"{scope}{self.metric_name}{self.operator}{self.bound:.15g}{self.unit}{window}"

    @property
    def metric_name(self) -> str:
        """The metric as written: ``p99.9``, ``mean``, ``rate``."""
        return f"p{self.percentile:.10g}" if self.metric is Metric.PERCENTILE else self.metric.value

    @property
    def operator(self) -> Operator:
        """The comparison: ``value operator bound`` must be true."""
        if self.is_minimum:
            return ">" if self.is_strict else ">="
        return "<" if self.is_strict else "<="

    @property
    def is_minimum(self) -> bool:
        """The bound is the lowest good value, as for a rate. False: it is the highest good value."""
        return self.metric in _MINIMUMS

    @property
    def is_latency(self) -> bool:
        """The bound is a latency."""
        return self.metric in _LATENCIES

    @property
    def bound_ms(self) -> float:
        """The bound of a latency in milliseconds."""
        return self.bound * 1000 if self.unit == "s" else self.bound

    def is_met_by(self, value: float) -> bool:
        """Whether a value, in the unit of the target, meets the bound."""
        if value == self.bound:
            return not self.is_strict
        return value > self.bound if self.is_minimum else value < self.bound


def parse_target(text: str) -> SloTarget:
    """Parse an expression.

    Raises:
        SloError: the expression is not valid. The error says why and shows the syntax.
    """
    match = _EXPRESSION.fullmatch(text.strip().lower()) if len(text) <= _MAX_CHARACTERS else None
    if match is None:
        raise SloError(text, "it has the wrong form")
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
        raise ValueError("unknown metric")
    operation = None
    if match["operation"]:
        if match["operation"] not in set(Operation):
            raise ValueError("the operation before the dot must be create, read or update")
        operation = Operation(match["operation"])
    target = SloTarget(
        metric=metric,
        percentile=float(match["percentile"] or 0),
        is_strict=len(match["operator"]) == 1,
        bound=float(match["bound"]),
        unit=match["unit"] or "",
        operation=operation,
        window_s=int(match["window"]) * (60 if match["window_unit"] == "m" else 1) if match["window"] else None,
    )
    _check(target, is_lower_bound=match["operator"].startswith(">"))
    return target


def _check(target: SloTarget, *, is_lower_bound: bool) -> None:
    """Raise ValueError for a target that is always or never met, or whose unit is wrong."""
    if target.is_minimum != is_lower_bound:
        raise ValueError("a rate has a minimum (>=); a latency and errors have a maximum (<=)")
    if target.is_latency:
        _check_latency(target)
    elif target.metric is Metric.ERRORS:
        _check_error_ratio(target)
    elif target.unit != "/s":
        raise ValueError("a rate needs the unit /s")
    if target.bound == 0 and target.metric is not Metric.ERRORS:
        raise ValueError("the bound must be above zero")
    if target.metric is Metric.VERIFIED and target.operation not in {None, Operation.CREATE}:
        raise ValueError("only creates are verified")
    if target.window_s is not None and not 1 <= target.window_s <= _MAX_S:
        raise ValueError("a window must be between 1s and 60m long")


def _check_latency(target: SloTarget) -> None:
    if target.unit not in {"ms", "s"}:
        raise ValueError("a latency needs the unit ms or s")
    if target.bound_ms > _MAX_S * 1000:
        raise ValueError("the highest latency that is measured is one hour")
    if target.metric is Metric.PERCENTILE and target.percentile == 0:
        raise ValueError("a percentile must be above 0 and below 100")


def _check_error_ratio(target: SloTarget) -> None:
    if target.unit != "%" and not (target.unit == "" and target.bound == 0):
        raise ValueError("errors need the unit %")
    if target.bound >= 100 or (target.bound == 0 and target.is_strict):
        raise ValueError("errors must be below 100 %; write errors<=0 to allow none")


def _validated(value: object) -> SloTarget:
    if isinstance(value, SloTarget):
        return value
    if not isinstance(value, str):
        raise PydanticCustomError(ERROR_TYPE, "a target is text in quotes")
    try:
        return parse_target(value)
    except SloError as error:
        raise PydanticCustomError(ERROR_TYPE, "{reason}", {"reason": error.reason}) from None


DeclaredTarget = Annotated[
    InstanceOf[SloTarget],
    BeforeValidator(_validated),
    PlainSerializer(str, return_type=str),
    WithJsonSchema({"type": "string", "examples": ["p99<=100ms", "rate>=500/s", "errors<0.1% every 10s"]}),
]
"""A target in a profile: an expression, parsed on validation."""
