"""The use case of ``createflow sinks``: one create, and what each sink shows of it, beside the reply."""

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from urllib.parse import unquote

from createflow.scenarios.harness.ending import Left
from createflow.scenarios.harness.guardian.client import Guarding
from createflow.scenarios.harness.probe_set import ProbeSet, SinkUnreachable
from createflow.scenarios.outcome import Inconclusive, NotDeclared, Prevented
from createflow.scenarios.sinks.field_equality import equal, equal_json
from createflow.scenarios.sinks.mapping import pointers_in
from createflow.scenarios.sinks.polling import eventually
from createflow.scenarios.sinks.registry import FAILURES
from createflow.scenarios.sinks.sink import AuditTrail, Cache, EventLog, Primary, Replicas, Row, SearchIndex
from createflow.scenarios.target.location import usable_id
from createflow.scenarios.text.json_pointer import value_at
from createflow.scenarios.text.secret_mask import Mask
from createflow.schemas.error import TargetError
from createflow.schemas.profile import Profile

_SHORTEST_VALUE = 3
"""A shorter text is in any document by chance."""
_READ_ROLES = (
    (Primary, "primary", "sinks.primary"),
    (AuditTrail, "audit", "sinks.audit"),
    (EventLog, "events", "sinks.events"),
    (Cache, "cache", "sinks.cache"),
    (SearchIndex, "search", "sinks.search"),
)


@dataclass(frozen=True, slots=True)
class Compared:
    """One field of the reply beside what a sink has."""

    name: str
    shown: Any
    kept: Any
    is_there: bool
    is_equal: bool
    hint: str = ""
    """Another place of the document that has this value."""


@dataclass(slots=True)
class SinkLook:
    """What one sink shows."""

    name: str
    address: str = ""
    after_s: float | None = None
    """Since the reply; ``None`` where it never appeared."""
    late: str = ""
    """Later than its deadline, in words."""
    copies: int = 0
    fields: tuple[Compared, ...] = ()
    others: tuple[str, ...] = ()
    """Fields that the reply does not have."""
    problem: str = ""
    notes: list[str] = field(default_factory=list)
    warning: str = ""
    """The user of the sink may do more than read."""


@dataclass(frozen=True, slots=True)
class SinkLooks:
    """All of them."""

    target: str
    status: int
    resource_id: str
    url: str
    reply_s: float
    looks: tuple[SinkLook, ...]
    left: Left
    is_removed: bool
    """Or will be: what is left says what was not."""


async def look_into_sinks(profile: Profile, *, within_s: float, guarding: Guarding) -> SinkLooks:
    """Create one resource, and look for it in each configured sink until it is there.

    Args:
        profile: of the target.
        within_s: how long to wait for each sink at most.
        guarding: what happens to the resource when the command is killed.

    Raises:
        TargetError: the create is not accepted.
        UserError: something of the profile cannot be used.
    """
    mask = Mask()
    probes = ProbeSet(profile, secrets.token_hex(4), mask, guarding=guarding)
    async with probes:
        target = probes.target_by("sinks")
        start_s = time.monotonic()
        try:
            reply = await target.create()
        except (Inconclusive, Prevented) as error:
            raise TargetError(target_url(profile), f"the create is not accepted: {error}") from None
        replied_s = time.monotonic()
        if not reply.accepted:
            raise TargetError(
                target_url(profile), f"the create is refused with {reply.status}", hint="createflow run says more"
            )
        try:
            url = target.url_of(reply)
        except (Inconclusive, Prevented) as error:
            raise TargetError(target_url(profile), f"what the create made is not known: {error}") from None
        shown = dict(reply.document or {})
        resource_id = usable_id(shown.get(target.contract.fields.id)) or unquote(url.rstrip("/").rpartition("/")[2])
        looker = _Looker(
            probes,
            read=lambda: target.read(url),
            replied_s=replied_s,
            within_s=within_s,
            resource_id=resource_id,
            shown=shown,
        )
        looks = await looker.all()
        left = await probes.finish()
    return SinkLooks(
        target=mask.text(target_url(profile)),
        status=reply.status,
        resource_id=resource_id,
        url=mask.text(url),
        reply_s=replied_s - start_s,
        looks=tuple(looks),
        left=left,
        is_removed=profile.target.cleanup,
    )


def target_url(profile: Profile) -> str:
    """Where creates go."""
    return f"{profile.target.base_url.rstrip('/')}{profile.target.path}"


def copies_of(role: type, sink: Any, resource_id: str) -> Callable[[], Awaitable[list[Any]]]:
    """What asks the sink that fills a role for all that it has of a resource."""

    async def one(found: Awaitable[Row | None]) -> list[Any]:
        document = await found
        return [] if document is None else [document]

    async def events() -> list[Any]:
        return list(sink.of(resource_id))

    if role is EventLog:
        return events
    if role is Cache:
        return lambda: one(sink.value(resource_id))
    return (lambda: one(sink.document(resource_id))) if role is SearchIndex else (lambda: sink.by_id(resource_id))


