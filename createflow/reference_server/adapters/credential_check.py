"""Whether an engine takes a user's credentials: asked once, before a process that would ask for ever is started."""

import ssl
import time

import nats
import nats.errors
import psycopg
import redis.asyncio
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import AuthenticationError, RedisError

LIMIT_S = 5


async def postgres_refuses(dsn: str) -> bool:
    """Whether PostgreSQL, or the pooler before it, refuses the user. False while it does not answer, too."""
    try:
        async with await psycopg.AsyncConnection.connect(dsn, autocommit=True, connect_timeout=LIMIT_S):
            return False
    except psycopg.OperationalError as error:
        return "authentication failed" in str(error)


async def nats_refuses(url: str, trust: ssl.SSLContext) -> bool:
    """Whether NATS refuses the user."""
    refused: list[Exception] = []

    async def note(error: Exception) -> None:
        refused.append(error)

    try:
        client = await nats.connect(
            url, tls=trust, tls_handshake_first=True, allow_reconnect=False, connect_timeout=LIMIT_S, error_cb=note
        )
    except (nats.errors.Error, OSError, TimeoutError, EOFError) as error:
        return "authorization" in f"{error} {refused}".lower()
    await client.close()
    return False


async def valkey_refuses(url: str) -> bool:
    """Whether Valkey refuses the user."""
    try:
        await _valkey_time_s(url)
    except AuthenticationError:
        return True
    except (RedisError, OSError, TimeoutError):
        pass
    return False


async def clock_ahead_s(valkey_url: str) -> float:
    """How far the clock of this machine is ahead of that of Valkey's, in seconds; 0 when it does not answer."""
    asked_s = time.time()
    try:
        theirs_s = await _valkey_time_s(valkey_url)
    except (RedisError, OSError, TimeoutError):
        return 0.0
    answered_s = time.time()
    if asked_s <= theirs_s <= answered_s:
        return 0.0
    return asked_s - theirs_s if theirs_s < asked_s else answered_s - theirs_s


async def _valkey_time_s(url: str) -> float:
    client = redis.asyncio.Redis.from_url(
        url, protocol=2, socket_timeout=LIMIT_S, socket_connect_timeout=LIMIT_S, retry=Retry(NoBackoff(), 0)
    )
    try:
        seconds, micros = await client.time()
    finally:
        await client.aclose()
    return float(seconds) + float(micros) / 1e6
