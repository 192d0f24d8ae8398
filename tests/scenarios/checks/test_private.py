"""A private resource that shows in any way to another writer is accused."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from createflow.scenarios.checks.api.auth_check.ownership import others_resource_is_as_missing
from createflow.scenarios.outcome import Expectation, Inconclusive
from createflow.scenarios.target.contract import Contract
from createflow.scenarios.target.principal import Principal
from createflow.scenarios.target.reply import Reply
from createflow.schemas.profile_target import Target
from tests.scenarios.checks.memory_target import MemoryTarget, reply

pytestmark = pytest.mark.anyio
OWNER, OTHER = Principal("owner", "1"), Principal("other", "2")


class People:
    """Fills as much of the role Tokens as is asked for."""

    def writer(self) -> Principal:
        """May create."""
        return OWNER

    def other_writer(self) -> Principal:
        """May create as well."""
        return OTHER


@dataclass
class Private(MemoryTarget):
    """Shows a resource to its owner; each flag is a way of showing it to others."""

    writer: Principal = OWNER
    owners: dict[str, Principal] = field(default_factory=dict)
    reads: bool = False
    reads_cached: bool = False
    refuses: Reply = field(default_factory=lambda: reply(404))
    lists: bool = False
    has_lists: bool = True
    updates: bool = False
    updates_silently: bool = False
    compares_beginnings: bool = False
    cached: set[str] = field(default_factory=set)

    def _is_own(self, url: str, who: Principal | None) -> bool:
        owner = self.owners.get(url, who)
        if self.compares_beginnings and owner is not None and who is not None and who.subject:
            return str(owner.subject).startswith(who.subject)
        return owner == who

    async def create(self, body: Any = None, *, who: Principal | None = None, **_: Any) -> Reply:
        """Note whose it is."""
        made = await MemoryTarget.create(self, body)
        self.owners[self.url_of(made)] = who or self.writer
        return made

    async def read(self, url: str, *, who: Principal | None = None, **_: object) -> Reply:
        """One's own."""
        cached = url in self.cached
        if self._is_own(url, who):
            self.cached.add(url)
            return await MemoryTarget.read(self, url)
        return await MemoryTarget.read(self, url) if self.reads or (cached and self.reads_cached) else self.refuses

    async def read_collection(self, *, who: Principal | None = None, **_: object) -> Reply:
        """One's own."""
        if not self.has_lists:
            return reply(405)
        urls = [url for url in self.owners if self.lists or self._is_own(url, who)]
        return reply(200, [self.rows[url.removeprefix("/r/")] for url in urls])

    async def update(self, url: str, body: Mapping[str, Any], *, who: Principal | None = None, **_: object) -> Reply:
        """One's own."""
        own = self._is_own(url, who)
        if own or self.updates or self.updates_silently:
            await MemoryTarget.update(self, url, body)
        return reply(200) if own or self.updates else reply(404)


async def _run(**ways: Any) -> None:
    await others_resource_is_as_missing.function(target=Private(**ways), tokens=People(), issuer=None)


async def test_what_stays_with_its_owner_passes() -> None:
    """Also where there are no lists."""
    await _run()
    await _run(has_lists=False)


@pytest.mark.parametrize(
    ("ways", "words"),
    [
        ({"reads": True}, "404, as for a missing id; seen 200"),
        ({"reads_cached": True}, "404, as for a missing id; seen 200"),
        ({"refuses": reply(403)}, "404, as for a missing id; seen 403"),
        ({"lists": True}, "a list without"),
        ({"updates": True}, "update of another user refused; seen 200"),
        ({"updates_silently": True}, "name unchanged"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
async def test_each_way_of_showing_it_to_others_is_accused(ways: dict[str, Any], words: str) -> None:
    """By what was seen."""
    with pytest.raises(Expectation, match=words):
        await _run(**ways)


async def test_a_target_that_finds_what_is_not_there_proves_nothing() -> None:
    """Its answer to a missing id is no measure."""
    target = Private(bend=lambda _m, _u, honest: reply(200) if honest.status == 404 else honest)
    with pytest.raises(Inconclusive, match="does not exist was answered 200"):
        await others_resource_is_as_missing.function(target=target, tokens=People(), issuer=None)


class _Signs:
    """Fills the role Issuer."""

    leeway_s = None

    def sign(self, token: str, *, claims: Mapping[str, Any], **_: object) -> str:
        """The subject in place of a token."""
        return f"{token}:{claims['sub']}"

    def public_key_encodings(self) -> Mapping[str, bytes]:
        """None."""
        return {}


@pytest.mark.parametrize("compares_beginnings", [False, True])
async def test_a_subject_that_nearly_matches_is_another_one(*, compares_beginnings: bool) -> None:
    """Who compares subjects by their beginning shows a resource to others."""
    profile = Target.model_validate({"base_url": "http://x", "update": True, "private": True})
    target = Private(contract=Contract(profile), compares_beginnings=compares_beginnings)
    run = others_resource_is_as_missing.function(target=target, tokens=People(), issuer=_Signs())
    if not compares_beginnings:
        await run
        return
    with pytest.raises(Expectation, match="a read by a subject that the other's begins with"):
        await run
