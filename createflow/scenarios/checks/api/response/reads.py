"""Replies show what was sent, and reads of all that the run wrote what was last written."""

from collections.abc import Mapping, Sequence
from typing import Any

from createflow.scenarios.checks.support.copies import (
    before_last_write,
    compare_all,
    compare_spread,
    json_state_problem,
)
from createflow.scenarios.checks.support.fixtures import lasting, shown_after
from createflow.scenarios.checks.support.power import Comparison
from createflow.scenarios.harness.check import Need, check
from createflow.scenarios.harness.write_sample import WriteSample
from createflow.scenarios.sinks.copy_problem import AS_READ
from createflow.scenarios.target.ledger.reading import is_of_last_write
from createflow.scenarios.target.probes import Target
from createflow.scenarios.target.reply import Reply
from createflow.scenarios.target.write_record import Change, WriteRecord, Written
from createflow.scenarios.text.printable import cut
from createflow.schemas.flow import Step

_MOST_READ = 240
"""Reads at the end, spread over all resources."""
_GONE = frozenset({404, 410})
_READS = "response.reads_show_writes"


@check(
    step=Step.RESPONSE,
    source="contract: create-201; contract: six-fields; contract: delete; RFC 9110 §9.3.4",
    repeats=("response.create_is_201",),
    catches=("balancer_forbids_put", "update_is_created"),
)
async def ordinary_writes_are_accepted(sample: WriteSample) -> str:
    """Each valid create, and each update and delete by the creator, is accepted: not only most of them.

    An update of what is there is not answered with 201 (RFC 9110 §9.3.4: with 200 or 204).
    Refusals by a rate limit, and server errors, are reported by checks of their own.
    """
    comparison = Comparison("ordinary writes", "each ordinary create, update and delete accepted")
    for what, reply in await sample.answers():
        if reply.status < 500 and not reply.means(429):
            sound = reply.accepted and not (reply.status == 201 and what == "an update")
            comparison.add("" if sound else f"{what} was answered with {reply.status}", reply)
    return comparison.conclude()


@check(
    step=Step.RESPONSE,
    source="contract: six-fields",
    repeats=(
        "response.body_has_the_fields",
        "response.values_come_back_as_sent",
        "response.text_comes_back_as_sent",
        "validation.listed_values_are_judged_by_the_schema",
        "validation.what_no_bound_covers_is_kept_or_refused",
    ),
    catches=(
        "merges_metadata",
        "loses_large_numbers",
        "cuts_long_text",
        "trims_text",
        "update_strips_name",
        "line_breaks_replaced",
        "created_by_cut",
        "created_by_moves",
        "cuts_long_lists",
        "drops_repeated_items",
        "trims_keys",
    ),
)
async def replies_show_what_was_sent(target: Target, sample: WriteSample) -> str:
    """The reply to each create and update shows every field that was sent, with its value and type.

    Where our own contract is promised, ``created_by`` is the whole subject: a long one, with capitals.
    """
    comparison = Comparison("replies", "every field as it was sent in the reply to each create and update")
    for written in await sample.all():
        if written.sent is not None:
            problem = _reply_problem(target, {**written.sent, **_creator(target, written)}, written.shown)
            comparison.add(f"id {written.id} {problem}" if problem else "", written.reply)
        for changed in written.changes:
            if changed.change is not Change.UPDATE or changed.sent is None or changed.reply is None:
                continue
            shown = shown_after(target.contract, changed.reply, changed.sent)
            if shown:
                problem = _reply_problem(target, {**changed.sent, **_creator(target, written)}, shown)
                comparison.add(f"id {written.id}, updated, {problem}" if problem else "", changed.reply)
    return comparison.conclude()


def _reply_problem(target: Target, sent: Mapping[str, Any], shown: Mapping[str, Any]) -> str:
    """Which fields the reply to a write does not show as sent; those that it need not show may be absent."""
    if target.contract.has_partial_replies:
        sent = {name: value for name, value in sent.items() if name in shown}
        if target.contract.fields.name not in sent:
            return ""
    return json_state_problem(sent, dict(shown), target.contract, whole=True)


@check(
    step=Step.RESPONSE,
    source="contract: location; contract: read-your-writes",
    repeats=(
        "response.location_answers_the_same",
        "replicate.own_write_is_read",
        "invalidate_cache.never_stale_after_update",
    ),
    catches="reads_old_version_one_in_ten",
)
async def reads_show_writes(target: Target, sample: WriteSample) -> str:
    """A read of each created or updated resource shows it as it was last written, also at once after the write.

    Fields that are neither sent nor declared are a should where our own contract is not promised.
    """
    comparison = Comparison("reads", "each resource as last written in every read")
    for written, reply in await sample.read_at_once():
        if None not in written.states():
            problem = _read_problem(target, written, reply)
            comparison.add(f"id {written.id}, read at once, {problem}" if problem else "", written.reply, reply)
            if not problem:
                comparison.add_undeclared(_undeclared_problem(target, written, reply), written.reply, reply)
    await _read_all(target, comparison, [*await sample.created(), *await _updated(target, sample)])
    return comparison.conclude()


