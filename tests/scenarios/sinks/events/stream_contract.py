"""What every engine of events must show of the same events, whichever broker holds them."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from createflow.scenarios.sinks.failure import SinkFailed
from createflow.scenarios.sinks.mapping import WrongMapping
from createflow.scenarios.sinks.polling import eventually
from createflow.scenarios.sinks.registry import event_stream
from createflow.scenarios.sinks.sink import EventStream
from createflow.scenarios.verification.copy_comparison import CopyComparison
from createflow.scenarios.verification.event_sink import EventSink
from createflow.scenarios.verification.observed import ResourceIds, list_arrivals
from createflow.scenarios.verification.sent_writes import SentWrites
from createflow.schemas.profile import Profile
from createflow.schemas.profile_sinks import EventShape
from tests.scenarios.verification.fakes import writes_of

WITHIN_S = 10.0
TARGET = {"base_url": "http://127.0.0.1:1"}
Publish = Callable[[bytes, Mapping[str, str], str], Awaitable[None]]


@dataclass
class Broker:
    """A broker with a place of the test's own on it."""

    section: dict[str, Any]
    """As a profile declares it."""
    publish: Publish
    """Event, headers, and the subject where the engine has any."""
    wrong_credential: dict[str, Any]
    """What to change in the section so that the broker refuses us."""
    wrong_place: dict[str, Any]
    """What to change so that the stream is not there."""
    place_words: str
    """Of the message about it."""
    credential_words: str = "check user and password of sinks.events.url"
    has_no_credentials: bool = False

    def events(self, **changes: Any) -> EventShape:
        """The section."""
        sinks = {"events": {**self.section, **changes}}
        events = Profile.model_validate({"target": TARGET, "sinks": sinks}).sinks.events
        assert events is not None
        return events

    async def create(self, k: int, event_id: str = "", **changes: Any) -> None:
        """Publish the event of a create of the load."""
        resource = {"id": f"r{k}", "name": f"load ab12 {k}", "price": k, **changes}
        await self.put({"id": event_id or f"e{k}", "type": "created", "data": resource})

    async def put(self, event: Any, headers: Mapping[str, str] | None = None, subject: str = "orders.created") -> None:
        """Publish any event."""
        await self.publish(json.dumps(event).encode(), headers or {}, subject)


@asynccontextmanager
async def opened(section: EventShape) -> AsyncIterator[EventStream]:
    """The stream, receiving."""
    stream = event_stream(section)  # type: ignore[arg-type]
    await stream.open()
    try:
        yield stream
    finally:
        await stream.close()


async def at_last(value: Callable[[], Any], expected: Any) -> None:
    """Wait until a value is what is expected."""

    async def read() -> Any:
        return value()

    found, _ = await eventually(read, lambda seen: seen == expected, within_s=WITHIN_S)
    assert found == expected


