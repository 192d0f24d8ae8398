"""What the run knows of a resource after reads that show more than was sent."""

from collections.abc import Mapping
from typing import Any

import pytest

from createflow.scenarios.target.principal import ANONYMOUS
from createflow.scenarios.target.reply import Reply
from createflow.scenarios.target.write_record import Change, Changed, WriteRecord, Written
from createflow.scenarios.text.json_equality import OpenObject
from createflow.schemas.report import Exchange

URL = "/orders/7"
FIRST, SECOND = (
    {"name": "a", "customer": {"email": "a@x", "id": 5}},
    {"name": "b", "customer": {"email": "b@x", "id": 5}},
)


def _reply(at_s: float, shown: Mapping[str, Any]) -> Reply:
    return Reply(200, {}, b"{}", Exchange(method="GET", url=URL, status=200), at_s, at_s, dict(shown))


@pytest.fixture
def record() -> WriteRecord:
    """A run with one order, created and updated; the update was answered without the order."""
    made = WriteRecord("r1")
    sent = {"name": "a", "customer": OpenObject(email="a@x")}
    written = Written("7", URL, ANONYMOUS, sent, FIRST, _reply(1.0, FIRST), "a.check")
    made.created(written, b"")
    changed = {"name": "b", "customer": OpenObject(email="b@x")}
    written.changes.append(Changed(Change.UPDATE, changed, _reply(2.0, {}), 2.0, 2.0, None))
    return made


def test_a_read_that_shows_more_than_was_sent_is_right(record: WriteRecord) -> None:
    """The id of the customer is the server's."""
    order = record.resources["7"]
    record.note_read(order, _reply(3.0, SECOND))
    assert record.wrong_reads == []
    assert not order.is_before_last_write(SECOND)


def test_a_read_of_what_was_before_the_update_is_old(record: WriteRecord) -> None:
    """Also with what the server adds."""
    order = record.resources["7"]
    record.note_read(order, _reply(3.0, FIRST))
    assert [differing for _, differing in record.wrong_reads] == [frozenset()]
    assert order.is_before_last_write(FIRST)
