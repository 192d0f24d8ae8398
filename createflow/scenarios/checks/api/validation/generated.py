"""Bodies generated from the schema: more, and more unusual ones, than a list could hold."""

import random
from typing import Any

from createflow.scenarios.bodies.bounded import invalid_bodies, valid_bodies
from createflow.scenarios.checks.support.fixtures import positive_controls
from createflow.scenarios.harness.about import crash_at
from createflow.scenarios.harness.check import check
from createflow.scenarios.harness.expect import expect, expect_same_fields, expect_status
from createflow.scenarios.outcome import Expectation, NotDeclared
from createflow.scenarios.target.contract import Contract
from createflow.scenarios.target.probes import Target
from createflow.scenarios.target.reply import Reply
from createflow.schemas.flow import Step

_CASES = 25


@check(
    step=Step.VALIDATION,
    source="contract: validation; the target's schema",
    catches="loses_empty_values",
    limit_s=90.0,
)
async def generated_bodies_come_back(target: Target, seeded: random.Random) -> None:
    """Generated bodies that the schema allows are accepted, and the reply and a read show them as sent.

    How: the bodies follow from the run's seed; their names are new each time.
    """
    contract = _with_schema(target)
    bodies = await valid_bodies(contract.schema, seeded.getrandbits(32), _CASES, besides=contract.text_field)
    for body in bodies:
        sent = contract.with_own_values(body)
        if not contract.wire_format.says(sent):
            continue
        reply = await target.create(sent)
        if reply.status >= 500:
            raise await _crash(target, sent, reply)
        expect(reply.accepted, f"a body that the schema allows accepted: {sent}", str(reply.status), reply)
        sent = contract.shown(sent)
        shown = reply.document or {}
        expect_same_fields(_told(contract, sent, shown), shown, reply, where="the reply, as it was sent")
        seen = await target.read(target.url_of(reply))
        shown = seen.document or {}
        expect_same_fields(_told(contract, sent, shown), shown, reply, seen, where="the read, as it was sent")


async def _crash(target: Target, sent: dict[str, Any], reply: Reply) -> Expectation:
    """The failure at a body that is answered with a server error, and the field without which it is not."""
    required = target.contract.schema.get("required", [])
    expected = f"a body that the schema allows accepted: {sent}"
    for name in sent.keys() - {*required, target.contract.text_field}:
        rest = {key: value for key, value in sent.items() if key != name}
        if (await target.create(rest)).accepted:
            seen = f"{reply.status}; without {name} it is accepted"
            return Expectation(expected, seen, exchanges=[reply.exchange], about=[crash_at(name)])
    return Expectation(expected, str(reply.status), exchanges=[reply.exchange])


def _told(contract: Contract, sent: dict[str, Any], shown: dict[str, Any]) -> dict[str, Any]:
    """What must be shown of what was sent: a value that its property has by default may be left out.

    Where our own contract is promised it may not. ``defaults_are_filled_alike`` tells of the others.
    """
    defaults = {name: schema["default"] for name, schema in contract.properties.items() if "default" in schema}
    return {
        name: value
        for name, value in sent.items()
        if name in shown or contract.is_promised or name not in defaults or defaults[name] != value
    }


@check(
    step=Step.VALIDATION,
    source="contract: invalid-400; the target's schema",
    catches="types_unchecked",
    limit_s=90.0,
)
async def generated_mistakes_are_400(target: Target, seeded: random.Random) -> None:
    """Generated bodies with one error are refused with 400, never accepted and never a server error."""
    contract = _with_schema(target)
    good = [contract.document() for _ in range(_CASES)]
    bodies = await invalid_bodies(contract.schema, good, seeded.getrandbits(32))
    if not bodies:
        raise NotDeclared("the schema allows everything")
    async with positive_controls(target):
        for body, error in bodies:
            expect_status(await target.create(body), 400, of=f"a body with {error}")


def _with_schema(target: Target) -> Contract:
    if not target.contract.has_schema:
        raise NotDeclared("`target.schema_file` is not configured")
    return target.contract
