"""Headers that every reply must have, and headers that none should have."""

import re
from contextlib import suppress

from createflow.scenarios.checks.support.fixtures import below, positive_controls
from createflow.scenarios.harness.check import Need, check
from createflow.scenarios.harness.expect import expect, expect_header
from createflow.scenarios.outcome import Inconclusive, Prevented
from createflow.scenarios.target.probes import Target
from createflow.scenarios.target.received import http_date
from createflow.scenarios.target.reply import Reply
from createflow.schemas.flow import Step
from createflow.schemas.report import Level

_VERSION = re.compile(r"[0-9]\.[0-9]")
_RECEIVED_PROTOCOL = re.compile(r"(^|,)[ \t]*(?:[!#$%&'*+.^_`|~0-9A-Za-z-]+/)?[0-9.]+[ \t]")
"""Each member of Via begins with the version of the protocol, of which it is one (RFC 9110 §7.6.3)."""
_OTHER_ORIGIN = "https://other.example"


@check(step=Step.HTTPS_REQUEST, source="RFC 9110 §6.6.1", catches="balancer_drops_date")
async def date_is_given(target: Target) -> None:
    """Successes and refusals have a Date header."""
    async with positive_controls(target):
        for case, reply in await _replies(target):
            date = expect_header(reply, "Date")
            expect(http_date(date) is not None, f"an HTTP date on {case}", repr(date[:120]), reply)


@check(
    step=Step.HTTPS_REQUEST,
    level=Level.SHOULD,
    source="OWASP REST Security; OWASP API8:2023",
    catches="may_be_stored",
)
async def replies_are_not_stored(target: Target) -> None:
    """Replies must not be stored by shared caches, and forbid content sniffing (nosniff)."""
    async with positive_controls(target):
        for case, reply in await _replies(target):
            directives = {part.strip().lower() for part in reply.headers.get("cache-control", "").split(",")}
            kept = directives & {"no-store", "private"}
            expect(bool(kept), f"Cache-Control: no-store or private on {case}", ", ".join(directives) or "none", reply)
            sniffing = reply.headers.get("x-content-type-options", "none")
            expect(sniffing.lower() == "nosniff", f"X-Content-Type-Options: nosniff on {case}", sniffing, reply)


@check(
    step=Step.HTTPS_REQUEST,
    level=Level.SHOULD,
    source="RFC 9110 §10.2.4; OWASP API8:2023",
    catches="version_banner",
)
async def no_version_is_told(target: Target) -> None:
    """No reply discloses the version of the software that made it."""
    async with positive_controls(target):
        for case, reply in await _replies(target):
            for name in ("server", "x-powered-by", "x-aspnet-version", "via"):
                value = reply.headers.get(name, "")
                software = value if name != "via" else _RECEIVED_PROTOCOL.sub(r"\1", value)
                is_disclosed = name.startswith("x-") or _VERSION.search(software)
                expect(not (value and is_disclosed), f"no version in {name} of {case}", value, reply)


@check(
    step=Step.HTTPS_REQUEST,
    level=Level.SHOULD,
    source="WHATWG Fetch, CORS protocol; OWASP API8:2023",
    catches="origin_reflected",
    must_with=Need.CONTRACT,
)
async def strange_origin_is_not_let_in(target: Target) -> None:
    """CORS never allows an arbitrary origin to send credentials."""
    async with positive_controls(target):
        for origin in (_OTHER_ORIGIN, "null"):
            ask = {"origin": origin, "access-control-request-method": "POST"}
            for reply in (
                await target.create(headers={"origin": origin}),
                await target.create(b"", method="OPTIONS", headers=ask),
            ):
                allowed = reply.headers.get("access-control-allow-origin", "")
                credentials = reply.headers.get("access-control-allow-credentials", "").lower() == "true"
                expect(
                    not (credentials and allowed in {origin, "*"}),
                    f"no credentials for the origin {origin}",
                    f"Access-Control-Allow-Origin: {allowed} with credentials",
                    reply,
                )


@check(
    step=Step.HTTPS_REQUEST,
    level=Level.SHOULD,
    source="RFC 6797 §6.1.1, §7.1",
    needs=(Need.HTTPS,),
    catches="balancer_has_no_hsts",
)
async def https_is_insisted_on(target: Target) -> None:
    """Replies over HTTPS have Strict-Transport-Security with a max-age above zero."""
    reply = await target.create()
    if not reply.accepted:
        raise Inconclusive(f"an ordinary create was answered with {reply.status}")
    value = expect_header(reply, "Strict-Transport-Security")
    age = re.search(r'max-age[ \t]{0,9}=[ \t]{0,9}"?0*([0-9])', value, re.IGNORECASE)
    expect(age is not None and age[1] != "0", "a max-age above zero", value, reply)


async def _replies(target: Target) -> list[tuple[str, Reply]]:
    """One success, and the refusals that can be provoked without credentials or faults."""
    made = await target.create()
    replies = {
        "a create": made,
        "an empty body": await target.create(b""),
    }
    with suppress(Prevented, Inconclusive):  # the Location is no subject of these checks
        replies["a read"] = await target.read(target.url_of(made))
        replies["a path that is not there"] = await target.read(below(target.url_of(made)))
    return [(case, reply) for case, reply in replies.items() if reply.status < 500]
