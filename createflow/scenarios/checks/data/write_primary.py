"""Step 12: a 201 means that the write is committed on the primary."""

from functools import partial

from createflow.scenarios.checks.support.copies import all_of, compare_all, compare_spread, row_problem
from createflow.scenarios.checks.support.fixtures import created, expect_recovery
from createflow.scenarios.checks.support.power import Comparison
from createflow.scenarios.harness.check import Need, check
from createflow.scenarios.harness.expect import expect_one_row, expect_same_fields
from createflow.scenarios.harness.in_flight import creating
from createflow.scenarios.harness.write_sample import WriteSample
from createflow.scenarios.outcome import Inconclusive, NotDeclared
from createflow.scenarios.sinks.sink import Primary
from createflow.scenarios.target.probes import Faults, Target
from createflow.scenarios.target.write_record import WriteRecord, Written
from createflow.scenarios.text.printable import cut
from createflow.schemas.flow import Step

_AT_ONCE = 4
_ROUNDS = 6
_EQUAL = "write_primary.row_equals_reply"
_CHANGED = "write_primary.rows_equal_writes"


@check(
    step=Step.WRITE_PRIMARY,
    source="contract: durable-before-201",
    catches=("drops_description", "joined_create_lost", "create_undone", "answers_swapped"),
)
async def row_equals_reply(target: Target, primary: Primary) -> None:
    """When the 201 arrives the primary has one row, equal to the reply and to what was sent.

    There is no deadline here: the write is committed before the reply.
    """
    for _ in range(_ROUNDS):
        await all_of(_committed(target, primary) for _ in range(_AT_ONCE))


async def _committed(target: Target, primary: Primary) -> None:
    body = target.contract.document()
    made = await created(target, body)
    rows = await primary.by_id(made.id)
    expect_one_row(rows, "one row in the primary at once", made.reply)
    missing = [name for name in made.shown if name not in rows[0] and name not in body]
    if set(target.contract.fields.declared()) & set(missing):
        raise Inconclusive(f"the row query returns no column {', '.join(missing)}")
    # What else the target adds to its replies, such as links, need not be in the row.
    shown = {name: value for name, value in made.shown.items() if name not in missing}
    expect_same_fields(shown, rows[0], made.reply, where="the primary's row")
    stored = {name: value for name, value in target.contract.shown(body).items() if name in rows[0]}
    expect_same_fields(stored, rows[0], made.reply, where="the primary's row, as it was sent")


@check(
    step=Step.WRITE_PRIMARY,
    source="contract: durable-before-201",
    needs=(Need.DATABASE_CRASH,),
    disturbs=True,
    limit_s=60.0,
    catches="commits_unflushed",
)
async def crash_loses_no_create(target: Target, faults: Faults, primary: Primary) -> str:
    """Every create that was accepted before the primary was killed is there when it is back, and none is there twice.

    Why: a commit that is answered before it is on disk is lost in a crash, and nothing tells of it.
    """
    async with creating(target) as sent, faults.injected("database_crash"):
        pass
    await expect_recovery(target)
    comparison = Comparison("creates", "one row of each accepted create, one at most of each other")
    for one in sent:
        rows = await primary.by_name(target.contract.name_in(one.body))
        is_right = len(rows) == 1 or (not one.is_accepted and not rows)
        comparison.add("" if is_right else f"a create that {one.answer} has {len(rows)} rows", *one.replies)
    return comparison.conclude()


@check(
    step=Step.WRITE_PRIMARY,
    source="contract: durable-before-201",
    repeats=(_EQUAL,),
    catches=(
        "row_vanishes",
        "row_changes_later",
        "update_undone",
        "delete_keeps_row",
        "update_keeps_description",
        "delete_undone_later",
        "large_metadata_lost",
        "long_name_cut_by_update",
        "conditional_update_keeps_metadata",
    ),
)
async def rows_equal_writes(target: Target, sample: WriteSample, primary: Primary) -> str:
    """Each created or updated resource has one row, equal to the reply, and a deleted one has none."""
    comparison = Comparison("writes", "one row of each resource, equal to the reply, and none of a deleted one")
    await _compare(target, primary, comparison, await sample.all())
    return comparison.conclude()


@check(
    step=Step.WRITE_PRIMARY,
    source="contract: durable-before-201",
    at_end=True,
    repeats=(
        _EQUAL,
        _CHANGED,
        "transaction.refused_create_leaves_nothing",
        "transaction.no_refusal_left_anything",
        "business_logic.unmet_condition_changes_nothing",
    ),
    limit_s=60.0,
    catches=("row_cloned", "row_copied_under_other_name", "delete_takes_neighbour"),
)
async def rows_match_writes_at_the_end(
    target: Target, sample: WriteSample, record: WriteRecord, primary: Primary
) -> str:
    """At the end of the run every write of it is in its row still, and every row by its subjects has its create."""
    await sample.all()
    comparison = Comparison("resources", "one row of each resource, as last written, and none that nobody created")
    await compare_spread(record, partial(_compare, target, primary, comparison), comparison)
    subjects = record.own_subjects()
    if not subjects:
        comparison.note("rows that nobody created are not looked for: the run has no subjects of its own")
        return comparison.conclude()
    try:
        rows = await primary.by_creators(subjects, record.started_at)
    except NotDeclared as reason:
        comparison.note(f"rows that nobody created are not looked for: {reason}")
        return comparison.conclude()
    unanswered = {one.name for one in record.unanswered}
    fields = target.contract.fields
    for row in rows:
        if str(row.get(fields.id)) not in record.resources and row.get(fields.name) not in unanswered:
            comparison.add(f"there is a row {cut(str(row.get(fields.id)))} that nobody created")
    return comparison.conclude()


async def _compare(target: Target, primary: Primary, comparison: Comparison, written: list[Written]) -> None:
    async def problem(one: Written) -> str:
        return row_problem(one, await primary.by_id(one.id), target.contract)

    await compare_all(written, problem, comparison, within_s=0.0)
