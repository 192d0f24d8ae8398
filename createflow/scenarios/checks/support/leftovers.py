"""What a create that was refused may have left behind, looked for by its name wherever a write can leave something."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from createflow.scenarios.checks.support.fixtures import Resource
from createflow.scenarios.outcome import Inconclusive, NotDeclared
from createflow.scenarios.sinks.polling import eventually
from createflow.scenarios.sinks.sink import AuditTrail, Cache, EventLog, Primary, SearchIndex
from createflow.schemas.profile import Deadlines


@dataclass(frozen=True, slots=True)
class Traces:
    """The places to look at; those that the profile does not declare are ``None``."""

    primary: Primary | None
    audit: AuditTrail | None
    events: EventLog | None
    cache: Cache | None
    search: SearchIndex | None
    deadlines: Deadlines
    name_field: str
    actor: str | None
    """Who sends the creates, when known."""
    since: datetime
    """When the check started: older entries of the same actor are not looked at."""

    async def caught_up_with(self, marker: Resource) -> None:
        """Wait until a resource that was created later is visible everywhere.

        Copies follow in order, so what is not there by then will not come: no need to wait out any deadline.

        Raises:
            Inconclusive: it does not become visible; other checks judge that.
        """
        if self.events is not None:
            events = self.events

            async def heard() -> bool:
                return bool(events.of(marker.id))

            await self._seen(heard, self.deadlines.event_s, "event log")
        if self.search is not None:
            search = self.search

            async def indexed() -> bool:
                return await search.document(marker.id) is not None

            await self._seen(indexed, self.deadlines.index_s, "search index")

    async def of(self, name: str, word: str) -> list[str]:
        """Where something of this name is, in words.

        Args:
            word: the nonce in the name, for places that are searched as text.

        Raises:
            NotDeclared: there is no place that can be asked by name.
        """
        looked, found = 0, []
        for place, asking in self._questions(name, word):
            try:
                there = await asking
            except NotDeclared:
                continue
            looked += 1
            if there:
                found.append(place)
        if not looked:
            raise NotDeclared("no sink is configured that can be asked by name")
        return found

    def _questions(self, name: str, word: str) -> list[tuple[str, Awaitable[bool]]]:
        asked: list[tuple[str, Awaitable[bool]]] = []
        if self.primary is not None:
            asked.append(("a row", _any_row(self.primary, name)))
        if self.audit is not None:
            asked.append(("an audit entry of success", _any_success(self.audit, name)))
            if self.primary is not None and self.actor is not None:
                asked.append(("an audit entry without a row", self._any_orphan(self.audit, self.primary, self.actor)))
        if self.events is not None:
            asked.append(("an event", _any_event(self.events, word)))
        if self.cache is not None:
            asked.append(("a cached value", _any_key(self.cache, word)))
        if self.search is not None:
            asked.append(("an indexed document", _any_document(self.search, self.name_field, word)))
        return asked

    async def _any_orphan(self, audit: AuditTrail, primary: Primary, actor: str) -> bool:
        """Whether an entry of success is about a resource that is not there.

        Entry and row are committed together, so no other check that runs at the same time can make it seem so.
        """
        for entry in await audit.by_actor(actor):
            moment = entry.get("occurred_at")
            recent = not isinstance(moment, datetime) or moment >= self.since
            if recent and is_success(entry) and not await primary.by_id(str(entry.get("resource_id"))):
                return True
        return False

    async def _seen(self, read: Callable[[], Awaitable[bool]], within_s: float, where: str) -> None:
        _, seen = await eventually(read, bool, within_s=within_s)
        if not seen:
            raise Inconclusive(f"a later create did not reach the {where} within {within_s:g} s")


_SUCCESS = {"success", "succeeded", "ok", "created", "committed"}


def is_success(entry: dict[str, object]) -> bool:
    """An audit entry of something done; entries of refusals are welcome. Without an outcome it counts as done."""
    outcome = entry.get("outcome")
    return outcome is None or str(outcome).lower() in _SUCCESS


async def _any_row(primary: Primary, name: str) -> bool:
    return bool(await primary.by_name(name))


async def _any_success(audit: AuditTrail, name: str) -> bool:
    return any(is_success(entry) for entry in await audit.by_name(name))


async def _any_event(events: EventLog, word: str) -> bool:
    return bool(events.mentioning(word))


async def _any_key(cache: Cache, word: str) -> bool:
    return bool(await cache.keys_holding(word))


async def _any_document(search: SearchIndex, field: str, word: str) -> bool:
    return any(word in str(document.get(field)) for document in await search.found(field, word))
