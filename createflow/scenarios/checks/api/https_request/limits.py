"""Method, media type and size: what is not supported is refused, and the refusal says what is supported."""

import asyncio
import gzip
import json
from contextlib import nullcontext

from createflow.scenarios.checks.support.every_method import writes_of
from createflow.scenarios.checks.support.fixtures import created, positive_controls
from createflow.scenarios.checks.support.levels import Lesser
from createflow.scenarios.harness.check import Need, check
from createflow.scenarios.harness.expect import expect, expect_exchange, expect_header, expect_status
from createflow.scenarios.outcome import NotDeclared
from createflow.scenarios.target.probes import RawHttp, Target
from createflow.scenarios.target.reply import Reply
from createflow.schemas.flow import Step
from createflow.schemas.report import Level

_HUGE_BYTES = 256 * 1024
_BOMB_BYTES = 16 * 1024 * 1024
_QUICK_S = 5.0
_NOT_SERVED = "PROPFIND"
_REFUSALS_OF_A_PATCH = frozenset({409, 415, 422, 428})
"""By a server that knows it (RFC 5789 §2.2): ours is of no media type of a patch, or names no version."""
_REFUSALS_OF_A_METHOD = frozenset({400, 403, 404, 405, 501})


@check(
    step=Step.HTTPS_REQUEST,
    source="contract: media-type",
    catches=("any_media_type", "updates_of_any_media_type"),
    needs=(Need.MEDIA_TYPES,),
)
async def wrong_media_type_is_415(target: Target) -> None:
    """A valid body whose Content-Type is not JSON is refused with 415, in a create and in an update.

    Why: a form on another site can send text/plain without a CORS preflight.
    """
    async with positive_controls(target):
        made = await created(target)
        for kind in ("text/plain", "application/xml", "application/x-www-form-urlencoded", "application/jsonx"):
            for write, reply in await writes_of(target, made, headers={"content-type": kind}):
                expect_status(reply, 415, of=f"{write} sent as {kind}")


@check(
    step=Step.HTTPS_REQUEST,
    source="contract: service-routing; RFC 9110 §9.1, §15.5.6",
    catches=("no_allow_header", "takes_any_method", "allow_without_put"),
)
async def unknown_method_is_405(target: Target) -> None:
    """A method that is not served is refused, with 405 where that is promised, and the Allow of a 405 lists the others.

    Of a resource as well: there the reads, updates and deletes that the profile declares are among them.

    How: PATCH, unless the target serves it, and PROPFIND, which HTTP parsers know and no JSON API serves (RFC 4918
    §9.1). Without ``promises.unknown_methods`` 501, 404, 403 and 400 are refusals as well, and that there is one is a
    should.
    """
    lesser = Lesser(is_promised=target.contract.promises.unknown_methods)
    async with positive_controls(target):
        for method in ("PATCH", _NOT_SERVED):
            reply = await target.create(method=method)
            is_served = reply.accepted or reply.status in _REFUSALS_OF_A_PATCH
            if is_served and method == "PATCH" and not target.contract.promises.unknown_methods:
                continue
            if target.contract.promises.unknown_methods:
                expect_status(reply, 405, of=method)
            refused = reply.status in _REFUSALS_OF_A_METHOD or reply.means(405)
            with lesser:
                expect(refused, f"{method} refused with 405, 501, 404, 403 or 400", str(reply.status), reply)
            if reply.status != 405:
                continue
            allowed = {name.strip().upper() for name in expect_header(reply, "Allow").split(",")}
            shown = ", ".join(sorted(allowed))
            expect(target.contract.method in allowed, f"{target.contract.method} in Allow", shown, reply)
            expect(method not in allowed, f"an Allow without the refused {method}", shown, reply)
        await _expect_allowed_on_resource(target, lesser)
    lesser.tell()


async def _expect_allowed_on_resource(target: Target, lesser: Lesser) -> None:
    """Require that the Allow of a 405 to a resource lists what the resource supports (RFC 9110 §15.5.6).

    That it lists all of it is a should, unless it is promised: routers that have a route for each method know one only,
    and the server defines the set (§10.2.1).
    """
    made = await created(target)
    served = {"GET"} if (await target.read(made.url)).accepted else set()
    served |= ({"PUT"} if target.contract.update else set()) | ({"DELETE"} if target.contract.delete else set())
    for method in ("PATCH", _NOT_SERVED):
        reply = await target.send(method, made.url)
        if reply.status == 405:
            allowed = _methods(reply)
            shown = ", ".join(sorted(allowed))
            missing = sorted(served - allowed)
            with lesser:
                expect(not missing, f"{', '.join(missing)} in the Allow of {method} of a resource", shown, reply)
            expect(method not in allowed, f"an Allow without the refused {method} of a resource", shown, reply)


