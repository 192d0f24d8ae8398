"""Which of the declared sinks can be held against the ledger, and why the others cannot."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from createflow.scenarios.load.plan.write_log import Writes
from createflow.scenarios.sinks.registry import audit_table, event_stream, primary_table, replica_tables
from createflow.scenarios.sinks.sink import EPOCH
from createflow.scenarios.verification.audit_sink import AuditSink
from createflow.scenarios.verification.event_sink import EventSink
from createflow.scenarios.verification.row_sink import RowSink
from createflow.scenarios.verification.search_sink import SearchSink
from createflow.scenarios.verification.sink import Identities, WriteSink
from createflow.schemas.profile import Profile

_NEEDS_IDS = "sinks.primary has no by_run query, which would tell the ids to ask for"


@dataclass(slots=True)
class Noted:
    """Where the sinks stood before the load."""

    rows_since: datetime = EPOCH
    audit_since: datetime = EPOCH
    events_after: int | None = None
    """The place of the stream's last event before the load."""
    events_unknown: str = ""
    """Why it is not known, though a stream is declared."""


@dataclass(slots=True)
class Places:
    """All declared sinks, in the order of the report."""

    verifiable: list[WriteSink] = field(default_factory=list)
    unverifiable: dict[str, str] = field(default_factory=dict)
    """Name of the sink, and why."""


def unverifiable(profile: Profile) -> dict[str, str]:
    """The declared sinks that this profile gives no question for, and why; known before any load."""
    sinks = profile.sinks
    reasons: dict[str, str] = {}
    by_run = sinks.primary is not None and sinks.primary.by_run is not None
    if sinks.primary is not None and not by_run:
        reasons["primary"] = "sinks.primary has no by_run query"
        reasons |= {replica.name: reasons["primary"] for replica in sinks.replicas}
    if sinks.audit is not None and (sinks.audit.by_ids is None or not by_run):
        reasons["audit"] = "sinks.audit has no by_ids query" if sinks.audit.by_ids is None else _NEEDS_IDS
    if sinks.search is not None and sinks.search.name_keyword is None and not by_run:
        reasons["search"] = f"sinks.search has no name_keyword, and {_NEEDS_IDS}"
    return reasons


def places(
    profile: Profile,
    writes: Writes,
    noted: Noted,
    identities: Identities,
    *,
    actors: Sequence[str],
) -> Places:
    """The sinks of one run. Nothing is connected yet."""
    sinks, deadlines = profile.sinks, profile.deadlines
    found = Places(unverifiable=unverifiable(profile))

    def ready(name: str) -> bool:
        return name not in found.unverifiable

    primary, audit = primary_table(sinks), audit_table(sinks)
    if primary is not None and sinks.primary is not None and sinks.primary.by_run is not None:
        query, since = sinks.primary.by_run, noted.rows_since
        found.verifiable.append(
            RowSink("primary", primary, query, writes=writes, since=since, deadline_s=0.0, identities=identities)
        )
        for replica in replica_tables(sinks):
            found.verifiable.append(
                RowSink(replica.name, replica, query, writes=writes, since=since, deadline_s=deadlines.replica_s)
            )
    if sinks.audit is not None and audit is not None and primary is not None and ready("audit"):
        found.verifiable.append(
            AuditSink(
                audit,
                sinks.audit,
                writes=writes,
                identities=identities,
                since=noted.audit_since,
                deadline_s=deadlines.audit_s,
                actors=actors,
                primary=primary,
            )
        )
    if sinks.events is not None:
        if noted.events_after is None:
            found.unverifiable["events"] = noted.events_unknown
        else:
            replay = event_stream(sinks.events).replay(after=noted.events_after)
            field_name = profile.target.fields.name
            found.verifiable.append(
                EventSink(replay, sinks.events, field_name, writes=writes, deadline_s=deadlines.event_s)
            )
    if sinks.search is not None and ready("search"):
        found.verifiable.append(
            SearchSink(sinks.search, writes=writes, identities=identities, deadline_s=deadlines.index_s)
        )
    return found
