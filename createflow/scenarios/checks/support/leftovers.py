"""Searches every sink for what a refused create may have left behind."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from createflow.scenarios.checks.support.fixtures import Resource
from createflow.scenarios.outcome import Inconclusive, NotDeclared
from createflow.scenarios.sinks.polling import eventually
from createflow.scenarios.sinks.sink import AuditTrail, Cache, EventLog, Primary, SearchIndex
from createflow.schemas.profile import Deadlines


@dataclass(frozen=True, slots=True)
class Leftovers:
    """The sinks to search; those that the profile does not configure are ``None``."""

    primary: Primary | None
    audit: AuditTrail | None
    events: EventLog | None
    cache: Cache | None
    search: SearchIndex | None
    deadlines: Deadlines
    name_field: str
    actor: str | None
    """The subject of the creates, when known."""
    since: datetime
    """When the check started; older entries of the same actor are ignored."""

    async def wait_until_visible(self, marker: Resource) -> None:
        """Wait until a resource that was created later is visible everywhere.

        Writes reach a sink in order, so what is missing by then will not come, and no deadline need be waited for.

        Raises:
            Inconclusive: it does not become visible; other checks test that.
        """
        if self.events is not None:
            events = self.events

            async def published() -> bool:
                return bool(events.of(marker.id))

            await self._wait(published, self.deadlines.event_s, "event log")
        if self.search is not None:
            search = self.search

            async def indexed() -> bool:
                return await search.document(marker.id) is not None

            await self._wait(indexed, self.deadlines.index_s, "search index")

    async def find(self, name: str, nonce: str) -> list[str]:
        """What of this name is in a sink: a description of each finding.

        Args:
            nonce: the unique word in the name, for sinks that are searched as text.

        Raises:
            NotDeclared: no configured sink can be searched by name.
        """
        searched, found = 0, []
        for description, search in self._searches(name, nonce):
            try:
                is_there = await search
            except NotDeclared:
                continue
            searched += 1
            if is_there:
                found.append(description)
        if not searched:
            raise NotDeclared("no configured sink can be searched by name")
        return found

    def _searches(self, name: str, nonce: str) -> list[tuple[str, Awaitable[bool]]]:
        searches: list[tuple[str, Awaitable[bool]]] = []
        if self.primary is not None:
            searches.append(("a row", _any_row(self.primary, name)))
        if self.audit is not None:
            searches.append(("an audit entry of success", _any_success(self.audit, name)))
            if self.primary is not None and self.actor is not None:
                searches.append(
                    ("an audit entry without a row", self._any_orphan(self.audit, self.primary, self.actor))
                )
        if self.events is not None:
            searches.append(("an event", _any_event(self.events, nonce)))
        if self.cache is not None:
            searches.append(("a cached value", _any_key(self.cache, nonce)))
        if self.search is not None:
            searches.append(("an indexed document", _any_document(self.search, self.name_field, nonce)))
        return searches

    async def _any_orphan(self, audit: AuditTrail, primary: Primary, actor: str) -> bool:
        """Whether an entry of success is about a missing resource.

        Entry and row are committed together, so a concurrent check cannot cause this.
        """
        for entry in await audit.by_actor(actor):
            moment = entry.get("occurred_at")
            recent = not isinstance(moment, datetime) or moment >= self.since
            if recent and is_success(entry) and not await primary.by_id(str(entry.get("resource_id"))):
                return True
        return False

    async def _wait(self, read: Callable[[], Awaitable[bool]], within_s: float, where: str) -> None:
        _, seen = await eventually(read, bool, within_s=within_s)
        if not seen:
            raise Inconclusive(f"a later create did not reach the {where} within {within_s:g} s")


_SUCCESS = {"success", "succeeded", "ok", "created", "committed"}


def is_success(entry: dict[str, object]) -> bool:
    """Whether an audit entry is about a success; entries of refusals are allowed. Without an outcome it is."""
    outcome = entry.get("outcome")
    return outcome is None or str(outcome).lower() in _SUCCESS


async def _any_row(primary: Primary, name: str) -> bool:
    return bool(await primary.by_name(name))


async def _any_success(audit: AuditTrail, name: str) -> bool:
    return any(is_success(entry) for entry in await audit.by_name(name))


async def _any_event(events: EventLog, nonce: str) -> bool:
    return bool(events.mentioning(nonce))


async def _any_key(cache: Cache, nonce: str) -> bool:
    return bool(await cache.keys_holding(nonce))


async def _any_document(search: SearchIndex, field: str, nonce: str) -> bool:
    return any(nonce in str(document.get(field)) for document in await search.found(field, nonce))