class EventStreamContract:
    """Inherited by the tests of each engine, which provide the fixture ``broker``."""

    async def test_each_fate_of_a_write_is_told(self, broker: Broker) -> None:
        """Found, missing, changed, doubled, delivered again, under a name that nobody sent, and late."""
        section = broker.events()
        await broker.create(0, "e-before")
        replay = await event_stream(section).begin_replay()  # type: ignore[arg-type]
        writes = writes_of("aaaaar")
        target = Profile.model_validate({"target": TARGET}).target
        sent = SentWrites(['{"name": "load ab12 918273645546", "price": 918273645546}'], target)
        ids = ResourceIds(writes)
        for k in range(len(writes.outcomes)):
            ids.add(f"r{k}", k)
        comparison = CopyComparison(sent, ids)
        sink = EventSink(replay, section, "name", writes=writes, comparison=comparison, deadline_s=1)
        try:
            await broker.create(0)
            await broker.create(2, price=7)
            await broker.create(3)
            await broker.create(3, "e3-again")
            await broker.create(4)
            await broker.create(4)
            await broker.create(5)

            async def counts() -> list[int]:
                return list((await sink.read()).counts)

            found, _ = await eventually(counts, lambda seen: seen[5] == 1, within_s=WITHIN_S)
            assert found == [1, 0, 1, 2, 1, 1]
            observed = await sink.read()
            assert list_arrivals(observed.altered, len(writes.outcomes)) == [2]
            assert observed.problem_of(2) == "has price = 7 instead of 2"
            await broker.create(1)
            found, _ = await eventually(counts, lambda seen: seen[1] == 1, within_s=WITHIN_S)
            assert found == [1, 1, 1, 2, 1, 1]
            await replay.rewind()
            again = [event async for page in replay.pages() for event in page]
            assert len(again) == 8
        finally:
            await sink.close()

    async def test_checks_see_the_events_since_the_beginning(self, broker: Broker) -> None:
        """By resource and by text, each event id once, and nothing that was there before."""
        await broker.create(1)
        async with opened(broker.events()) as stream:
            await broker.create(2)
            await broker.create(2)
            await broker.create(3, "e3")
            await broker.create(3, "e3-again")
            await at_last(lambda: [len(stream.of(f"r{k}")) for k in (1, 2, 3)], [0, 1, 2])
            assert [event.resource["price"] for event in stream.of("r2")] == [2]
            assert len(stream.all()) == 4
            assert len(stream.mentioning("load ab12 3")) == 2
            assert stream.mentioning("load ab12 1") == []

    async def test_a_watch_sees_what_comes_while_it_watches(self, broker: Broker) -> None:
        """And nothing else, neither from before nor about others."""
        watch = event_stream(broker.events()).watch()  # type: ignore[arg-type]
        await watch.open()
        try:
            await broker.create(1)
            async with watch.watching() as is_seen:
                await broker.create(2)
                assert await is_seen((b'"load ab12 2"',), WITHIN_S)
                assert not await is_seen((b'"load ab12 3"',), 0.05)
            async with watch.watching() as is_seen:
                await broker.create(4)
                assert await is_seen((b'"load ab12 4"',), WITHIN_S)
        finally:
            await watch.close()

    async def test_types_tell_creates_from_other_events(self, broker: Broker) -> None:
        """A create may have several events, of which the profile names one."""
        section = broker.events(type="/type", created_types=["created"], deleted_types=["deleted"])
        async with opened(section) as stream:
            await broker.create(1)
            resource = {"id": "r1", "name": "load ab12 1"}
            await broker.put({"id": "x", "type": "indexed", "data": resource})
            await broker.put({"id": "y", "type": "deleted", "data": resource})
            await at_last(lambda: [event.kind for event in stream.of("r1")], ["created", "deleted"])
            assert (stream.tells("created"), stream.tells("updated")) == (True, False)
            assert len(stream.all()) == 3

    async def test_cloud_events_are_read_in_both_modes(self, broker: Broker) -> None:
        """Structured as a document, and binary with the attributes in headers."""
        section = broker.events(format="cloudevents", envelope={"actor": "/actor"})
        async with opened(section) as stream:
            await broker.put({"id": "a", "actor": "ann", "data": {"id": "r1"}})
            await broker.put({"id": "r2"}, {"ce_id": "b", "ce_type": "t", "ce_actor": "bob"})
            await at_last(lambda: [len(stream.of(one)) for one in ("r1", "r2")], [1, 1])
            assert [(event.id, dict(event.envelope)) for event in stream.of("r2")] == [("b", {"actor": "bob"})]

    async def test_debezium_shows_rows_before_and_after(self, broker: Broker) -> None:
        """What happened is in ``op``, and what a delete removed is what was before it."""
        async with opened(broker.events(format="debezium")) as stream:
            row = {"id": 7, "name": "x"}
            await broker.put({"before": None, "after": row, "op": "c"})
            await broker.put({"before": row, "after": {**row, "name": "y"}, "op": "u"})
            await broker.put({"before": {**row, "name": "y"}, "after": None, "op": "d"})
            await broker.put({"before": None, "after": row, "op": "r"})  # of a snapshot
            await at_last(lambda: [event.kind for event in stream.of("7")], ["created", "updated", "deleted"])
            assert stream.of("7")[2].resource["name"] == "y"

    async def test_a_place_that_no_event_has_is_told_with_the_nearest(self, broker: Broker) -> None:
        """The profile is wrong then, and not the target."""
        async with opened(broker.events(resource="/payload/order", id="/payload/order/id")) as stream:
            await broker.put({"payload": {"the_order": {"id": "r1"}}})
            await at_last(lambda: len(stream.all()), 1)
            with pytest.raises(WrongMapping, match=r"sinks.events.resource: the document has nothing at"):
                stream.of("r1")

    async def test_nobody_there_is_told(self, broker: Broker) -> None:
        """With the key that has the address."""
        await self._fails(broker.events(**_elsewhere(broker.section)), "check sinks.events.(url|command)")

    async def test_a_wrong_credential_is_told(self, broker: Broker) -> None:
        """With the key that has it."""
        if broker.has_no_credentials:
            pytest.skip("it asks for none")
        await self._fails(broker.events(**broker.wrong_credential), broker.credential_words)

    async def test_a_stream_that_is_not_there_is_told(self, broker: Broker) -> None:
        """With its key."""
        await self._fails(broker.events(**broker.wrong_place), broker.place_words)

    async def _fails(self, section: EventShape, words: str) -> None:
        stream = event_stream(section)  # type: ignore[arg-type]
        async with asyncio.timeout(WITHIN_S):
            with pytest.raises(SinkFailed, match=words):
                await stream.open()
        await stream.close()


def _elsewhere(section: Mapping[str, Any]) -> dict[str, Any]:
    scheme = section["url"].partition("://")[0]
    return {"url": f"{scheme}://127.0.0.1:1"}
