"""The parameters that an operation requires beside its body: those with a known value, and those without."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from createflow.scenarios.openapi.references import Document, target_of
from createflow.scenarios.openapi.values import as_list, as_object

_MOST = 50
_LONGEST = 200
_IDEMPOTENCY = "idempotency-key"
_OF_HTTP = frozenset({"accept", "content-type", "authorization"})
"""OpenAPI 3.1.0 §4.8.12.2: such parameters are ignored."""


@dataclass(frozen=True, slots=True)
class Parameters:
    """What goes with every create."""

    headers: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    unknown: tuple[str, ...] = ()
    """Required ones whose value the document does not say, such as ``header X-Tenant``."""
    idempotency_header: str = ""


def parameters_of(document: Document, item: Mapping[str, Any], operation: Mapping[str, Any]) -> Parameters:
    """Of the operation and its path item; the operation's own count more."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for level in (item, operation):
        for one in as_list(level.get("parameters"))[:_MOST]:
            parameter = as_object(target_of(document, one))
            found[str(parameter.get("in")), str(parameter.get("name"))[:_LONGEST]] = parameter
    headers: dict[str, str] = {}
    query: dict[str, str] = {}
    unknown = []
    idempotency = ""
    for (place, name), parameter in found.items():
        if place == "header" and name.lower() in _OF_HTTP:
            continue
        if place == "header" and name.lower() == _IDEMPOTENCY:
            idempotency = name
            continue
        if parameter.get("required") is not True or place not in {"header", "query", "cookie"}:
            continue
        value = _value(document, parameter)
        if value is None or place == "cookie":
            unknown.append(f"{place} {name}")
        else:
            (headers if place == "header" else query)[name] = value
    return Parameters(headers, query, tuple(unknown), idempotency)


def _value(document: Document, parameter: Mapping[str, Any]) -> str | None:
    """The only value, the default or the example of a parameter."""
    schema = as_object(target_of(document, parameter.get("schema")))
    several = as_list(schema.get("enum"))
    named = [as_object(target_of(document, one)).get("value") for one in as_object(parameter.get("examples")).values()]
    values = [
        schema.get("const"),
        schema.get("default"),
        parameter.get("example"),
        *named,
        schema.get("example"),
        *as_list(schema.get("examples")),
        *several[:1],
    ]
    value = next((one for one in values if isinstance(one, (str, int, float))), None)
    if value is None:
        return None
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return text if text.isprintable() and len(text) <= _LONGEST else None