class _Looker:
    def __init__(
        self,
        probes: ProbeSet,
        *,
        read: Callable[[], Awaitable[object]],
        replied_s: float,
        within_s: float,
        resource_id: str,
        shown: Mapping[str, Any],
    ) -> None:
        self._probes = probes
        self._read = read
        self._replied_s = replied_s
        self._within_s = within_s
        self._id = resource_id
        self._shown = dict(shown)
        deadlines = probes.profile.deadlines
        self._deadlines = {
            "audit": deadlines.audit_s,
            "events": deadlines.event_s,
            "cache": deadlines.cache_s,
            "search": deadlines.index_s,
        }

    async def all(self) -> list[SinkLook]:
        """Each configured sink, in the order of the report, all looked into at the same time."""
        looking: list[Awaitable[SinkLook]] = []
        for role, name, key in _READ_ROLES:
            try:
                probe = self._probes.sink(role)
            except SinkUnreachable as error:
                looking.append(_done(SinkLook(name, problem=str(error))))
                continue
            if probe is not None:
                looking.append(self._look(name, key, probe, copies_of(role, probe, self._id)))
        try:
            replicas = self._probes.sink(Replicas)
        except SinkUnreachable as error:
            looking.append(_done(SinkLook("replicas", problem=str(error))))
            replicas = None
        looking.extend(
            self._look(replica.name, "sinks.replicas", replica, partial(replica.by_id, self._id))
            for replica in (replicas.each() if replicas is not None else ())
        )
        return list(await asyncio.gather(*looking))

    async def _look(self, name: str, key: str, probe: Any, read: Callable[[], Awaitable[list[Any]]]) -> SinkLook:
        look = SinkLook(name, address=probe.address)
        try:
            found = await self._found(look, name, read)
        except (*FAILURES, Inconclusive, NotDeclared, TimeoutError) as error:
            look.problem = self._probes.mask.text(f"{error}")
            return look
        if found:
            self._compare(look, name, key, found)
        elif not look.problem:
            look.problem = f"not there after {self._within_s:g} s"
            if name == "events":
                look.notes += self._near_events(probe)
        can_write = getattr(probe, "can_write", None)
        if can_write is not None:
            try:
                rights = await can_write()
            except (*FAILURES, Inconclusive, TimeoutError):
                rights = ""
            look.warning = f"its user may write: {rights}" if rights else ""
        return look

    async def _found(self, look: SinkLook, name: str, read: Callable[[], Awaitable[list[Any]]]) -> list[Any]:
        wait_s = min(self._within_s, self._deadlines["cache"]) if name == "cache" else self._within_s
        found, _ = await eventually(read, bool, within_s=wait_s)
        if not found and name == "cache":
            await self._read()
            found, _ = await eventually(read, bool, within_s=self._within_s)
            look.notes.append("it is filled by the first read" if found else "it is not filled by a read either")
            if not found:
                look.problem = f"not there after {self._within_s:g} s"
        if found:
            look.after_s = time.monotonic() - self._replied_s
            deadline_s = self._deadlines.get(name, 0 if name == "primary" else self._probes.profile.deadlines.replica_s)
            if name not in {"primary", "cache"} and look.after_s > deadline_s:
                look.late = f"later than its deadline of {deadline_s:g} s"
        look.copies = len(found)
        return found

    def _near_events(self, events: Any) -> list[str]:
        """What the stream showed instead."""
        try:
            every = events.all()
        except Inconclusive as error:
            return [str(error)]
        if not every:
            return ["no event at all came since the create was sent"]
        text = self._probes.mask.text(every[-1].text)
        return [f"{len(every)} other events came; the last one: {text}"]

    def _compare(self, look: SinkLook, name: str, key: str, found: Sequence[Any]) -> None:
        document = found[0]
        whole = document
        if name == "events":
            whole, envelope = document.document, dict(document.envelope)
            look.notes.append(f"event id {document.id}" + (f", {document.kind}" if document.kind else ""))
            look.notes += [f"envelope {part}: {value!r}" for part, value in envelope.items()]
            document = document.resource
        elif name == "audit":
            wanted = {"resource_id": self._id}
            look.fields = tuple(_compared(one, value, document, whole, equal) for one, value in wanted.items())
            look.others = tuple(f"{one} = {value}" for one, value in document.items() if one not in wanted)
            return
        is_rows = name == "primary" or key == "sinks.replicas"
        same = equal if is_rows else equal_json
        look.fields = tuple(_compared(one, value, document, whole, same) for one, value in self._shown.items())
        look.others = tuple(str(one) for one in document if one not in self._shown)
        if look.copies > 1:
            look.notes.append(f"{look.copies} copies; the first one is shown")


def _compared(
    name: str, shown: Any, document: Mapping[str, Any], whole: Any, same: Callable[[Any, Any], bool]
) -> Compared:
    is_there = name in document
    hint = ""
    if not is_there and (isinstance(shown, (int, float)) or len(str(shown)) >= _SHORTEST_VALUE):
        hint = next((place for place in pointers_in(whole) if same(shown, value_at(whole, place))), "")
    kept = document.get(name)
    return Compared(name, shown, kept, is_there, is_there and same(shown, kept), hint)


async def _done(look: SinkLook) -> SinkLook:
    return look
