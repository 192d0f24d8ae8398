"""The checks of framing accuse a server that takes whatever comes, and leave a strict one alone."""

import pytest

from createflow.scenarios.checks.api.https_request.framing import (
    bad_framing_is_refused,
    host_is_required_once,
    smuggled_request_is_not_answered,
)
from createflow.scenarios.harness.check import Check
from createflow.scenarios.harness.probe_set import ProbeSet
from createflow.scenarios.outcome import Expectation, Inconclusive
from createflow.scenarios.target import raw_http
from createflow.scenarios.target.principal import Principal
from createflow.scenarios.target.raw_http import RawSocket
from createflow.scenarios.target.run_context import RunContext
from createflow.scenarios.text.secret_mask import Mask
from createflow.schemas.profile import Profile
from tests.scenarios.checks.memory_target import MemoryTarget
from tests.scenarios.checks.raw_server import raw_server

CHECKS = [bad_framing_is_refused, smuggled_request_is_not_answered, host_is_required_once]


def _raw(url: str) -> RawSocket:
    return RawSocket(RunContext(Profile.model_validate({"target": {"base_url": url}}), "run", Mask()))


@pytest.mark.anyio
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.id)
async def test_a_strict_server_is_left_alone(check: Check) -> None:
    """Every form is refused there, and well-formed creates are not."""
    async with raw_server(strict=True) as url:
        await check.function(target=MemoryTarget(), raw=_raw(url))


@pytest.mark.anyio
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.id)
async def test_a_lax_server_is_accused(check: Check) -> None:
    """It believes the first length, and needs no Host."""
    async with raw_server(strict=False, needs_host=False) as url:
        with pytest.raises(Expectation):
            await check.function(target=MemoryTarget(), raw=_raw(url))


@pytest.mark.anyio
@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.id)
async def test_silence_is_no_refusal(check: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    """Well-formed creates are answered before and after it, so the target is neither slow nor gone."""
    monkeypatch.setattr(raw_http, "_TIMEOUT_S", 0.2)
    async with raw_server(strict=True, mute=True) as url:
        with pytest.raises(Expectation, match="silence, and the connection left open"):
            await check.function(target=MemoryTarget(), raw=_raw(url))


@pytest.mark.anyio
async def test_a_server_that_refuses_everything_proves_nothing() -> None:
    """The well-formed create in raw bytes is refused as well: inconclusive, not passed."""
    async with raw_server(strict=True) as url:
        raw = _raw(url)
        raw.authority = "x\r\nHost: y"
        with pytest.raises(Inconclusive, match="before the test"):
            await bad_framing_is_refused.function(target=MemoryTarget(), raw=raw)


@pytest.mark.anyio
async def test_a_create_in_raw_bytes_is_in_the_ledger() -> None:
    """What it made is removed or listed, and what was refused leaves nothing; without a reply it may be either."""
    async with raw_server(strict=True) as url:
        probes = ProbeSet(Profile.model_validate({"target": {"base_url": url}}), "0123abcd", Mask())
        raw = RawSocket(probes.context, probes.note_raw_create)
        who = Principal("writer", "token")
        body, refused, cut = (b'{"name":"createflow n%016x"}' % number for number in range(3))
        await raw.send(raw.request(body, who=who))
        await raw.send(raw.request(refused, who=who, lines=("Content-Length: x",)))
        await raw.send(raw.request(cut, who=who), then_abort=True)
        writes = probes.context.writes
        assert [(one.url, one.who) for one in probes.context.created] == [(f"{url}/r/1", who)]
        assert [one.name for one in writes.refusals()] == ["createflow n0000000000000001"]
        assert [one.name for one in writes.unanswered] == ["createflow n0000000000000002"]
        await probes.connection.close()
