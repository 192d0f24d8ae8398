"""The length of a request: where proxy and service read it differently, requests can be smuggled."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from createflow.scenarios.checks.support.levels import Lesser
from createflow.scenarios.harness.check import Lane, check
from createflow.scenarios.harness.expect import expect_exchange
from createflow.scenarios.outcome import Expectation, Inconclusive, Prevented
from createflow.scenarios.target.http_client import NoConnection, NoReply
from createflow.scenarios.target.probes import RawExchange, RawHttp, Target
from createflow.schemas.flow import Step

_CHUNKED = "Transfer-Encoding: chunked"
_REFUSALS = (400, *range(401, 500), 501, 503)
_TRIES_OF_A_BUSY_TARGET = 5
_BUSY_FOR_S = 1.0


@check(step=Step.HTTPS_REQUEST, source="RFC 9112 §2.2, §5.1, §6.3, §7.1", disturbs=Lane.FRAMING)
async def bad_framing_is_refused(target: Target, raw: RawHttp) -> None:
    """A request with an ambiguous or invalid length is refused with 400, or the connection is closed without an answer.

    Chunks that are none are a should: RFC 9112 §2.2 says so of what does not fit the grammar.
    """
    lesser = Lesser()
    async with _between_raw_creates(target, raw):
        body = _body(target)
        length = f"Content-Length: {len(body)}"
        forms: dict[str, tuple[Sequence[str], bytes]] = {
            "two different lengths": ((length, f"Content-Length: {len(body) + 1}"), body),
            "a list of different lengths": ((f"Content-Length: {len(body)}, {len(body) + 1}",), body),
            "a negative length": (("Content-Length: -1",), body),
            "a signed length": ((f"Content-Length: +{len(body)}",), body),
            "a hexadecimal length": ((f"Content-Length: {len(body):#x}",), body),
            # A coding that it does not know is answered with 501 (RFC 9112 §6.1).
            "a coding after chunked": (("Transfer-Encoding: chunked, identity",), _chunk(body)),
            "a blank before the colon": ((f"Content-Length : {len(body)}",), body),
        }
        malformed: dict[str, bytes] = {
            "a chunk size that is no number": b"zz\r\n" + body + b"\r\n0\r\n\r\n",
            "a negative chunk size": b"-1\r\n" + body + b"\r\n0\r\n\r\n",
            "a chunk that is longer than its size": b"5\r\n" + body + b"\r\n0\r\n\r\n",
        }
        for form, (lines, content) in forms.items():
            answer = await raw.send(raw.request(content, who=target.writer, lines=lines), expected_replies=2)
            _refused(answer, form, *([400, 501] if lines[0].startswith("Transfer") else [400]))
        for form, content in malformed.items():
            answer = await raw.send(raw.request(content, who=target.writer, lines=(_CHUNKED,)), expected_replies=2)
            with lesser:
                _refused(answer, form, *_REFUSALS)
    lesser.tell()


@check(step=Step.HTTPS_REQUEST, source="RFC 9112 §6.1, §6.3, §11.2", disturbs=Lane.FRAMING)
async def smuggled_request_is_not_answered(target: Target, raw: RawHttp) -> None:
    """With both Content-Length and Transfer-Encoding, a request hidden in the body is never answered.

    RFC 9112 §6.1: whether it rejects such a request or goes by the chunks, the server closes the connection. A transfer
    coding that is not chunked at its end is refused (§6.3). Why: if a proxy uses one of the two and the service the
    other, the rest of the body becomes the next client's request (request smuggling).
    """
    async with _between_raw_creates(target, raw):
        hidden = raw.request(b"", who=target.writer, method="GET", lines=("X-Createflow: hidden",))
        body = _body(target)
        forms = {
            "a length that includes a request after the last chunk": (
                (f"Content-Length: {len(_chunk(body) + hidden)}", _CHUNKED),
                _chunk(body) + hidden,
            ),
            "a length that ends before the chunks": (("Content-Length: 4", _CHUNKED), _chunk(body)),
            "a transfer coding in disguise": (
                (f"Content-Length: {len(body)}", "Transfer-Encoding: xchunked"),
                body + hidden,
            ),
        }
        for form, (lines, content) in forms.items():
            answer = await raw.send(raw.request(content, who=target.writer, lines=lines), expected_replies=2)
            statuses = [reply.status for reply in answer.replies]
            seen = f"{statuses}, {'closed' if answer.is_closed else 'left open'}"
            once = len(statuses) <= 1 and (answer.is_closed or not statuses)
            expect_exchange(once, f"one reply at most to {form}, and the connection closed", seen, answer.exchange)
            is_disguised = _CHUNKED not in lines
            expect_exchange(
                not (is_disguised and statuses and statuses[0] < 400), f"400 or 501 to {form}", seen, answer.exchange
            )


@check(step=Step.HTTPS_REQUEST, source="RFC 9112 §3.2", disturbs=Lane.FRAMING, catches="host_not_needed")
async def host_is_required_once(target: Target, raw: RawHttp) -> None:
    """A request without a Host header, or with two, is refused with 400."""
    async with _between_raw_creates(target, raw):
        forms = {"no Host": (), "two Hosts": (raw.authority, "elsewhere.example")}
        for form, host in forms.items():
            answer = await raw.send(raw.request(_body(target), who=target.writer, host=host))
            _refused(answer, form, 400)


def _refused(answer: RawExchange, form: str, *allowed: int) -> None:
    statuses = [reply.status for reply in answer.replies]
    expected = f"{' or '.join(map(str, allowed[:2]))} or a closed connection to {form}"
    expect_exchange(all(status in allowed for status in statuses), expected, str(statuses), answer.exchange)


@asynccontextmanager
async def _between_raw_creates(target: Target, raw: RawHttp) -> AsyncIterator[None]:
    """A well-formed create in raw bytes is accepted before and after; in chunks it may be refused.

    Silence between the two is no refusal; once the target has answered again, it was no slowness either.
    """
    silence: NoReply | None = None
    for moment in ("before", "after"):
        for lines, content in ((None, _body(target)), ((_CHUNKED,), _chunk(_body(target)))):
            statuses = await _until_not_busy(target, raw, raw.request(content, who=target.writer, lines=lines))
            if statuses and lines is not None and 400 <= statuses[0] < 500:
                continue  # 411 (RFC 9110 §15.5.12), or 400 by what never reads chunks, as WSGI applications
            if statuses and statuses[0] == 429 and target.limits is None:
                raise Prevented(
                    "response.create_is_201", "creates are limited (429), and the profile declares no [limits]"
                )
            if not statuses or not 200 <= statuses[0] < 300:
                raise Inconclusive(f"the well-formed create in raw bytes {moment} the test was answered {statuses}")
        if moment == "before":
            try:
                yield
            except NoConnection:
                raise
            except NoReply as nothing:
                silence = nothing
    if silence is not None:
        seen = "silence, and the connection left open"
        raise Expectation("an answer, or a closed connection", seen, exchanges=[silence.exchange])


async def _until_not_busy(target: Target, raw: RawHttp, request: bytes) -> list[int]:
    """The statuses of the answer.

    It is not before the last of several tries where the target says what the profile declares: that it is busy, or that
    there were too many requests. Of what the tests smuggle, it may count more than was sent.
    """
    declared = {503: target.contract.promises.saturation, 429: target.limits is not None}
    statuses: list[int] = []
    for number in range(_TRIES_OF_A_BUSY_TARGET):
        await asyncio.sleep(_BUSY_FOR_S if number else 0)
        statuses = [reply.status for reply in (await raw.send(request)).replies]
        if not statuses or not declared.get(statuses[0], False):
            break
    return statuses


def _body(target: Target) -> bytes:
    return target.contract.wire_format.encode(target.contract.document())


def _chunk(body: bytes) -> bytes:
    return b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
