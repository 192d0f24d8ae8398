"""The checks that compare every write: each passes on sound stores, and names what is bent in one of them."""

import copy
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from createflow.scenarios.checks.api.response import reads
from createflow.scenarios.checks.business import audit_log, transaction
from createflow.scenarios.checks.business.publish_event import published as publish_event
from createflow.scenarios.checks.data import index_update, invalidate_cache, replicate, write_primary
from createflow.scenarios.conformance.causes import merge_repeated
from createflow.scenarios.conformance.run_check import finding_of, result_of
from createflow.scenarios.harness.check import Check
from createflow.scenarios.outcome import Expectation, Inconclusive, Prevented
from createflow.scenarios.target.contract import Contract
from createflow.scenarios.target.reply import Reply
from createflow.schemas.profile_target import Target
from createflow.schemas.report import Outcome
from tests.scenarios.checks.all_writes import MemoryEvent, SmallRun
from tests.scenarios.checks.memory_target import MemoryTarget, reply

pytestmark = pytest.mark.anyio
Bend = Callable[[SmallRun], object]
CONTRACT = Contract(Target.model_validate({"base_url": "http://x", "update": True, "delete": True}))


def _event_without_number(run: SmallRun) -> None:
    event = run.stores.events[0]
    run.stores.events[0] = MemoryEvent(event.id, {**event.resource, "count": "1"}, event.kind, event.text)


def _envelope(**told: Any) -> Bend:
    def bend(run: SmallRun) -> None:
        run.stores.events[:] = [replace(event, envelope=told) for event in run.stores.events]

    return bend


def _version_of_updates_before(run: SmallRun) -> None:
    """The event of an update has the version before it."""
    for written in run.record.resources.values():
        written.changes[:] = [replace(one, reply=_with_etag(one.reply)) for one in written.changes]
    run.stores.events[:] = [replace(event, envelope={"version": 1}) for event in run.stores.events]


def _with_etag(answer: Reply | None) -> Reply | None:
    return answer and replace(answer, headers={**answer.headers, "etag": 'W/"2"'})


def _published_again(run: SmallRun) -> None:
    run.stores.publish("created", run.stores.events[0].resource, event_id="again")


def _event_of_nobody(run: SmallRun) -> None:
    known = run.stores.events[0]
    run.stores.publish("created", {**known.resource, "id": "77"})


def _event_of_refused(run: SmallRun) -> None:
    run.stores.publish("created", {"id": "77", "name": "createflow n00000000000000ff"})


def _entry_of_nobody(run: SmallRun) -> None:
    run.stores.entries.append({**run.stores.entries[0], "resource_id": "77"})


def _row_of_nobody(run: SmallRun) -> None:
    run.stores.rows["77"] = [{**run.stores.rows["1"][0], "id": "77", "name": "another"}]


def _row_of_refused(run: SmallRun) -> None:
    run.stores.rows["77"] = [{"id": "77", "name": "createflow n00000000000000ff"}]


def _drop(kind: str) -> Bend:
    def bend(run: SmallRun) -> None:
        index = next(index for index, event in enumerate(run.stores.events) if event.kind == kind)
        del run.stores.events[index]

    return bend


def _drop_entry(action: str) -> Bend:
    def bend(run: SmallRun) -> None:
        index = next(index for index, entry in enumerate(run.stores.entries) if entry["action"] == action)
        del run.stores.entries[index]

    return bend


def _time_of_change(run: SmallRun) -> None:
    entry = next(entry for entry in run.stores.entries if entry["action"] == "update")
    entry["occurred_at"] += timedelta(hours=1)


def _copy(number: str, **changes: Any) -> Bend:
    return lambda run: run.stores.copies.update({number: {**run.stores.copies.get(number, {"id": number}), **changes}})


def _row(number: str, **changes: Any) -> Bend:
    return lambda run: run.stores.rows.update({number: [{**run.stores.rows.get(number, [{}])[0], **changes}]})


