"""Liberties of what is read, and of how it is refused."""

import json
import re
from typing import Any

from tests.scenarios.checks.liberties.lawful_run import SCHEMA
from tests.scenarios.checks.liberties.liberty import REPLY, VALID, Liberty

OPEN_SCHEMA = {**SCHEMA, "additionalProperties": True}


def _lenient(body: bytes) -> Any:
    """Takes what RFC 8259 §9 lets a parser take: comments, a comma before a closing bracket."""
    text = re.sub(r",(\s*[}\]])", r"\1", body.decode())
    return json.loads(text, parse_constant=_no_constant)


def _no_constant(name: str) -> None:
    raise ValueError(name)


def _with_bom(body: bytes) -> Any:
    return json.loads(body.decode("utf-8-sig"), parse_constant=_no_constant)


def _last_key_wins(body: bytes) -> Any:
    return json.loads(body.decode(), parse_constant=_no_constant)


def _doubles(body: bytes) -> Any:
    """Numbers beyond those of a double are refused, as RFC 8259 §6 allows."""

    def number(text: str) -> float:
        value = float(text)
        if abs(value) == float("inf"):
            raise ValueError("beyond a double")
        return value

    return json.loads(body.decode(), parse_constant=_no_constant, parse_float=number)


def _own_shape(status: int, code: str, detail: str) -> bytes:
    return json.dumps({"error": {"code": code, "message": detail or str(status)}}).encode()


def _blank_type(status: int, code: str, detail: str) -> bytes:
    return json.dumps({"status": status, "title": "Refused", "code": code, "detail": detail}).encode()


LIBERTIES: dict[str, Liberty] = {
    "422 to what does not fit, not declared": Liberty("RFC 9110 §15.5.21", VALID, {"invalid": 422}),
    "422 to what does not fit": Liberty(
        "RFC 9110 §15.5.21; declared",
        VALID,
        {"invalid": 422},
        {"target": {"errors": {"statuses": {"validation": [400, 422]}}}},
    ),
    "422 to unreadable JSON as well": Liberty(
        "declared",
        VALID,
        {"invalid": 422, "unreadable": 422},
        {"target": {"errors": {"statuses": {"validation": 422}}}},
    ),
    "400 to unreadable JSON, 422 to what does not fit": Liberty(
        "RFC 9110 §15.5.21: 422 is for well-formed content",
        VALID,
        {"invalid": 422},
        {"target": {"errors": {"statuses": {"validation": 422}}}},
    ),
    "a comma before a closing bracket is read": Liberty(
        "RFC 8259 §9: a parser MAY accept extensions", VALID, {"parses": _lenient}
    ),
    "a byte order mark is ignored": Liberty("RFC 8259 §8.1: MAY ignore", VALID, {"parses": _with_bom}),
    "the last of two keys wins": Liberty(
        "RFC 8259 §4: SHOULD be unique; behaviour unpredictable", VALID, {"parses": _last_key_wins}
    ),
    "numbers are doubles": Liberty("RFC 8259 §6: may set limits on the range", VALID, {"parses": _doubles}),
    "unknown fields are ignored": Liberty(
        "the schema allows them, nothing says that they are kept", VALID, {"unknown_fields": "ignored"}, {}, OPEN_SCHEMA
    ),
    "unknown fields are kept": Liberty("the schema allows them", VALID, {"unknown_fields": "kept"}, {}, OPEN_SCHEMA),
    "the place of an unknown field is its object": Liberty(
        "RFC 9457 §3: an example", VALID, {"names_unknown_fields": False}
    ),
    "a zero-width space is a name": Liberty(
        "ECMA-262: \\s has no U+200B", VALID, {"blank_names": "judged by the schema"}, {}, SCHEMA
    ),
    "problems without a type": Liberty("RFC 9457 §3.1.1: about:blank", REPLY, {"error_body": _blank_type}),
    "refusals of its own shape": Liberty(
        "declared",
        REPLY + VALID,
        {"error_body": _own_shape, "error_media_type": "application/json"},
        {"target": {"errors": {"media_type": "application/json", "code": "/error/code"}}},
    ),
    "refusals of its own shape, undeclared code": Liberty(
        "declared",
        REPLY + VALID,
        {"error_body": _own_shape, "error_media_type": "application/json"},
        {"target": {"errors": {"media_type": "application/json"}}},
    ),
    "problems with a charset": Liberty(
        "RFC 9110 §8.3.1: parameters", REPLY, {"error_media_type": "application/problem+json; charset=utf-8"}
    ),
    "problems by a media type in capitals": Liberty(
        "RFC 9110 §8.3.1: case-insensitive", REPLY, {"error_media_type": "Application/Problem+JSON"}
    ),
}
