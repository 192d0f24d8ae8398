"""What a failure is about: fields, rows, other refusals, and what the run knows of the resources that it met."""

from collections.abc import Mapping
from typing import Any

import pytest

from createflow.scenarios.checks.support.power import Comparison
from createflow.scenarios.harness.about import About, about, other_in_reads
from createflow.scenarios.outcome import Expectation
from createflow.scenarios.sinks.copy_problem import ACTOR, GONE, NO_ROW, NOT_MISSING, OLD, OTHER_ID
from createflow.scenarios.target.principal import ANONYMOUS
from createflow.scenarios.target.reply import Reply
from createflow.scenarios.target.write_record import Change, Changed, WriteRecord, Written
from createflow.schemas.profile_target import Fields
from createflow.schemas.report import Exchange

SENT = {"name": "n0123456789abcdef"}
URL = "http://target/things/7a"


def _exchange(status: int, method: str = "GET", url: str = URL) -> Exchange:
    return Exchange(method=method, url=url, status=status)


def _reply(shown: Mapping[str, Any], etag: str = '"1"') -> Reply:
    return Reply(200, {"etag": etag}, b"{}", _exchange(200), 1.0, 2.0, dict(shown))


def _record(
    *changes: tuple[str, Mapping[str, Any]], sent: Mapping[str, Any] | None = None, created_by: str = "ann"
) -> WriteRecord:
    """A run that created one resource and updated it: each time with a name and a reply."""
    record = WriteRecord("r1")
    shown = {"id": "7a", "created_by": created_by, **(sent or SENT)}
    written = Written("7a", "/things/7a", ANONYMOUS, sent or SENT, shown, _reply(shown), "a.check")
    record.created(written, b"")
    for number, (etag, changed) in enumerate(changes, 2):
        body = {"name": f"update {number}"}
        reply = _reply({**shown, **body, **changed}, etag)
        written.changes.append(Changed(Change.UPDATE, body, reply, number, number, None))
    return record


@pytest.mark.parametrize(
    ("named", "subjects"),
    [
        ({"created_by"}, {About.CREATORS}),
        ({"created_at", "created_by"}, {About.CREATORS, About.CREATION_TIMES}),
        ({"description"}, set()),
        ({"created_by", "description"}, set()),
        ({NO_ROW}, {About.PRESENCE}),
        ({GONE}, {About.ABSENCE}),
        ({"403 told as 402"}, {"403 told as 402"}),
        ({About.KEYS}, {About.KEYS}),
        ({OLD}, {About.READS}),
        ({NOT_MISSING}, {About.MISSING}),
        ({ACTOR, "created_by"}, {About.CREATORS}),
        ({OTHER_ID}, {About.KEYS}),
        ({other_in_reads("note")}, {other_in_reads("note")}),
        ({other_in_reads("note"), other_in_reads("created_at")}, {other_in_reads("note"), About.CREATION_TIMES}),
    ],
)
def test_what_is_named(named: set[str], subjects: set[str]) -> None:
    """It is about what has a name only where nothing else differs."""
    found = about(Expectation("this", "that", about=named), [_exchange(200)], Fields(), _record())
    assert found == subjects


@pytest.mark.parametrize(
    ("exchanges", "subjects"),
    [
        ([_exchange(201, "POST"), _exchange(404)], {About.PRESENCE}),
        ([_exchange(404), _exchange(200)], set()),
        ([_exchange(404), _exchange(403, "PUT")], set()),
        ([_exchange(412, "PUT")], {About.VERSIONS}),
        ([_exchange(404, "POST")], set()),
        ([_exchange(503, "POST"), _exchange(504)], {"503 to", "504 to"}),
        ([_exchange(500, "POST")], set()),
    ],
)
def test_what_the_statuses_say(exchanges: list[Exchange], subjects: set[str]) -> None:
    """A refusal of what should be there is about its presence or version, an outage about itself, a crash is not."""
    assert about(Expectation("this", "that"), exchanges, Fields(), WriteRecord("r1")) == subjects


@pytest.mark.parametrize(
    ("record", "subjects"),
    [
        (_record(('"2"', {}), ('"3"', {})), set()),
        (_record(('"1"', {})), {About.VERSIONS}),
        (_record(('"2"', {"created_by": "system"})), {About.CREATORS}),
    ],
)
def test_what_the_run_knows_of_a_resource(record: WriteRecord, subjects: set[str]) -> None:
    """An update that kept the version, or changed the creator, explains what is wrong with the resource afterwards."""
    failure = Expectation("name = 'b'", "'a'", about=["name"])
    assert about(failure, [_exchange(200)], Fields(), record) == subjects
    elsewhere = [_exchange(200, url="http://target/things/8")]
    assert about(failure, elsewhere, Fields(), record) == set()


def _read(record: WriteRecord, shown: Mapping[str, Any], *, sent_at: float = 9.0) -> Exchange:
    """A read of the resource that shows this."""
    exchange = _exchange(200)
    record.note_read(record.resources["7a"], Reply(200, {}, b"{}", exchange, sent_at, sent_at, dict(shown)))
    return exchange


