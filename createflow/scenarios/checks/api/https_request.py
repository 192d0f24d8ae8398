"""Step 1: what is not a proper request is refused as such."""

import json

from createflow.scenarios.controls import between_creates
from createflow.scenarios.declare import check
from createflow.scenarios.expect import NotDeclared, expect, expect_header, expect_status
from createflow.scenarios.need import Need
from createflow.scenarios.probes.role import Target
from createflow.schemas.fault import Fault
from createflow.schemas.flow import Step
from createflow.schemas.report import Level


@check(step=Step.HTTPS_REQUEST, level=Level.SHOULD, source="RFC 9110 §15.5.16", catches=Fault.ANY_MEDIA_TYPE)
async def wrong_media_type_is_415(target: Target) -> None:
    """A valid body that is not called JSON is refused with 415.

    Why: a form on another site can send text/plain without the browser asking first.
    """
    async with between_creates(target):
        reply = await target.create(headers={"content-type": "text/plain"})
        expect_status(reply, 415, of="a create sent as text/plain")


@check(step=Step.HTTPS_REQUEST, source="RFC 9110 §15.5.6", catches=Fault.NO_ALLOW_HEADER)
async def unknown_method_is_405(target: Target) -> None:
    """A method that the path does not have is refused with 405, and Allow says which it has."""
    async with between_creates(target):
        reply = await target.create(method="PATCH")
        if reply.accepted:
            raise NotDeclared("the target serves PATCH")
        expect_status(reply, 405, of="PATCH")
        allowed = {method.strip().upper() for method in expect_header(reply, "Allow").split(",")}
        expect("POST" in allowed, "POST among the methods in Allow", ", ".join(sorted(allowed)), reply)
        expect("PATCH" not in allowed, "an Allow without the refused PATCH", ", ".join(sorted(allowed)), reply)


@check(
    step=Step.HTTPS_REQUEST,
    level=Level.SHOULD,
    source="RFC 9110 §15.5.14",
    catches=Fault.UNBOUNDED_BODY,
    needs=(Need.BODY_LIMIT,),
)
async def oversized_body_is_413(target: Target) -> None:
    """A body of one byte more than declared is refused with 413, before anything judges its content.

    Why: the body is valid JSON padded with blanks, so that only its size can be what is wrong with it.
    """
    limit = target.contract.max_body_bytes or 0
    async with between_creates(target):
        body = json.dumps(target.contract.document()).encode().ljust(limit + 1)
        reply = await target.create(body)
        expect_status(reply, 413, of=f"a body of {limit + 1} bytes")
