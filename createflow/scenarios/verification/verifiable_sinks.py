"""Which of the declared sinks can be verified, why the others cannot, and the write sinks of a run."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial

from createflow.scenarios.load.plan.write_log import Writes
from createflow.scenarios.sinks.registry import audit_table, primary_table, replica_tables, search_index
from createflow.scenarios.sinks.sink import EPOCH, EventReplay, Table
from createflow.scenarios.verification.copy_comparison import CopyComparison
from createflow.scenarios.verification.event_sink import EventSink
from createflow.scenarios.verification.index_sink import IndexSink
from createflow.scenarios.verification.observed import PRIMARY, ResourceIds
from createflow.scenarios.verification.row_sinks import AuditSink, RowSink
from createflow.scenarios.verification.sent_writes import SentWrites
from createflow.scenarios.verification.write_sinks import WriteSink
from createflow.schemas.profile import Profile
from createflow.schemas.profile_sinks import Sinks

_NEEDS_IDS = "sinks.primary has no by_run query, which returns the ids to search for"


@dataclass(slots=True)
class StartPositions:
    """The positions of the sinks before the load."""

    rows_since: datetime = EPOCH
    audit_since: datetime = EPOCH
    events: EventReplay | None = None
    """The events since before the load."""
    events_problem: str = ""
    """Why there are none, although a stream is declared."""
    audit: Table | None = None
    """An audit trail that is read from before the load on; ``None`` where it can be searched afterwards."""
    audit_problem: str = ""
    """Why it could not be opened."""


@dataclass(frozen=True, slots=True)
class VerifiedRun:
    """What the write sinks of a run are made from."""

    profile: Profile
    writes: Writes
    positions: StartPositions
    ids: ResourceIds
    actors: Sequence[str] = ()
    """Subjects that only this run uses."""
    sent: SentWrites | None = None
    """What copies are compared with; ``None`` to look for them only."""

    @property
    def comparison(self) -> CopyComparison | None:
        """Compares copies with what was sent."""
        return CopyComparison(self.sent, self.ids) if self.sent is not None else None


@dataclass(slots=True)
class VerifiableSinks:
    """All declared sinks, in the order of the report."""

    verifiable: list[WriteSink] = field(default_factory=list)
    unverifiable: dict[str, str] = field(default_factory=dict)
    """Why a sink cannot be verified, by its name."""


def later_s(profile: Profile) -> float:
    """How long after its reply a create may be carried out: 0 unless it is answered 202 (``target.accepted``)."""
    return profile.deadlines.accepted_s if profile.target.accepted is not None else 0.0


def find_unverifiable(sinks: Sinks) -> dict[str, str]:
    """The declared sinks that lack a query for verification, and which one; known before any load."""
    reasons: dict[str, str] = {}
    has_by_run = sinks.primary is not None and sinks.primary.by_run is not None
    if sinks.primary is not None and not has_by_run:
        reasons["primary"] = "sinks.primary has no by_run query"
        reasons |= {replica.name: reasons["primary"] for replica in sinks.replicas}
    if sinks.audit is not None and (sinks.audit.by_ids is None or not has_by_run):
        reasons["audit"] = "sinks.audit has no by_ids query" if sinks.audit.by_ids is None else _NEEDS_IDS
    if sinks.search is not None and sinks.search.name_keyword is None and not has_by_run:
        reasons["search"] = f"sinks.search has no name_keyword, and {_NEEDS_IDS}"
    return reasons


def reason_not_searchable(sinks: Sinks) -> str:
    """Why no sink can be searched; empty if one can."""
    declared = [sinks.primary, *sinks.replicas, sinks.audit, sinks.events, sinks.search]
    reasons = find_unverifiable(sinks)
    if not any(declared):
        return "the profile declares no sink to find the writes in"
    if len(reasons) < sum(sink is not None for sink in declared):
        return ""
    return "; ".join(dict.fromkeys(reasons.values()))


def make_write_sinks(run: VerifiedRun) -> VerifiableSinks:
    """The sinks of one run. Nothing is connected yet."""
    found = VerifiableSinks(unverifiable=find_unverifiable(run.profile.sinks))
    if run.profile.sinks.events is not None and run.positions.events is None:
        found.unverifiable["events"] = run.positions.events_problem
    if run.positions.audit_problem:
        found.unverifiable["audit"] = run.positions.audit_problem
    for build in _BUILDERS:
        found.verifiable += [sink for sink in build(run) if sink.name not in found.unverifiable]
    return found


def _row_sinks(run: VerifiedRun) -> Iterator[WriteSink]:
    section = run.profile.sinks.primary
    primary = primary_table(run.profile.sinks)
    if section is None or section.by_run is None or primary is None:
        return
    query = section.by_run
    # The primary comes first: its rows have the ids that other sinks are searched for.
    table = partial(RowSink, query=query, comparison=run.comparison, since=run.positions.rows_since, ids=run.ids)
    # Requests of the set-up may create resources as well, under any name.
    creators = () if run.profile.setup else run.actors
    yield table(
        PRIMARY,
        primary,
        deadline_s=later_s(run.profile),
        gives_ids=True,
        by_creators=section.by_creators,
        creators=creators,
    )
    for replica in replica_tables(run.profile.sinks):
        yield table(replica.name, replica, deadline_s=run.profile.deadlines.replica_s + later_s(run.profile))


def _audit_sinks(run: VerifiedRun) -> Iterator[WriteSink]:
    section = run.profile.sinks.audit
    audit, primary = run.positions.audit or audit_table(run.profile.sinks), primary_table(run.profile.sinks)
    if section is None or audit is None or primary is None:
        return
    yield AuditSink(
        audit,
        section,
        comparison=run.comparison,
        ids=run.ids,
        since=run.positions.audit_since,
        deadline_s=run.profile.deadlines.audit_s + later_s(run.profile),
        actors=run.actors,
        primary=primary,
    )


def _event_sinks(run: VerifiedRun) -> Iterator[WriteSink]:
    section, replay = run.profile.sinks.events, run.positions.events
    if section is None or replay is None:
        return
    fields = run.profile.target.fields
    yield EventSink(
        replay,
        section,
        fields.name,
        id_field=fields.id,
        writes=run.writes,
        comparison=run.comparison,
        deadline_s=run.profile.deadlines.event_s + later_s(run.profile),
    )


def _index_sinks(run: VerifiedRun) -> Iterator[WriteSink]:
    section = run.profile.sinks.search
    if section is None:
        return
    yield IndexSink(
        search_index(section),
        by_name=section.name_keyword is not None,
        comparison=run.comparison,
        ids=run.ids,
        deadline_s=run.profile.deadlines.index_s + later_s(run.profile),
    )


_BUILDERS: tuple[Callable[[VerifiedRun], Iterator[WriteSink]], ...] = (
    _row_sinks,
    _audit_sinks,
    _event_sinks,
    _index_sinks,
)
"""One builder for each kind of sink, in the order of the report."""
