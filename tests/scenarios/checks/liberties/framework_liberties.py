"""Liberties that frameworks take by default: how they refuse, name, write and deliver."""

import base64
import json
import re
from typing import Any

from tests.scenarios.checks.liberties.habits import Habits
from tests.scenarios.checks.liberties.liberty import AUTH, HTTP, LOGIC, REPLY, VALID, Liberty

_ALWAYS = Habits().always
_PLAIN: dict[str, Any] = {"target": {"errors": {"media_type": "application/json", "code": ""}}}
_OF_422: dict[str, Any] = {"target": {"errors": {**_PLAIN["target"]["errors"], "statuses": {"validation": [400, 422]}}}}
_ULID = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"


def _rails(status: int, _: str, detail: str) -> bytes:
    return json.dumps({"status": status, "error": "Refused", "errors": {"base": [detail or "is not allowed"]}}).encode()


def _spring(status: int, _: str, __: str) -> bytes:
    shown = {
        "timestamp": "2026-01-02T03:04:05.678+00:00",
        "status": status,
        "error": "Refused",
        "path": "/api/resources",
    }
    return json.dumps(shown).encode()


def _asp_net(status: int, code: str, detail: str) -> bytes:
    shown = {"type": "https://tools.ietf.org/html/rfc9110#section-15.5.1", "title": "Refused.", "status": status}
    return json.dumps({**shown, "errors": {"$": [detail or code]}, "code": code, "traceId": _TRACE}).encode()


def _laravel(_: int, code: str, detail: str) -> bytes:
    return json.dumps({"message": "Refused.", "errors": {"body": [detail or code]}}).encode()


def _phoenix(_: int, code: str, detail: str) -> bytes:
    return json.dumps({"errors": {"detail": detail or code}}).encode()


def _plain_text(_: int, code: str, detail: str) -> bytes:
    return f"{detail or code}\n".encode()


def _ulid(number: int) -> str:
    letters = [_ULID[number >> (5 * place) & 31] for place in range(16)]
    return "01K9ZZZZZZ" + "".join(reversed(letters))


def _base64(number: int) -> str:
    return base64.b64encode(f"Resource:{number}".encode()).decode()


def _with_blanks(raw: bytes) -> bytes:
    return json.dumps(json.loads(raw), indent=2, ensure_ascii=False).encode() + b"\n"


def _escaped(raw: bytes) -> bytes:
    text = json.dumps(json.loads(raw))
    return re.sub("[<>&/]", lambda found: f"\\u{ord(found[0]):04x}", text).encode()


def _with_fractions(raw: bytes) -> bytes:
    """Whole numbers as the JSON of a language that has doubles alone may have them."""
    return json.dumps(_as_doubles(json.loads(raw)), ensure_ascii=False).encode()


def _as_doubles(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _as_doubles(member) for name, member in value.items()}
    if isinstance(value, list):
        return [_as_doubles(member) for member in value]
    is_exact = isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**53
    return float(value) if is_exact else value


def _until_closed(raw: bytes) -> bytes:
    head, separator, body = raw.partition(b"\r\n\r\n")
    return re.sub(rb"(?i)\r\ncontent-length: [1-9]\d*", b"", head) + separator + body


LIBERTIES: dict[str, Liberty] = {
    "refusals as Ruby on Rails has them": Liberty(
        "declared: no code, 422",
        REPLY + VALID,
        {"error_body": _rails, "error_media_type": "application/json; charset=utf-8", "invalid": 422},
        _OF_422,
    ),
    "refusals as Spring Boot has them": Liberty(
        "declared: no code", REPLY + VALID, {"error_body": _spring, "error_media_type": "application/json"}, _PLAIN
    ),
    "refusals as ASP.NET Core has them": Liberty(
        "RFC 9457 §3.2: extensions are any JSON", REPLY + VALID, {"error_body": _asp_net}
    ),
    "refusals as Laravel has them": Liberty(
        "declared: no code, 422",
        REPLY + VALID,
        {"error_body": _laravel, "error_media_type": "application/json", "invalid": 422},
        _OF_422,
    ),
    "refusals as Phoenix has them": Liberty(
        "declared: no code, 422",
        REPLY + VALID,
        {"error_body": _phoenix, "error_media_type": "application/json", "invalid": 422},
        _OF_422,
    ),
    "refusals as Go has them": Liberty(
        "declared: text without a code",
        REPLY + VALID,
        {"error_body": _plain_text, "error_media_type": "text/plain; charset=utf-8"},
        {"target": {"errors": {"media_type": "text/plain", "code": ""}}},
    ),
    "a challenge with a description, as ASP.NET Core has it": Liberty(
        "RFC 6750 §3: error_description, a quoted-string (RFC 9110 §5.6.4)",
        AUTH,
        {"challenges": ('Bearer realm="a"{error}, error_description="ended at \\"01/02/2026, 03:04\\", x=y"',)},
    ),
    "replies are compressed": Liberty(
        "RFC 9110 §8.4, §12.5.3: as the client accepts it", HTTP + REPLY, {"compresses": True}
    ),
    "JSON with a charset": Liberty(
        "RFC 8259 §11: no parameter is defined, and one has no effect",
        REPLY,
        {"json_type": "application/json; charset=utf-8"},
    ),
    "JSON with line breaks and blanks": Liberty("RFC 8259 §2: insignificant", REPLY + VALID, {"written": _with_blanks}),
    "JSON with escapes": Liberty("RFC 8259 §7: any character may be escaped", REPLY + VALID, {"written": _escaped}),
    "whole numbers with a fraction": Liberty(
        "RFC 8259 §6: 1.0 and 1 are one number", REPLY + VALID, {"written": _with_fractions}
    ),
    "fields without a value": Liberty(
        "no schema of replies is declared",
        REPLY,
        {"trailing": lambda row: {**row, "deleted_at": None, "updated_by": None, "tags": []}},
    ),
    "ids that are integers": Liberty(
        "an id may be a number",
        REPLY,
        {"new_id": str, "trailing": lambda row: {**row, "id": int(row["id"])}, "body_of_201": "whole"},
    ),
    "ids that are ULIDs, and 400 to what is none": Liberty(
        "RFC 9110 §15.5.1: a path that is malformed",
        REPLY + VALID + ("service_router",),
        {"new_id": _ulid, "id_form": f"[{_ULID}]{{26}}"},
    ),
    "ids that are base64": Liberty("RFC 3986 §2.2: encoded", REPLY, {"new_id": _base64}),
    "a Location behind a proxy that ends TLS": Liberty(
        "declared",
        REPLY,
        {"location": lambda path, _: f"http://inner.example:8080{path}"},
        {"target": {"location_origins": ["http://inner.example:8080"]}},
    ),
    "a reply that ends with its connection": Liberty(
        "RFC 9112 §6.3: without a length the body ends when the connection is closed",
        HTTP + REPLY + LOGIC,
        {"wire": _until_closed, "closes_after": 1},
    ),
    "100 before a reply that nobody asked for": Liberty(
        "RFC 9110 §15.2: a client MUST be able to parse 1xx",
        HTTP + REPLY,
        {"wire": lambda raw: b"HTTP/1.1 100 Continue\r\n\r\n" + raw},
    ),
    "Keep-Alive as in HTTP/1.0": Liberty(
        "RFC 9112 appendix C.2.2",
        HTTP,
        {"always": (*_ALWAYS, ("connection", "keep-alive"), ("keep-alive", "timeout=5, max=100"))},
    ),
    "a clock that is a second ahead": Liberty("RFC 9110 §6.6.1: an approximation", HTTP + REPLY, {"date_lag_s": -1.0}),
}
