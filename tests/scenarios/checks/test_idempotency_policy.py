"""What a repeated create and a delete of an old version are answered."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from createflow.scenarios.checks.business.business_logic.conditions import stale_delete_is_412
from createflow.scenarios.checks.business.business_logic.idempotency_key import replay_is_the_first_reply
from createflow.scenarios.checks.business.business_logic.idempotent_creates import same_key_creates_once
from createflow.scenarios.harness.write_sample import Repeated
from createflow.scenarios.outcome import Expectation
from createflow.scenarios.target.contract import Contract
from createflow.scenarios.target.reply import Reply
from createflow.schemas.profile_target import Target
from tests.scenarios.checks.all_writes import SmallRun
from tests.scenarios.checks.memory_target import MemoryTarget, reply

pytestmark = pytest.mark.anyio


@dataclass
class RefusingTarget(MemoryTarget):
    """Answers 409 to a key that it has seen."""

    keys: set[str] = field(default_factory=set)

    async def create(self, body: Any = None, *, headers: Mapping[str, str] | None = None, **options: Any) -> Reply:
        """The first create of a key is accepted."""
        key = (headers or {})["idempotency-key"]
        if key in self.keys:
            return reply(409)
        self.keys.add(key)
        return await super().create(body, **options)


def _target(policy: str) -> RefusingTarget:
    document = {"base_url": "http://x", "idempotency": True, "idempotency_policy": policy}
    return RefusingTarget(contract=Contract(Target.model_validate(document)))


async def test_a_refusal_is_allowed_where_the_profile_says_so() -> None:
    """The policy ``refuse``."""
    await same_key_creates_once.function(target=_target("refuse"), sample=SmallRun(), primary=None)


async def test_a_refusal_of_the_second_create_fails_otherwise() -> None:
    """The policy ``replay``, the default: the second of two creates, one after another, gets the first reply."""
    with pytest.raises(Expectation, match="one after another"):
        await same_key_creates_once.function(target=_target("replay"), sample=SmallRun(), primary=None)


_MADE, _OTHER = reply(201, {"id": "1"}), reply(201, {"id": "2"})


@pytest.mark.parametrize(
    ("twice", "words"),
    [
        (Repeated((_MADE, _MADE), is_at_once=True), ""),
        (Repeated((_MADE, _OTHER), is_at_once=False), "201 and 201, and ids 1 and 2"),
        (Repeated((reply(409), _MADE), is_at_once=True), ""),
        (Repeated((reply(409), reply(409)), is_at_once=True), "409 and 409"),
        (Repeated((_MADE, reply(400)), is_at_once=True), "201 and 400"),
        (Repeated((_MADE, reply(504)), is_at_once=True), ""),
    ],
    ids=["the same", "two", "refused meanwhile", "both refused", "invalid", "an error"],
)
async def test_each_key_of_the_sample_is_looked_at(twice: Repeated, words: str) -> None:
    """One key in many that is not looked at shows there."""
    run = SmallRun()
    run.twice.append(twice)
    target = _target("refuse")
    if not words:
        assert "95 % confidence" in await same_key_creates_once.function(target=target, sample=run, primary=None)
        return
    with pytest.raises(Expectation, match=f"1 of 3 keys: .*{words}"):
        await same_key_creates_once.function(target=target, sample=run, primary=None)


@dataclass
class ReplayingTarget(MemoryTarget):
    """Answers a repeated key as ``again`` says, from the first reply and the row as it is now."""

    again: Any = None
    first: dict[str, Reply] = field(default_factory=dict)

    async def create(self, body: Any = None, *, headers: Mapping[str, str] | None = None, **options: Any) -> Reply:
        """The first create of a key is made."""
        key = (headers or {}).get("idempotency-key", "") or (headers or {}).get("Idempotency-Key", "")
        if key in self.first:
            return self.again(self.first[key], self)  # type: ignore[no-any-return]
        made = await super().create(body, **options)
        if key:
            self.first[key] = made
        return made


def _now(first: Reply, target: ReplayingTarget) -> Reply:
    return reply(201, target.rows[str((first.document or {})["id"])], location=first.headers["location"])


@pytest.mark.parametrize(
    ("again", "words"),
    [
        (lambda first, _: first, ""),
        (lambda _first, _: reply(409, {"id": "1"}), "expected 201 again"),
        (lambda first, _: reply(201, first.document), "location = "),
        (_now, "the repeated reply after an update"),
    ],
    ids=["the same", "another status", "no Location", "as it is now"],
)
async def test_a_replay_is_compared_whole(again: Any, words: str) -> None:
    """Also after an update."""
    document = {"base_url": "http://x", "idempotency": True, "update": True}
    target = ReplayingTarget(contract=Contract(Target.model_validate(document)), again=again)
    if not words:
        await replay_is_the_first_reply.function(target=target)
        return
    with pytest.raises(Expectation, match=words):
        await replay_is_the_first_reply.function(target=target)


@dataclass
class VersionedTarget(MemoryTarget):
    """Has versions; ``is_strict`` refuses changes of an old one."""

    is_strict: bool = True
    versions: dict[str, int] = field(default_factory=dict)

    async def send(self, method: str, url: str, *, headers: Any = None, **options: Any) -> Reply:
        """Answer with the version as ETag."""
        version = self.versions.setdefault(url, 1)
        if method == "DELETE" and self.is_strict and (headers or {}).get("if-match") != f'"{version}"':
            return reply(412)
        if method == "DELETE":
            self.rows.pop(url.removeprefix("/r/"))
            return reply(204)
        self.versions[url] = version + (method == "PUT")
        answer = await super().send(method, url, **options)
        return replace(answer, headers={**answer.headers, "etag": f'"{self.versions[url]}"'})

    async def update(self, url: str, body: Mapping[str, Any], **_: object) -> Reply:
        """PUT."""
        return await self.send("PUT", url, content=json.dumps(body).encode())

    async def delete(self, url: str, *, headers: Any = None, **_: object) -> Reply:
        """DELETE."""
        return await self.send("DELETE", url, headers=headers)


async def test_a_stale_delete_is_refused() -> None:
    """A target that ignores the condition is accused."""
    await stale_delete_is_412.function(target=VersionedTarget())
    with pytest.raises(Expectation, match="a delete that names the version before"):
        await stale_delete_is_412.function(target=VersionedTarget(is_strict=False))