def test_a_read_of_what_was_before_an_update_is_about_reads() -> None:
    """Whatever the check expected. One that was sent before the update ended is not."""
    record, failure = _record(('"2"', {})), Expectation("400", "name = 'a'", about=[About.REFUSED_UPDATES])
    for shown, sent_at, subjects in (
        (SENT, 9.0, {About.READS}),
        ({"name": "update 2"}, 9.0, {About.REFUSED_UPDATES}),
        (SENT, 1.0, {About.REFUSED_UPDATES}),
        ({"name": "update 2", "id": "8b"}, 9.0, {other_in_reads("id")}),
    ):
        failure.deciding = (_read(record, shown, sent_at=sent_at),)
        assert about(failure, failure.deciding, Fields(), record) == subjects


def test_several_things_are_about_what_each_of_them_shows() -> None:
    """One that shows nothing known is a matter of its own."""
    record = _record(('"2"', {}))
    old, other = _read(record, SENT), _read(record, {"name": "update 2", "created_by": "bob"})
    for deciding, subjects in (
        ([old, old], {About.READS}),
        ([old, other], {About.READS, About.CREATORS}),
        ([old, _exchange(200)], set()),
    ):
        failure = Expectation("this", "that", exchanges=[old], deciding=deciding)
        assert about(failure, failure.exchanges, Fields(), record) == subjects


def test_a_deleted_resource_that_is_read_is_about_absence() -> None:
    """Its delete was answered, and no other write was on its way."""
    record = _record()
    deleted = Changed(Change.DELETE, None, _reply({}), 3.0, 4.0, None)
    assert about(Expectation("404", "200"), [_exchange(200)], Fields(), record) == set()
    record.resources["7a"].changes.append(deleted)
    record.changed(URL, deleted, b"")
    failure = Expectation("404", "200", exchanges=[_exchange(200, url="/things/7a")])
    assert about(failure, failure.exchanges, Fields(), record) == {About.ABSENCE}
    crashed = Expectation("404", "500", exchanges=[_exchange(500, url="/things/7a")])
    assert about(crashed, crashed.exchanges, Fields(), record) == {About.MISSING}


def test_a_crash_where_something_is_is_no_matter_of_what_is_missing() -> None:
    """Nor is one of a create."""
    for exchange in (_exchange(500, url="/things/7a"), _exchange(500, "POST", url="/things/none")):
        failure = Expectation("200", "500", exchanges=[exchange])
        assert about(failure, failure.exchanges, Fields(), _record()) == set()


def test_the_answer_of_another_create_explains_everything() -> None:
    """Words of one create in the reply to another; a reply without such a word says nothing."""
    for shown, subjects in (({"name": "nfedcba9876543210"}, {About.ANSWERS}), ({"name": "a"}, set())):
        record = WriteRecord("r1")
        record.created(Written("7a", "/things/7a", ANONYMOUS, SENT, shown, _reply(shown), "a.check"), b"")
        assert about(Expectation("one row", "0"), [_exchange(200)], Fields(), record) == subjects


def test_an_id_of_two_creates_explains_everything() -> None:
    """Another body than the first one got it; the same body again is a repeated create."""
    record = _record()
    first = record.resources["7a"]
    record.created(first, b"")
    assert not record.repeated_ids
    sent = {"name": "nfedcba9876543210"}
    record.created(Written("7a", "/things/8b", ANONYMOUS, sent, sent, _reply(sent), "a.check"), b"")
    assert about(Expectation("one row", "0"), [_exchange(200)], Fields(), record) == {About.IDS}


@pytest.mark.parametrize(
    ("problems", "named"),
    [
        (["id 1 has created_by = 'x' instead of 'y'", "id 2 has created_by = 'x' instead of 'z'"], {"created_by"}),
        (["id 1 has metadata/a = 1 instead of 2"], {"metadata"}),
        (["id 1 has no row", "id 2 has created_by = 'x' instead of 'y'"], {NO_ROW, "created_by"}),
        (["id 1 has no row", "id 2 was forgotten"], set()),
        (["id 1 still has a row after its delete"], {GONE}),
        (["id 1 is still there after its delete"], {GONE}),
        (["id 1 has name = 'a' instead of 'b', as before the last write"], {OLD}),
        (["id 1 has name = 'a' instead of 'b', as cached"], {other_in_reads("name")}),
        (["id 1 has the request_id 7, and the reply says 8"], {"request_id"}),
        (["id 1 has an event whose actor is 'a' instead of 'b'"], {ACTOR}),
        (["id 1 is answered with 500, though it is deleted"], {NOT_MISSING}),
        (["two creates with a key were answered with 201 and 201, and ids 1 and 2"], {OTHER_ID}),
    ],
)
def test_a_comparison_says_what_it_is_about(problems: list[str], named: set[str]) -> None:
    """All of its deviations are named, or none."""
    comparison = Comparison("writes", "as written")
    for problem in problems:
        comparison.add(problem)
    with pytest.raises(Expectation) as failure:
        comparison.conclude()
    assert failure.value.about == named
