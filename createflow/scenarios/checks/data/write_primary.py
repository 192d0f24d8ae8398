"""Step 12: a 201 means that the write is committed on the primary."""

from createflow.scenarios.checks.support.fixtures import created
from createflow.scenarios.harness.check import check
from createflow.scenarios.harness.expect import expect, expect_same_fields
from createflow.scenarios.outcome import Inconclusive
from createflow.scenarios.sinks.sink import Primary
from createflow.scenarios.target.probes import Target
from createflow.schemas.flow import Step


@check(
    step=Step.WRITE_PRIMARY,
    source="contract: durable-before-201",
    catches="drops_description",
)
async def row_equals_reply(target: Target, primary: Primary) -> None:
    """When the 201 arrives the primary has one row, equal to the reply and to what was sent.

    There is no deadline here: the write is committed before the reply.
    """
    body = target.contract.document()
    made = await created(target, body)
    rows = await primary.by_id(made.id)
    expect(len(rows) == 1, "one row in the primary at once", str(len(rows)), made.reply)
    missing = [name for name in made.shown if name not in rows[0]]
    if missing and all(name not in body for name in missing):
        raise Inconclusive(f"the row query returns no column {', '.join(missing)}")
    expect_same_fields(made.shown, rows[0], made.reply, where="the primary's row")
    stored = {name: value for name, value in body.items() if name in rows[0]}
    expect_same_fields(stored, rows[0], made.reply, where="the primary's row, as it was sent")
