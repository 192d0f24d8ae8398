"""What a process must see answer before it says that it is ready."""

from collections.abc import Callable

from createflow.reference_server.adapters.valkey import Valkey
from createflow.reference_server.process.health import Gate


def now(ask: Callable[[], bool]) -> Gate:
    """What is known without waiting."""

    async def gate() -> bool:
        return ask()

    return gate


def pings(valkey: Valkey) -> Gate:
    """It answers."""

    async def gate() -> bool:
        await valkey.ping()
        return True

    return gate
