"""Everything that a run wrote: each create, update and delete with its reply, whichever check sent it.

The looks at the end of a run compare it with every store.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from createflow.scenarios.bodies.markers import nonces_in
from createflow.scenarios.target.principal import Principal
from createflow.scenarios.target.reply import Reply
from createflow.scenarios.text.json_equality import same_json
from createflow.schemas.report import Exchange


class Change(StrEnum):
    """What a request asks for."""

    UPDATE = "update"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class Changed:
    """An update or delete of a resource that was carried out, or may have been."""

    change: Change
    sent: Mapping[str, Any] | None
    """The representation that was sent, where it was a JSON object."""
    reply: Reply | None
    """None: no reply came, or one that does not say whether it was carried out."""
    sent_at: float
    received_at: float
    actor: str | None
    """The subject that sent it, when known."""


State = Mapping[str, Any] | None
"""What a resource shows; ``None`` when it is deleted."""


@dataclass(slots=True)
class Written:
    """One resource that the run created."""

    id: str
    url: str
    """Where it is read; empty when its Location cannot be used."""
    who: Principal
    sent: Mapping[str, Any] | None
    shown: Mapping[str, Any]
    reply: Reply
    check_id: str
    changes: list[Changed] = field(default_factory=list)

    @property
    def nonces(self) -> frozenset[str]:
        """The unique words in what was sent."""
        return nonces_in(json.dumps(self.sent).encode())

    @property
    def last_write_at(self) -> float:
        """When the last write was answered: wall clock, seconds since the epoch."""
        return max((self.reply.received_at, *(changed.received_at for changed in self.changes)))

    @property
    def is_deleted(self) -> bool:
        """Whether it is deleted for certain."""
        return self.states() == [None]

    @property
    def is_certain(self) -> bool:
        """Whether every change was answered."""
        return all(changed.reply is not None for changed in self.changes)

    def count(self, change: Change) -> int:
        """How many changes of this kind were carried out for certain."""
        return sum(changed.change is change and changed.reply is not None for changed in self.changes)

    def states(self) -> list[State]:
        """What it may show now: one state, or several where the last changes overlapped or were not answered."""
        last = [
            changed
            for changed in self.changes
            if not any(
                later.reply is not None and later.sent_at >= changed.received_at
                for later in self.changes
                if later is not changed
            )
        ]
        found: list[State] = [self._state_after(changed) for changed in last]
        if not any(changed.reply is not None for changed in last):
            answered = [changed for changed in self.changes if changed.reply is not None]
            found.append(self._state_after(answered[-1]) if answered else self.shown)
        return found

    def is_before_last_write(self, shown: Mapping[str, Any]) -> bool:
        """Whether this is what it showed before its last write, and not what it may show now."""

        def fits(state: State) -> bool:
            return state is not None and all(same_json(value, shown.get(name, value)) for name, value in state.items())

        earlier: list[State] = [self.shown, *(self._state_after(changed) for changed in self.changes)]
        return any(map(fits, earlier)) and not any(map(fits, self.states()))

    def _state_after(self, changed: Changed) -> State:
        if changed.change is Change.DELETE:
            return None
        shown = changed.reply.representation if changed.reply is not None else None
        # What the create sent and the change did not has its default now, or stays: only the reply says which.
        own = {name: value for name, value in self.shown.items() if shown or name not in (self.sent or {})}
        return {**own, **(changed.sent or {}), **(shown or {})}


@dataclass(frozen=True, slots=True)
class Refused:
    """A create or update that was refused, so it must have no effect."""

    name: str | None
    """The name that was sent, where the body was a JSON object with one."""
    nonces: frozenset[str]
    """Unique words in what was sent."""
    reply: Reply
    check_id: str


@dataclass(frozen=True, slots=True)
class Unanswered:
    """A create that may have been carried out: no reply came, or one that does not say."""

    name: str | None
    nonces: frozenset[str]
    who: Principal


class WriteRecord:
    """The writes of one run.

    Args:
        run_id: stands in every subject that the run makes for itself.
    """

    def __init__(self, run_id: str) -> None:
        self._run_id = run_id
        self.started_at = datetime.now(UTC)
        self.resources: dict[str, Written] = {}
        """By id, in the order of their replies."""
        self.unanswered: list[Unanswered] = []
        self.nameless: list[Reply] = []
        """Accepted creates whose replies show no id."""
        self.reads = 0
        """How often a resource was read by its creator while it existed."""
        self.repeated_ids: set[str] = set()
        """Of replies to creates that had nothing in common."""
        self.answers_of_others: set[str] = set()
        """Ids in replies to creates that show what another request has sent."""
        self.wrong_reads: list[tuple[Exchange, frozenset[str]]] = []
        """Reads that were sent after the last write of a resource and show something else, with the fields in which
        they differ; without fields where they show what was before it."""
        self.lost: list[Written] = []
        """The resource of each such read that did not find it."""
        self.unreadable = 0
        """Reads by the creator that showed no representation."""
        self.writers: dict[str, Principal] = {}
        """Those that sent creates, by subject."""
        self._refused: list[Refused] = []
        self._by_url: dict[str, Written] = {}
        self._carried_out: set[str] = set()
        """Unique words in what was or may have been carried out."""

    def created(self, written: Written, content: bytes) -> None:
        """Note a create that was answered with a resource."""
        self._carried_out |= nonces_in(content)
        self._note_writer(written.who)
        if written.id in self.resources:  # the reply to a repeated idempotency key, or to another create
            first = self.resources[written.id].nonces
            if first and written.nonces and first.isdisjoint(written.nonces):
                self.repeated_ids.add(written.id)
            return
        shown = nonces_in(json.dumps(dict(written.shown)).encode())
        if shown and written.nonces and shown.isdisjoint(written.nonces):
            self.answers_of_others.add(written.id)
        self.resources[written.id] = written
        if written.url:
            self._by_url[written.url] = written

    def refused(self, content: bytes, name: str | None, reply: Reply, check_id: str, who: Principal) -> None:
        """Note a create or update that was refused."""
        self._note_writer(who)
        self._refused.append(Refused(name, nonces_in(content), reply, check_id))

    def not_answered(self, content: bytes, name: str | None, who: Principal) -> None:
        """Note a create that may have been carried out."""
        self._note_writer(who)
        words = nonces_in(content)
        self._carried_out |= words
        self.unanswered.append(Unanswered(name, words, who))

    def changed(self, url: str, changed: Changed, content: bytes) -> None:
        """Note an update or delete that was, or may have been, carried out."""
        self._carried_out |= nonces_in(content)
        written = self._by_url.get(url)
        if written is not None:
            written.changes.append(changed)

    def read(self, written: Written, *, is_lost: bool) -> None:
        """Count a read of a resource by its creator."""
        self.reads += 1
        if is_lost:
            self.lost.append(written)

    def note_read(self, written: Written, reply: Reply) -> None:
        """Note what a read shows, whoever sent it."""
        shown = reply.document
        states = [state for state in written.states() if state is not None]
        if not shown or not states or not reply.accepted or reply.sent_at < written.last_write_at:
            return
        is_old = written.is_before_last_write(shown)
        differing = [
            frozenset(name for name in shown if not same_json(state.get(name, shown[name]), shown[name]))
            for state in states
        ]
        if all(differing):
            self.wrong_reads.append((reply.exchange, frozenset() if is_old else min(differing, key=len)))

    def at(self, url: str) -> Written | None:
        """The resource that is read at a URL."""
        return self._by_url.get(url)

    def refusals(self) -> Iterator[Refused]:
        """The refused writes whose words stand in no other write: what they left behind can be told."""
        for refused in self._refused:
            if refused.nonces and refused.nonces.isdisjoint(self._carried_out):
                yield refused

    def refusal_of(self, prefix: str, is_wanted: Callable[[Reply], bool]) -> Reply | None:
        """A wanted refusal that a check whose id begins so has met; ``None`` when there was none."""
        met = (one.reply for one in self._refused if one.check_id.startswith(prefix))
        return next((reply for reply in met if is_wanted(reply)), None)

    def knows(self, text: str) -> bool:
        """Whether a text has a unique word of a write of this run that was, or may have been, carried out."""
        return not nonces_in(text.encode("utf-8", "replace")).isdisjoint(self._carried_out)

    def certain(self) -> list[Written]:
        """The resources whose every change was answered, so that it is known what they must show."""
        return [written for written in self.resources.values() if written.is_certain]

    def own_subjects(self) -> list[str]:
        """The subjects that this run made for itself, so that every write by them is one of this run."""
        return [subject for subject in self.writers if self._run_id in subject]

    def _note_writer(self, who: Principal) -> None:
        if who.subject:
            self.writers.setdefault(who.subject, who)
