"""The listener for callbacks: whatever connects is a finding, and no more."""

import asyncio

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from createflow.scenarios.target import callback_listener
from createflow.scenarios.target.callback_listener import CallbackListener


@settings(max_examples=25, deadline=None)
@given(st.binary(max_size=60))
@example(b"")
@example(b"GET / HTTP/1.1\r\n" + b"x: y\r\n" * 9_999)
@example(b"x" * 300_000)
@example(b"\xff\x00\r\n\r\n")
def test_any_bytes_are_one_request(data: bytes) -> None:
    """Also none, and a line without an end; the listener goes on."""

    async def run() -> list[str]:
        async with CallbackListener().listening() as callback:
            port = int(callback.url.split(":")[2].partition("/")[0])
            for _ in range(2):
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                try:
                    writer.write(data)
                    writer.write_eof()
                    await reader.read()
                except ConnectionError:
                    pass
                writer.close()
            return callback.requests

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(callback_listener, "_REQUEST_LINE_S", 0.5)
        first, second = asyncio.run(run())
    assert first == second
    assert 0 < len(first) < 70_000