@check(
    step=Step.HTTPS_REQUEST,
    source="contract: body-limit",
    catches=(
        "unbounded_body",
        "unbounded_chunks",
        "unbounded_updates",
        "body_limit_halved",
        "balancer_caps_bodies",
    ),
    needs=(Need.BODY_LIMIT,),
)
async def oversized_body_is_413(target: Target, raw: RawHttp) -> None:
    """A body one byte above the declared limit is refused with 413, before its content is validated; one at it is not.

    How: the body is valid JSON padded with blanks, so that only its size is wrong. It is sent with its length, as an
    update too where our own contract is promised, and in a chunk without a length, which may also be refused with
    another 4xx or 501 (RFC 9112 §6.1, §6.3), or by closing.
    """
    limit = target.contract.max_body_bytes or 0
    around = len(target.contract.wire_format.wrap(b""))  # the envelope counts as well
    async with positive_controls(target):
        reply = await target.create(json.dumps(target.contract.document()).encode().ljust(limit - around))
        expect(not reply.means(413), f"a body of {limit} bytes, as declared, not too large", str(reply.status), reply)
        body = json.dumps(target.contract.document()).encode().ljust(limit - around + 1)
        for write, reply in await writes_of(target, await created(target), body):
            expect_status(reply, 413, of=f"{write} of {limit + 1} bytes")
        chunk = target.contract.wire_format.encode(target.contract.document()).ljust(limit + 1)
        chunks = b"%x\r\n%b\r\n0\r\n\r\n" % (len(chunk), chunk)
        answer = await raw.send(raw.request(chunks, who=target.writer, lines=("Transfer-Encoding: chunked",)))
        statuses = [one.status for one in answer.replies]
        refused = answer.is_closed if not statuses else 400 <= statuses[0] < 500 or statuses[0] == 501
        expect_exchange(refused, f"413 to {limit + 1} bytes without a length", str(statuses), answer.exchange)


@check(
    step=Step.HTTPS_REQUEST,
    level=Level.SHOULD,
    source="RFC 9110 §9.3.7, §10.2.1",
    catches="options_differ",
    repeats=("https_request.unknown_method_is_405",),
)
async def options_agree_with_405(target: Target) -> None:
    """OPTIONS and the 405 list the same methods."""
    options = await target.create(b"", method="OPTIONS")
    if not options.accepted or "allow" not in options.headers:
        raise NotDeclared(f"OPTIONS lists no methods: it is answered with {options.status}")
    async with positive_controls(target):
        refused = await target.create(method="PATCH")
        if refused.accepted:
            raise NotDeclared("the target serves PATCH")
        if refused.status != 405:
            raise NotDeclared(f"the refusal is {refused.status}, which lists no methods")
        by_options, by_refusal = _methods(options), _methods(refused)
        expect(
            target.contract.method in by_options,
            f"{target.contract.method} among the methods in the Allow of OPTIONS",
            ", ".join(sorted(by_options)),
            options,
        )
        # HEAD follows from GET, and OPTIONS is always allowed: listing them is optional.
        optional = {"HEAD", "OPTIONS"}
        expect(
            by_options - optional == by_refusal - optional,
            f"the methods of the 405: {', '.join(sorted(by_refusal))}",
            ", ".join(sorted(by_options)),
            options,
            refused,
        )


@check(
    step=Step.HTTPS_REQUEST,
    source="contract: body-limit; RFC 9110 §5.4; RFC 6585 §5; OWASP API4:2023",
    catches="unbounded_headers",
)
async def huge_header_is_431(target: Target, raw: RawHttp) -> None:
    """A header of 256 KiB is refused with 431 or another 4xx, or by closing the connection, and creates nothing.

    A server may take it, which is a should where our own contract is not promised. It must not answer with a 5xx.
    """
    lesser = Lesser.than_our_contract(target.contract)
    async with positive_controls(target):
        body = target.contract.wire_format.encode(target.contract.document())
        lines = (f"Content-Length: {len(body)}", f"X-Createflow: {'x' * _HUGE_BYTES}")
        answer = await raw.send(raw.request(body, who=target.writer, lines=lines))
        statuses = [reply.status for reply in answer.replies]
        refused = answer.is_closed if not statuses else 400 <= statuses[0] < 500
        with lesser if statuses and statuses[0] < 300 else nullcontext():
            expect_exchange(refused, "431, another 4xx, or a closed connection", str(statuses), answer.exchange)
    lesser.tell()


@check(step=Step.HTTPS_REQUEST, level=Level.SHOULD, source="OWASP API4:2023; CWE-409", catches="inflates_bodies")
async def compressed_bomb_is_refused(target: Target) -> None:
    """A small compressed body that expands to 16 MiB is refused with a 4xx within 5 s.

    Why: a limit on the body that counts the bytes sent does not limit the memory of the decompressed body.
    """
    document = json.dumps(target.contract.document()).encode()
    bomb = await asyncio.to_thread(gzip.compress, document.ljust(_BOMB_BYTES), compresslevel=9, mtime=0)
    async with positive_controls(target):
        reply = await target.create(bomb, headers={"content-encoding": "gzip"})
        refused = 400 <= reply.status < 500
        expect(refused, f"a 4xx to {len(bomb)} bytes that become {_BOMB_BYTES}", str(reply.status), reply)
        quick = reply.elapsed_s <= _QUICK_S
        expect(quick, f"the refusal within {_QUICK_S:g} s", f"{reply.elapsed_s:.1f} s", reply)


def _methods(reply: Reply) -> set[str]:
    return {method.strip().upper() for method in expect_header(reply, "Allow").split(",")}