@check(
    step=Step.RESPONSE,
    source="contract: delete",
    needs=(Need.DELETE,),
    catches=("deleted_is_read", "update_revives", "deletes_twice", "balancer_answers_deletes"),
)
async def deleted_is_not_found(target: Target, sample: WriteSample) -> str:
    """A read of a deleted resource is answered with 404 or 410; another update or delete does not bring it back.

    How: the second part where our own contract is promised. Another target's PUT may create what it names.
    """
    comparison = Comparison("reads of deleted resources", "404 or 410 for each deleted resource")
    for written, reply in await sample.read_at_once():
        if written.is_deleted:
            problem = _read_problem(target, written, reply)
            comparison.add(f"id {written.id}, read at once, {problem}" if problem else "", reply)
    await _read_all(target, comparison, await sample.deleted())
    if target.contract.is_promised and target.contract.delete:
        await _change_again(target, (await sample.deleted())[0], comparison)
    return comparison.conclude()


async def _change_again(target: Target, gone: Written, comparison: Comparison) -> None:
    replies = {"another delete": await target.delete(gone.url, who=gone.who)}
    if target.contract.update:
        replies["an update"] = await target.update(gone.url, target.contract.document(), who=gone.who)
    for what, reply in replies.items():
        comparison.add(
            f"id {gone.id}, deleted: {what} is answered with {reply.status}" if reply.accepted else "", reply
        )


@check(
    step=Step.RESPONSE,
    source="contract: location; contract: read-your-writes",
    at_end=True,
    repeats=(
        _READS,
        "response.deleted_is_not_found",
        "response.location_answers_the_same",
        "replicate.own_write_is_read",
        "invalidate_cache.never_stale_after_update",
        "business_logic.unmet_condition_changes_nothing",
    ),
    limit_s=60.0,
    catches=("version_stays", "balancer_loses_one_in_fifty"),
)
async def reads_match_writes_at_the_end(target: Target, sample: WriteSample, record: WriteRecord) -> str:
    """At the end of the run a read of each resource shows it as it was last written by any check.

    Where our own contract is promised, it has the ETag of that write too: no refused change makes a new version.
    """
    await sample.all()
    comparison = Comparison("reads", "each resource as last written, and 404 or 410 for a deleted one")
    comparison.count(record.reads - len(record.lost))
    for reply in record.nameless if record.resources else []:
        if not reply.is_broken_json:  # json_is_json tells that
            comparison.add(f"a create was answered with {reply.status} and no id, so nothing can be read", reply)
    for lost in record.lost:
        comparison.add(f"id {lost.id} was not found by a read after its 201", lost.reply)

    async def compare(written: list[Written]) -> None:
        # Tokens of the checks of tokens end during the run; those of all others can read what they created.
        lasting = [one for one in written if not one.check_id.startswith(f"{Step.AUTH_CHECK.value}.")]
        await _read_all(target, comparison, lasting)

    await compare_spread(record, compare, comparison, most=_MOST_READ)
    return comparison.conclude()


def _creator(target: Target, written: Written) -> dict[str, str]:
    """What the reply must show of who created it, where that is known."""
    fields = target.contract.fields.declared()
    subject = written.who.subject if target.contract.is_promised else None
    return {"created_by": subject} if subject and "created_by" in fields else {}


async def _updated(target: Target, sample: WriteSample) -> list[Written]:
    return await sample.updated() if target.contract.update else []


async def _read_all(target: Target, comparison: Comparison, written: Sequence[Written]) -> None:
    readable = [one for one in written if one.url]
    if written and not readable:
        target.url_of(written[0].reply)  # raises Prevented, by the check that reports the Location

    async def problem(one: Written) -> str:
        reply = await target.read(one.url, who=one.who, may_be_lost=True)
        found = _read_problem(target, one, reply)
        if not found:
            comparison.add_undeclared(_undeclared_problem(target, one, reply), one.reply, reply)
        return found

    await compare_all(readable, problem, comparison, within_s=0.0)


def _read_problem(target: Target, written: Written, reply: Reply) -> str:
    """What is wrong with the answer to a read; empty when nothing is."""
    states = written.states()
    if reply.status in _GONE:
        return "" if None in states else f"is answered with {reply.status}, though it was created"
    if not reply.accepted:
        return f"is answered with {reply.status}{', though it is deleted' if states == [None] else ''}"
    if states == [None]:
        return f"is still answered with {reply.status} after its delete"
    if reply.is_broken_json:
        return ""  # json_is_json tells it
    shown = reply.document or {}
    wanted = [lasting(target, state) for state in states if state is not None]
    whole = target.contract.is_promised
    problems = [json_state_problem(state, shown, target.contract, whole=whole) for state in wanted]
    if "" in problems:
        return _version_problem(target, written, reply)
    return problems[0] + (before_last_write(written, shown) or AS_READ)


def _undeclared_problem(target: Target, written: Written, reply: Reply) -> str:
    """What is wrong with the fields that only the target knows of: some may differ in each read."""
    shown = reply.document if reply.accepted else None
    states = [state for state in written.states() if state is not None]
    problems = [json_state_problem(state, shown, target.contract) for state in states] if shown else [""]
    return "" if "" in problems or not problems else f"id {written.id} {problems[0]}"


def _version_problem(target: Target, written: Written, reply: Reply) -> str:
    is_told = target.contract.versions and target.contract.is_promised and len(written.states()) == 1
    if not is_told or is_of_last_write(reply, written):
        return ""
    return f"has etag = {cut(reply.headers.get('etag', ''))} instead of that of its last write"
