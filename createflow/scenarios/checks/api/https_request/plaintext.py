"""Requests without TLS can be read on the way, so they must have no effect."""

import re

from createflow.scenarios.checks.support.fixtures import positive_controls, rows_of
from createflow.scenarios.harness.check import Need, check
from createflow.scenarios.harness.expect import expect_exchange
from createflow.scenarios.outcome import Inconclusive
from createflow.scenarios.sinks.sink import Primary
from createflow.scenarios.target.http_client import NoConnection
from createflow.scenarios.target.principal import ANONYMOUS
from createflow.scenarios.target.probes import RawHttp, Target
from createflow.schemas.flow import Step

_HTTP_PORT = 80


@check(step=Step.HTTPS_REQUEST, source="contract: https; RFC 6750 §5.3", needs=(Need.HTTPS,))
async def plaintext_creates_nothing(target: Target, raw: RawHttp, primary: Primary | None) -> None:
    """A create sent without TLS, to the same port or to port 80 of the host, creates nothing.

    Why: a redirect to https comes too late, because the request was already readable. To another machine no credential
    is sent without TLS, and on this machine port 80 is not tried, because it may belong to another program.
    """
    asking: list[str] = []
    async with positive_controls(target):
        for port in (None,) if raw.is_local else (None, _HTTP_PORT):
            status = await _in_the_clear(target, raw, primary, port)
            if status == 401 and not raw.is_local:
                asking.append("its own port" if port is None else f"port {port}")
    if asking:
        raise Inconclusive(f"plain HTTP at {' and '.join(asking)} asks for a token; none was sent in the clear")


async def _in_the_clear(target: Target, raw: RawHttp, primary: Primary | None, port: int | None) -> int | None:
    """The status of a create without TLS; ``None`` when it is answered with no HTTP."""
    body = target.contract.document()
    host = raw.authority if port is None else re.sub(r":\d+$", "", raw.authority)
    sent = raw.request(
        target.contract.wire_format.encode(body),
        who=target.writer if raw.is_local else ANONYMOUS,
        host=(host,),
        with_profile_headers=raw.is_local,
    )
    try:
        answer = await raw.send_plaintext(sent, port=port)
    except NoConnection:
        if port is None:
            raise
        return None
    status = answer.replies[0].status if answer.replies else None
    accepted = status is not None and 200 <= status < 300
    expect_exchange(not accepted, "no create accepted without TLS", str(status), answer.exchange)
    rows = await rows_of(target, body, primary)
    seen = f"a row, although it was answered {status}"
    expect_exchange(not rows, "no row of a create without TLS", seen, answer.exchange)
    return status
