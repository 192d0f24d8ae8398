"""What would stop every check is told before the first, once, with what mends it. What checks tell is left to them."""

import asyncio
import re
from typing import Any

import pytest

from createflow.scenarios.conformance.preflight import Looked, preflight, wait_until_up
from createflow.scenarios.harness.probe_set import ProbeSet
from createflow.scenarios.outcome import Inconclusive, NotDeclared
from createflow.scenarios.sinks.mapping import WrongMapping
from createflow.scenarios.sinks.sink import Cache
from createflow.scenarios.text.secret_mask import Mask
from createflow.schemas.error import TargetError
from tests.scenarios.malformed_server import Habit, malformed_server, profile_of, reply

CREATED = reply("201 Created", b'{"id": "1", "name": "x"}', headers="location: /api/resources/1\r\n")
TOKEN = "writer-token-that-is-a-secret"


@pytest.fixture(autouse=True)
def _tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PREFLIGHT_WRITER", TOKEN)
    monkeypatch.setenv("PREFLIGHT_READER", "reader-token-that-is-a-secret")


def look(habit: Habit, **sections: Any) -> list[Looked]:
    """What the preflight sees of a server with this habit."""
    seen: list[Looked] = []

    async def run() -> None:
        async with malformed_server(habit) as url:
            auth = {"kind": "static", "writer_env": "PREFLIGHT_WRITER", "reader_env": "PREFLIGHT_READER"}
            profile = profile_of(url, **{"auth": auth, **sections})
            async with ProbeSet(profile, "run", Mask()) as probes:
                await preflight(probes, seen.append)

    asyncio.run(run())
    return seen


def refusing(answer: bytes) -> Habit:
    """A server that answers creates so."""
    return lambda request: answer if request.startswith(b"POST") else reply("200 OK", b"{}")


@pytest.mark.parametrize(
    ("status", "cause", "hint"),
    [
        ("401 Unauthorized", "the writer's credential is not taken", "$PREFLIGHT_WRITER"),
        ("403 Forbidden", "the writer may not create", "role or scope"),
        ("404 Not Found", "there is no such path", "target.path"),
        ("405 Method Not Allowed", "the path takes no such request", "target.method"),
        ("406 Not Acceptable", "no reply of that kind", "target.accept"),
        ("415 Unsupported Media Type", "no body of that kind", "target.media_type"),
        ("422 Unprocessable Content", "the body is not accepted", "target.schema_file"),
    ],
)
def test_a_refused_create_stops_with_one_cause(status: str, cause: str, hint: str) -> None:
    """With what was sent and what came, and the key that mends it; never with the token."""
    answer = reply(status, b'{"detail": "told by the target"}', headers='www-authenticate: Bearer error="x"\r\n')
    with pytest.raises(TargetError, match=cause) as error:
        look(refusing(answer))
    assert hint in error.value.hint
    text = str(error.value)
    assert "sent: curl" in text
    assert f"came: {status[:3]}" in text
    assert "told by the target" in text
    assert TOKEN not in text + error.value.hint


@pytest.mark.parametrize("answer", [reply("500 Oops"), reply("302 Found"), b"garbage"], ids=["500", "302", "garbage"])
def test_what_the_target_does_badly_is_left_to_the_checks(answer: bytes) -> None:
    """They say it with their promise and level; the preflight only doubts."""
    seen = look(refusing(answer))
    assert [(one.what, one.is_doubtful) for one in seen] == [("create", True)]


def test_a_principal_that_the_target_does_not_know_stops() -> None:
    """Its name and the variable that holds its credential are told."""

    def habit(request: bytes) -> bytes:
        if request.startswith(b"POST"):
            return CREATED
        return reply("401 Unauthorized", b"") if b"reader-token" in request else CREATED.replace(b"201", b"200")

    with pytest.raises(TargetError, match="the credential of the principal reader is not taken") as error:
        look(habit)
    assert "$PREFLIGHT_READER" in error.value.hint


@pytest.mark.parametrize(
    ("key", "section"),
    [
        ("sinks.search", {"search": {"url": "http://127.0.0.1:1", "index": "i"}}),
        ("sinks.cache", {"cache": {"url": "redis://127.0.0.1:1/0", "key": "resource:{id}"}}),
        ("sinks.primary", {"primary": {"dsn": "postgresql://u@127.0.0.1:1/d", "by_id": "select 1"}}),
    ],
)
def test_a_sink_that_does_not_answer_stops(key: str, section: dict[str, Any]) -> None:
    """By the name that it has in the profile."""
    with pytest.raises(TargetError, match=f"{key} at 127.0.0.1:1") as error:
        look(lambda request: CREATED if request.startswith(b"POST") else CREATED.replace(b"201", b"200"), sinks=section)
    assert f"[{key}]" in error.value.hint


class _Store:
    """A cache that answers so."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    async def value(self, resource_id: str) -> None:
        """Nothing."""
        del resource_id
        raise self._error


def _look_into(error: Exception, monkeypatch: pytest.MonkeyPatch) -> list[Looked]:
    monkeypatch.setattr(ProbeSet, "configured_sinks", lambda _: [Cache])
    monkeypatch.setattr(ProbeSet, "sink", lambda *_: _Store(error))
    return look(lambda request: CREATED if request.startswith(b"POST") else CREATED.replace(b"201", b"200"))


@pytest.mark.parametrize("error", [Inconclusive("too many keys to read"), NotDeclared("it is read by names alone")])
def test_a_sink_that_cannot_tell_stops_nothing(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    """The checks that need it are inconclusive or skipped; the others run."""
    (seen,) = [one for one in _look_into(error, monkeypatch) if one.what == "sinks.cache"]
    assert (seen.seen, seen.is_doubtful) == (f"it cannot tell: {error}", True)


@pytest.mark.parametrize("error", [WrongMapping("sinks.cache.id: nothing at '/a'"), ConnectionError("closed")])
def test_a_sink_that_cannot_be_asked_stops(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    """By a place that it does not have, or an error of its client."""
    with pytest.raises(TargetError, match=re.escape(str(error))):
        _look_into(error, monkeypatch)


def test_a_target_that_starts_is_waited_for() -> None:
    """As long as a proxy before it says 502, 503 or 504."""
    answers = iter([reply("503 Service Unavailable"), reply("502 Bad Gateway")])

    async def run() -> None:
        async with malformed_server(lambda _: next(answers, reply("404 Not Found"))) as url:
            await wait_until_up(profile_of(url), 20.0)

    asyncio.run(run())
    assert next(answers, None) is None


def test_a_target_that_never_starts_is_told_after_the_wait() -> None:
    """As one that does not answer."""
    with pytest.raises(TargetError, match="connection"):
        asyncio.run(wait_until_up(profile_of("http://127.0.0.1:1"), 0.01))
