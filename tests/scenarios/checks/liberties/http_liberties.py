"""Liberties of methods, bodies and replies on the wire."""

import re
from collections.abc import Callable

from tests.scenarios.checks.liberties.habits import Habits
from tests.scenarios.checks.liberties.liberty import HTTP, LIMIT, LOGIC, REPLY, Liberty

ALWAYS = Habits().always


def _lower_names(raw: bytes) -> bytes:
    head, separator, body = raw.partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    return b"\r\n".join([lines[0], *(_lowered(line) for line in lines[1:])]) + separator + body


def _lowered(line: bytes) -> bytes:
    name, colon, value = line.partition(b":")
    return name.upper() + colon + b"\t" + value.strip() + b" "


def _no_reason(raw: bytes) -> bytes:
    return re.sub(rb"^(HTTP/1\.1 \d\d\d) [^\r]*", rb"\1 ", raw)


def _after(*early: bytes) -> Callable[[bytes], bytes]:
    return lambda raw: b"".join(early) + raw


def _chunked(raw: bytes) -> bytes:
    head, _, body = raw.partition(b"\r\n\r\n")
    if b"content-length" not in head.lower() or not body:
        return raw
    head = re.sub(rb"(?i)\r\ncontent-length: \d+", b"", head) + b"\r\nTransfer-Encoding: chunked"
    half = len(body) // 2
    pieces = [piece for piece in (body[:half], body[half:]) if piece]
    return head + b"\r\n\r\n" + b"".join(b"%X;x=1\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


LIBERTIES: dict[str, Liberty] = {
    "501 to a method that it does not know": Liberty(
        "RFC 9110 §9.1: an unrecognised method SHOULD be answered 501", HTTP, {"unknown_method": 501}
    ),
    "PATCH of another media type": Liberty("RFC 5789 §2.2: 415, with Accept-Patch", HTTP, {"patch": 415}),
    "404 to a method that no route has": Liberty(
        "RFC 9110 §15.5.5: 404 may hide that there is anything", HTTP, {"unknown_method": 404}
    ),
    "403 to methods that nobody may use": Liberty("RFC 9110 §15.5.4", HTTP, {"unknown_method": 403}),
    "OPTIONS is answered": Liberty("RFC 9110 §9.3.7", HTTP, {"options": 200}),
    "OPTIONS is answered without a body": Liberty("RFC 9110 §9.3.7", HTTP, {"options": 204}),
    "no HEAD": Liberty(
        "RFC 9110 §9.1: only GET and HEAD are required, of general-purpose servers", HTTP + REPLY, {"head": False}
    ),
    "any media type is read as JSON": Liberty("RFC 9110 §15.5.16: the server chooses", HTTP, {"media_type": "any"}),
    "media types with the suffix +json are read": Liberty("RFC 6839 §3.1", HTTP, {"media_type": "json suffix"}),
    "400 to another media type": Liberty(
        "declared",
        HTTP,
        {"media_type": "strict", "wrong_media_type": 400},
        {"target": {"errors": {"statuses": {"media_type": 400}}}, "promises": {"media_types": True}},
    ),
    "422 to another media type, not declared": Liberty("RFC 9110 §15.5.21", HTTP, {"wrong_media_type": 422}),
    "400 to a body that is too large": Liberty(
        "declared", HTTP, {"too_large": 400}, {"target": {"errors": {"statuses": {"too_large": 400}}}}
    ),
    "no declared bound of the body": Liberty("nothing declared", HTTP, {}, {"target": {"max_body_bytes": None}}),
    "content codings are ignored": Liberty(
        "RFC 9110 §8.4: an unknown coding may be refused as a body that is not JSON",
        HTTP,
        {"content_coding": "ignored"},
    ),
    "411 to a request in chunks": Liberty(
        "RFC 9112 §6.3: a server MAY ask for a length", HTTP, {"without_length": 411}
    ),
    "header names in capitals, blanks around values": Liberty(
        "RFC 9110 §5.1, §5.5", HTTP + REPLY, {"wire": _lower_names}
    ),
    "no reason phrase": Liberty("RFC 9112 §4: may be absent", HTTP + REPLY, {"wire": _no_reason}),
    "100 before a reply": Liberty(
        "RFC 9110 §15.2: a client MUST be able to parse 1xx",
        HTTP + REPLY,
        {"wire": _after(b"HTTP/1.1 103 Early Hints\r\nlink: </a>; rel=preload\r\n\r\n")},
    ),
    "102 and 103 before a reply": Liberty(
        "RFC 9110 §15.2",
        HTTP + REPLY,
        {"wire": _after(b"HTTP/1.1 102 Processing\r\n\r\n", b"HTTP/1.1 103 Early Hints\r\n\r\n")},
    ),
    "replies in chunks, with extensions": Liberty("RFC 9112 §7.1", HTTP + REPLY, {"wire": _chunked}),
    "replies in many pieces": Liberty("RFC 9112 §2.2: a stream", HTTP + REPLY, {"pieces": 40}),
    "each connection has one request": Liberty(
        "RFC 9112 §9.3: a server may close after any reply", HTTP + REPLY + LOGIC, {"closes_after": 1}
    ),
    "each connection has seven requests": Liberty("RFC 9112 §9.3", HTTP + REPLY + LOGIC, {"closes_after": 7}),
    "a connection is closed without a word after five requests": Liberty(
        "RFC 9112 §9.5: a server MAY close at any time", HTTP + REPLY + LOGIC, {"hangs_up_after": 5}
    ),
    "a clock that is a second behind": Liberty(
        "RFC 9110 §6.6.1: an approximation", HTTP + REPLY, {"date_lag_s": 1.0, "time_lag_s": 1.0}
    ),
    "Cache-Control: private, no-store": Liberty(
        "RFC 9111 §5.2.2.7", HTTP, {"always": (("cache-control", "private, no-store, max-age=0"), *ALWAYS[1:])}
    ),
    "other headers of its maker": Liberty(
        "RFC 9110 §5.1",
        HTTP + REPLY,
        {
            "always": (
                *ALWAYS,
                ("vary", "Accept, Origin"),
                ("x-request-id", "7"),
                ("via", "1.1 edge, HTTP/2 inner:8080 (cache)"),
                ("set-cookie", "a=b; HttpOnly; Secure; SameSite=Lax"),
            )
        },
    ),
    "the bare name of its software": Liberty("RFC 9110 §10.2.4", HTTP, {"always": (*ALWAYS, ("server", "nginx"))}),
    "CORS for anyone, without credentials": Liberty(
        "WHATWG Fetch: * never goes with credentials", HTTP, {"always": (*ALWAYS, ("access-control-allow-origin", "*"))}
    ),
    "RateLimit fields that nobody declared": Liberty(
        "draft-ietf-httpapi-ratelimit-headers",
        (*HTTP, *LIMIT),
        {"always": (*ALWAYS, ("ratelimit", '"default";r=50;t=30'), ("ratelimit-policy", '"default";q=100;w=60'))},
    ),
    "replies that take 50 ms": Liberty("no bound is declared", REPLY, {"delay_s": 0.05}),
}
