"""A worker on this machine for a master on another."""

import asyncio
from collections.abc import Callable

from createflow.scenarios.load.fleet.child_process import Child
from createflow.schemas.error import TargetError

_JOIN_TIMEOUT_S = 60.0
_GRACE_S = 2.0


async def join(host: str, port: int, tell: Callable[[str], None]) -> None:
    """Join a master, do its part of one run, and end.

    Args:
        host: where the master listens.
        port: there.
        tell: told in words how far it is.

    Raises:
        TargetError: nobody waits there, or the worker ended in the middle.
    """
    address = f"{host}:{port}"
    tell(f"waiting for the load master at {address}")
    child = await Child.start("createflow.scenarios.load.node.worker")
    try:
        child.tell({"master": {"host": host, "port": port}})
        messages = child.messages()
        try:
            async with asyncio.timeout(_JOIN_TIMEOUT_S):
                joined = await anext(messages, None)
        except TimeoutError:
            raise TargetError(
                address, f"no master within {_JOIN_TIMEOUT_S:g} s", hint="start createflow bench --master there first"
            ) from None
        if joined is None:
            raise TargetError(address, child.last_words)
        tell(f"joined the load master at {address}")
        done = False
        async for said in messages:
            if "started" in said:
                tell("the load begins")
            done = done or "done" in said
        if not done:
            raise TargetError(address, child.last_words)
        tell("done")
    finally:
        await child.ended(_GRACE_S)