CASES: list[tuple[Check, Bend, str]] = [
    (publish_event.every_create_has_an_event, _drop("created"), "1 of 6 creates: id 1 has no event"),
    (publish_event.one_event_per_create, _published_again, "id 1 has 2 events"),
    (publish_event.event_equals_resource, _event_without_number, "has count = '1' instead of 1"),
    (publish_event.event_equals_resource, _envelope(actor="other"), "id 1 has an event whose actor is 'other'"),
    (publish_event.event_equals_resource, _envelope(time="2020-01-01T00:00:00Z"), "not at the time of the write"),
    (publish_event.changes_are_published, _envelope(resource_id="x"), "has an event whose resource_id is 'x'"),
    (publish_event.changes_are_published, _drop("updated"), "id 3 has no event of being updated"),
    (publish_event.changes_are_published, _drop("deleted"), "id 5 has no event of being deleted"),
    (publish_event.events_match_writes_at_the_end, _published_again, "id 1 has 2 events of being created, for 1"),
    (publish_event.events_match_writes_at_the_end, _drop("deleted"), "has 0 events of being deleted, for 1"),
    (publish_event.events_match_writes_at_the_end, _event_of_nobody, "77 has an event, and nobody created it"),
    (audit_log.one_entry_per_create, _drop_entry("create"), "id 1 has no audit entry"),
    (
        audit_log.entry_says_who_what_when,
        lambda run: run.stores.entries[0].update(actor="other"),
        "has the actor 'other'",
    ),
    (audit_log.changes_are_recorded, _drop_entry("update"), "id 3 has no audit entries of 1 update"),
    (audit_log.changes_are_recorded, _time_of_change, "id 3 has an entry of its update at 20"),
    (audit_log.changes_are_recorded, _drop_entry("delete"), "id 5 has no audit entries of 1 delete"),
    (audit_log.entries_match_writes_at_the_end, _drop_entry("create"), "id 1 has no audit entry"),
    (audit_log.entries_match_writes_at_the_end, _entry_of_nobody, "77, and nobody created it"),
    (write_primary.rows_equal_writes, _row("3", count=2), "id 3 has count = 2 instead of 1"),
    (write_primary.rows_equal_writes, _row("5", id="5"), "still has a row after its delete"),
    (write_primary.rows_match_writes_at_the_end, lambda run: run.stores.rows.pop("1"), "id 1 has no row"),
    (write_primary.rows_match_writes_at_the_end, _row("1", count=True), "has count = True instead of 1"),
    (write_primary.rows_match_writes_at_the_end, _row_of_nobody, "a row 77 that nobody created"),
    (index_update.documents_equal_writes, lambda run: run.stores.copies.pop("1"), "id 1 is not in the index"),
    (index_update.index_matches_writes_at_the_end, _copy("5", name="x"), "is still there after its delete"),
    (invalidate_cache.cached_values_equal_writes, _copy("3", name="x"), "id 3 has name = 'x' instead of"),
    (invalidate_cache.cache_matches_writes_at_the_end, _copy("5", name="x"), "is still there after its delete"),
    (publish_event.changes_are_published, _version_of_updates_before, "whose version is 1, and the ETag"),
    (index_update.documents_equal_writes, lambda run: run.stores.copies["3"].pop("count"), "has no count, which"),
    (invalidate_cache.cached_values_equal_writes, lambda run: run.stores.copies["3"].pop("count"), "has no count"),
    (
        index_update.index_matches_writes_at_the_end,
        lambda run: run.stores.copies.update(second={**run.stores.copies["1"], "id": "second"}),
        "2 documents have the name",
    ),
    (
        index_update.index_matches_writes_at_the_end,
        lambda run: run.stores.copies.update(old=dict(run.record.resources["3"].shown)),
        '1 documents have the name "createflow n0000000000000003", for 0 resources',
    ),
    (
        reads.ordinary_writes_are_accepted,
        lambda run: run.refused.append(("an update", reply(403))),
        "1 of 7 ordinary writes: an update was answered with 403",
    ),
    (reads.reads_match_writes_at_the_end, lambda run: run.record.nameless.append(reply(201)), "with 201 and no id"),
    (transaction.no_refusal_left_anything, _event_of_refused, "validation.x that was answered with 400 left an event"),
    (transaction.no_refusal_left_anything, _row_of_refused, "answered with 400 left a row"),
    (transaction.no_refusal_left_anything, _copy("77", name="createflow n00000000000000ff"), "an indexed document"),
]


async def _run(check: Check, run: SmallRun, **other: Any) -> str:
    target = MemoryTarget(contract=CONTRACT)
    target.bend = lambda _method, url, _: (
        reply(200, run.stores.rows[key][0]) if (key := url.rpartition("/")[2]) in run.stores.rows else reply(404)
    )
    probes = {
        "target": target,
        "sample": run,
        "record": run.record,
        "primary": run.stores,
        "audit": run.trail,
        "events": run.stores,
        "cache": run.stores,
        "search": run.stores,
        "replicas": run.stores,
        **other,
    }
    given = {name: probe for name, probe in probes.items() if name in check.parameters}
    return await check.function(**given) or ""


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case[0].id}-{CASES.index(case)}")
async def test_it_passes_on_sound_stores_and_names_what_is_bent(case: tuple[Check, Bend, str]) -> None:
    """The words say which resource, and what is wrong with it."""
    check, bend, words = case
    assert "with 95 % confidence" in await _run(check, SmallRun())
    run = SmallRun()
    bend(run)
    with pytest.raises(Expectation) as caught:
        await _run(check, run)
    assert words in caught.value.seen


