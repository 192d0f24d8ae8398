"""The length of a request: where proxy and service read it differently, requests can be smuggled."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from createflow.scenarios.harness.check import Lane, check
from createflow.scenarios.harness.expect import expect_exchange
from createflow.scenarios.outcome import Expectation, Inconclusive
from createflow.scenarios.target.http_client import NoConnection, NoReply
from createflow.scenarios.target.probes import RawExchange, RawHttp, Target
from createflow.schemas.flow import Step

_CHUNKED = "Transfer-Encoding: chunked"


@check(step=Step.HTTPS_REQUEST, source="RFC 9112 §5.1, §6.1, §6.3, §7.1", disturbs=Lane.FRAMING)
async def bad_framing_is_refused(target: Target, raw: RawHttp) -> None:
    """A request with an ambiguous or invalid length creates nothing and is refused, or the connection is closed."""
    async with _between_raw_creates(target, raw):
        body = _body(target)
        length = f"Content-Length: {len(body)}"
        forms: dict[str, tuple[Sequence[str], bytes]] = {
            "two different lengths": ((length, f"Content-Length: {len(body) + 1}"), body),
            "a list of different lengths": ((f"Content-Length: {len(body)}, {len(body) + 1}",), body),
            "a negative length": (("Content-Length: -1",), body),
            "a signed length": ((f"Content-Length: +{len(body)}",), body),
            "a hexadecimal length": ((f"Content-Length: {len(body):#x}",), body),
            "a chunk size that is no number": ((_CHUNKED,), b"zz\r\n" + body + b"\r\n0\r\n\r\n"),
            "a negative chunk size": ((_CHUNKED,), b"-1\r\n" + body + b"\r\n0\r\n\r\n"),
            "a chunk that is longer than its size": ((_CHUNKED,), b"5\r\n" + body + b"\r\n0\r\n\r\n"),
            "a coding after chunked": (("Transfer-Encoding: chunked, identity",), _chunk(body)),
            "a blank before the colon": ((f"Content-Length : {len(body)}",), body),
        }
        for form, (lines, content) in forms.items():
            answer = await raw.send(raw.request(content, who=target.writer, lines=lines), expected_replies=2)
            _refused(answer, form)


@check(step=Step.HTTPS_REQUEST, source="RFC 9112 §6.1, §6.3, §11.2", disturbs=Lane.FRAMING)
async def smuggled_request_is_not_answered(target: Target, raw: RawHttp) -> None:
    """With both Content-Length and Transfer-Encoding, a request hidden in the body is never answered.

    Why: if a proxy uses one of the two and the service the other, the rest of the body becomes the next client's
    request (request smuggling).
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
            once = len(statuses) <= 1 and (answer.is_closed or not statuses or statuses[0] >= 400)
            expect_exchange(
                once,
                f"one reply at most to {form}, and the connection closed after a success",
                f"{statuses}, {'closed' if answer.is_closed else 'left open'}",
                answer.exchange,
            )


@check(step=Step.HTTPS_REQUEST, source="RFC 9112 §3.2", disturbs=Lane.FRAMING, catches="host_not_needed")
async def host_is_required_once(target: Target, raw: RawHttp) -> None:
    """A request without a Host header, or with two, is refused with 400."""
    async with _between_raw_creates(target, raw):
        forms = {"no Host": (), "two Hosts": (raw.authority, "elsewhere.example")}
        for form, host in forms.items():
            answer = await raw.send(raw.request(_body(target), who=target.writer, host=host))
            _refused(answer, form)


def _refused(answer: RawExchange, form: str) -> None:
    statuses = [reply.status for reply in answer.replies]
    refused = all(status >= 400 and status not in {500, 502} for status in statuses)
    expect_exchange(refused, f"400 or a closed connection to {form}", str(statuses), answer.exchange)


@asynccontextmanager
async def _between_raw_creates(target: Target, raw: RawHttp) -> AsyncIterator[None]:
    """A well-formed create in raw bytes, with a length or in chunks, is accepted before and after.

    Silence between the two is no refusal; once the target has answered again, it was no slowness either.
    """
    silence: NoReply | None = None
    for moment in ("before", "after"):
        for lines, content in ((None, _body(target)), ((_CHUNKED,), _chunk(_body(target)))):
            answer = await raw.send(raw.request(content, who=target.writer, lines=lines))
            statuses = [reply.status for reply in answer.replies]
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


def _body(target: Target) -> bytes:
    return target.contract.wire_format.encode(target.contract.document())


def _chunk(body: bytes) -> bytes:
    return b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
