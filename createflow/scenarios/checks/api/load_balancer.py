"""Step 2: TLS at the entry, and a 503 when no gateway is available."""

import asyncio

from createflow.scenarios.checks.support.fixtures import expect_recovery, positive_controls
from createflow.scenarios.checks.support.levels import Lesser
from createflow.scenarios.harness.check import Need, check
from createflow.scenarios.harness.expect import expect, expect_status
from createflow.scenarios.outcome import Inconclusive
from createflow.scenarios.sinks.polling import eventually
from createflow.scenarios.target.probes import Faults, Handshakes, Target
from createflow.schemas.flow import Step
from createflow.schemas.report import Level

_NOTICES_WITHIN_S = 10.0
_DAYS = 14


@check(
    step=Step.LOAD_BALANCER, source="contract: https; RFC 9325 §3.1.1", needs=(Need.HTTPS,), catches="old_tls_allowed"
)
async def old_tls_is_refused(handshakes: Handshakes) -> None:
    """TLS 1.2 or newer is offered with a certificate that verifies, and TLS 1.1 is refused.

    Why: TLS 1.0 and 1.1 depend on broken hashes; RFC 8996 deprecates them.
    """
    for moment in ("before", "after"):
        problem = await asyncio.to_thread(handshakes.verified_error)
        expect(not problem, "a verified TLS 1.2 or 1.3 handshake", f"{problem} ({moment} the old one)")
        if moment == "before":
            outcome = await asyncio.to_thread(handshakes.offer_tls_1_1)
            if outcome == "untested":
                raise Inconclusive("this machine's TLS library cannot offer TLS 1.1")
            expect(outcome == "refused", "TLS 1.1 refused", f"TLS 1.1 {outcome}")


@check(
    step=Step.LOAD_BALANCER,
    level=Level.SHOULD,
    source="contract: https",
    needs=(Need.HTTPS,),
    catches="certificate_ends_soon",
)
async def certificate_lasts_two_weeks(handshakes: Handshakes) -> None:
    """The certificate is valid for at least another 14 days."""
    try:
        days = await asyncio.to_thread(handshakes.certificate_days_left)
    except OSError as error:
        raise Inconclusive(f"no verified handshake (see old_tls_is_refused): {error}") from None
    expect(days >= _DAYS, f"at least {_DAYS} days", f"{days:.1f} days")


@check(
    step=Step.LOAD_BALANCER,
    source="contract: load-balancing; contract: unavailable-503",
    needs=(Need.GATEWAY_DOWN,),
    disturbs=True,
    limit_s=60.0,
    catches="balancer_answers_in_html",
)
async def no_gateway_is_503(target: Target, faults: Faults) -> None:
    """With every gateway down the reply is 503 as problem+json, and creates are accepted again after recovery."""
    lesser = Lesser.than_our_contract(target.contract)
    async with positive_controls(target):
        pass
    async with faults.injected("gateway_down"):
        reply, refused = await eventually(target.create, lambda reply: not reply.accepted, within_s=_NOTICES_WITHIN_S)
        if not refused:
            raise Inconclusive("the fault had no effect: creates were still accepted")
        expect_status(reply, 503, of="a create with no gateway alive")
        with lesser:
            expect(
                reply.media_type == "application/problem+json",
                "the 503 as application/problem+json",
                reply.media_type or "no Content-Type",
                reply,
            )
    await expect_recovery(target)
    lesser.tell()