@pytest.mark.parametrize(
    "check",
    [replicate.every_replica_converges, replicate.replicas_match_writes_at_the_end],
    ids=lambda check: check.id,
)
async def test_a_replica_is_accused_of_what_the_primary_has_right(check: Check) -> None:
    """What is wrong on the primary as well is not the replica's fault."""
    run = SmallRun()
    primary = copy.deepcopy(run.stores)
    assert "with 95 % confidence" in await _run(check, run, primary=primary)
    run.stores.rows["3"][0]["name"] = "old"
    with pytest.raises(Expectation, match=r"id 3 has name = 'old' .* on copy"):
        await _run(check, run, primary=primary)
    primary.rows["3"][0]["name"] = "old"
    await _run(check, run, primary=primary)
    run.stores.rows.pop("1")
    with pytest.raises(Expectation, match="id 1 has no row on copy"):
        await _run(check, run, primary=primary)


@pytest.mark.parametrize(
    ("check", "bend", "words"),
    [
        (reads.reads_show_writes, lambda run: run.stores.rows.pop("1"), "is answered with 404, though it was created"),
        (
            reads.reads_show_writes,
            lambda run: run.lost_at_once.append(run.record.resources["1"]),
            "id 1, read at once, is answered with 404, though it was created",
        ),
        (reads.reads_show_writes, _row("3", name="old"), "id 3 has name = 'old'"),
        (reads.deleted_is_not_found, _row("5", id="5"), "is still answered with 200 after its delete"),
        (reads.reads_match_writes_at_the_end, _row("1", count=2), "has count = 2"),
    ],
    ids=["lost", "lost at once", "old", "not deleted", "changed later"],
)
async def test_reads_show_what_was_last_written(check: Check, bend: Bend, words: str) -> None:
    """A lost write has one name: how many of all reads do not show it."""
    assert await _run(check, SmallRun())
    run = SmallRun()
    bend(run)
    with pytest.raises(Expectation) as caught:
        await _run(check, run)
    assert words in caught.value.seen


async def test_replies_show_what_was_sent() -> None:
    """A value that is cut in the reply is named."""
    run = SmallRun()
    assert await _run(reads.replies_show_what_was_sent, run)
    run.record.resources["1"].sent = {"name": "createflow n0000000000000001 and more"}
    with pytest.raises(Expectation, match="id 1 has name"):
        await _run(reads.replies_show_what_was_sent, run)


async def test_a_state_that_is_not_known_accuses_nobody() -> None:
    """An update without a reply may have been carried out or not."""
    run = SmallRun()
    written = run.record.resources["3"]
    written.changes[0] = written.changes[0].__class__(written.changes[0].change, None, None, 0, 0, None)
    run.stores.rows["3"][0]["name"] = "either"
    assert await _run(write_primary.rows_match_writes_at_the_end, run)


async def test_nothing_to_compare_is_no_pass() -> None:
    """Neither a run that wrote nothing, nor an event log without events, nor an empty cache."""
    run = SmallRun()
    run.record.resources.clear()
    run.stores.rows.clear()
    with pytest.raises(Inconclusive):
        await _run(write_primary.rows_match_writes_at_the_end, run)
    run = SmallRun()
    run.stores.events.clear()
    with pytest.raises(Prevented):
        await _run(publish_event.one_event_per_create, run)
    run.stores.copies.clear()
    with pytest.raises(Inconclusive):
        await _run(invalidate_cache.cache_matches_writes_at_the_end, run)


def test_one_cause_is_one_accusation() -> None:
    """Where the check with fewer writes failed too, the one at the end is skipped, and says its rate."""
    first, last = write_primary.rows_equal_writes, write_primary.rows_match_writes_at_the_end
    broken = Expectation("rows", "3 of 500 resources: id 1 has no row")
    failed = {
        check.id: result_of(check, Outcome.FAILED, finding=finding_of(check, broken, ())) for check in (first, last)
    }
    merged = merge_repeated([first, last], failed)
    assert merged[first.id].outcome is Outcome.FAILED
    assert merged[last.id].outcome is Outcome.SKIPPED
    assert "3 of 500" in merged[last.id].reason
    alone = merge_repeated([last], {last.id: failed[last.id]})
    assert alone[last.id].outcome is Outcome.FAILED
