"""Single events that are waited for on a real NATS server."""

import asyncio
from pathlib import Path

import nats
import pytest
from pydantic import SecretStr

from createflow.scenarios.sinks.nats import watch as nats_watch
from createflow.scenarios.sinks.nats.watch import NatsWatch
from createflow.schemas.profile_sinks import EventSink
from tests.scenarios.sinks import servers


def test_an_event_behind_full_pages_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """That a page is complete is not the end of the next one: no request is sent while another one waits."""
    monkeypatch.setattr(nats_watch, "_PAGE_EVENTS", 10)

    async def waiting_requests(url: str) -> int:
        client = await nats.connect(url)
        stream = client.jetstream()
        await stream.add_stream(name="S", subjects=["s.>"])
        watch = await NatsWatch(EventSink(url=SecretStr(url), stream="S", subject="s.created")).open()
        async with watch.watching() as is_seen:
            for number in range(35):
                await stream.publish("s.created", b"event %d." % number)
            assert await is_seen((b"event 34.",), 10.0)
            (consumer,) = await stream.consumers_info("S")
        await watch.close()
        await client.close()
        return int(consumer.num_waiting or 0)

    with servers.nats(tmp_path) as address:
        assert asyncio.run(waiting_requests(f"nats://{address}")) <= 1
