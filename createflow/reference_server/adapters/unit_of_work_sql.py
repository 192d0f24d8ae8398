"""The SQL of a unit of work: one statement for one unit, and one for several creates that are committed together.

Both are data-modifying CTEs, so one round trip commits all of a unit or nothing.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from createflow.reference_server.domain.unit_of_work import (
    CreateRow,
    DeleteRow,
    RowChange,
    UnitOfWork,
    UpdateRow,
    WrittenRow,
)

_RETURNING = " RETURNING id, version, resource_document(resources) AS document"
_AT_EXPECTED_VERSION = (
    " WHERE id = %(id)s AND deleted_at IS NULL AND (%(expected)s::bigint IS NULL OR version = %(expected)s)"
)
_CHANGE_SQL: dict[type[RowChange], str] = {
    CreateRow: (
        "INSERT INTO resources (name, description, metadata, created_by)"  # noqa: S608 - constants; values are parameters
        " VALUES (%(name)s, %(description)s, %(metadata)s, %(subject)s)" + _RETURNING
    ),
    UpdateRow: (
        "UPDATE resources SET name = %(name)s, description = %(description)s, metadata = %(metadata)s,"  # noqa: S608 - as above
        " version = version + 1, updated_at = now()" + _AT_EXPECTED_VERSION + _RETURNING
    ),
    DeleteRow: (
        "UPDATE resources SET version = version + 1, updated_at = now(), deleted_at = now()"  # noqa: S608 - as above
        + _AT_EXPECTED_VERSION
        + _RETURNING
    ),
}

# Ids come first, so that audit and outbox rows find their create whatever order the rows are returned in.
GROUP_INSERT = """
WITH given AS MATERIALIZED (
    SELECT uuidv7() AS id, place, name, description, metadata, subject, request_id, stream
    FROM unnest(%(names)s::text[], %(descriptions)s::text[], %(metadata)s::text[], %(subjects)s::text[],
                %(request_ids)s::text[], %(streams)s::text[])
        WITH ORDINALITY AS g(name, description, metadata, subject, request_id, stream, place)
), written AS (
    INSERT INTO resources (id, name, description, metadata, created_by)
    SELECT id, name, description, metadata::json, subject FROM given
    RETURNING id, version, resource_document(resources) AS document
), audit AS (
    INSERT INTO audit_log (actor, action, resource_id, outcome, request_id)
    SELECT subject, 'create', id, 'success', request_id FROM written JOIN given USING (id)
), event AS (
    INSERT INTO outbox (stream, type, resource_id, version, actor, request_id, data)
    SELECT stream, 'created', id, version, subject, request_id, document FROM written JOIN given USING (id)
)
SELECT id::text, version, document, 1 / (version IS NOT NULL)::int
FROM given LEFT JOIN written USING (id) ORDER BY place
"""
"""Several creates with their audit entries and events. It returns a row a create, in the order of the parameters.

If a row was not written, for example because a trigger swallowed it, the division by zero rolls all of them back.
"""


def compose_statement(unit: UnitOfWork) -> tuple[str, dict[str, Any]]:
    """Return the statement of one unit and its parameters.

    The statement returns id, version and document; no row when the change's conditions were not met.
    """
    parameters = _change_parameters(unit.change)
    parameters["request_id"] = unit.request_id
    parameters["stream"] = unit.stream
    for number, audit in enumerate(unit.audits):
        parameters[f"action_{number}"] = audit.action
        parameters[f"auditor_{number}"] = audit.actor
    for number, event in enumerate(unit.events):
        parameters[f"type_{number}"] = event.type
        parameters[f"actor_{number}"] = event.actor
    claim = unit.claim
    if claim is not None:
        parameters |= {"claimant": claim.subject, "key": claim.key, "fingerprint": claim.fingerprint}
    return _statement(_CHANGE_SQL[type(unit.change)], len(unit.audits), len(unit.events), claim is not None), parameters


def can_be_grouped(unit: UnitOfWork) -> bool:
    """Whether ``GROUP_INSERT`` can write it: a create with one event and one audit entry of its subject, and no key."""
    change = unit.change
    return (
        type(change) is CreateRow
        and unit.claim is None
        and len(unit.events) == len(unit.audits) == 1
        and unit.events[0].type == "created"
        and unit.audits[0].action == "create"
        and unit.events[0].actor == unit.audits[0].actor == change.subject
    )


def group_parameters(units: Sequence[UnitOfWork]) -> dict[str, list[Any]]:
    """Return the parameters of ``GROUP_INSERT``, one list a column; ``can_be_grouped`` holds for each unit."""
    changes = [unit.change for unit in units if isinstance(unit.change, CreateRow)]
    return {
        "names": [change.name for change in changes],
        "descriptions": [change.description for change in changes],
        "metadata": [change.metadata for change in changes],
        "subjects": [change.subject for change in changes],
        "request_ids": [unit.request_id for unit in units],
        "streams": [unit.stream for unit in units],
    }


def written_row(row: tuple[Any, ...]) -> WrittenRow:
    """Return what a row that a statement returned says."""
    return WrittenRow(row[0], row[1], row[2].encode())


def _change_parameters(change: RowChange) -> dict[str, Any]:
    if isinstance(change, CreateRow):
        return {
            "name": change.name,
            "description": change.description,
            "metadata": change.metadata,
            "subject": change.subject,
        }
    parameters = {"id": change.resource_id, "expected": change.expected_version}
    if isinstance(change, UpdateRow):
        parameters |= {"name": change.name, "description": change.description, "metadata": change.metadata}
    return parameters


@lru_cache(maxsize=32)
def _statement(change_sql: str, audits: int, events: int, claimed: bool) -> str:  # noqa: FBT001 - a cache key
    """The text depends on the unit's shape only, so each connection prepares it once."""
    parts = [f"written AS ({change_sql})"]
    parts += [
        f"audit_{number} AS (INSERT INTO audit_log (actor, action, resource_id, outcome, request_id)"  # noqa: S608
        f" SELECT %(auditor_{number})s, %(action_{number})s, id, 'success', %(request_id)s FROM written)"
        for number in range(audits)
    ]
    parts += [
        f"event_{number} AS (INSERT INTO outbox (stream, type, resource_id, version, actor, request_id, data)"  # noqa: S608
        f" SELECT %(stream)s, %(type_{number})s, id, version, %(actor_{number})s, %(request_id)s, document"
        " FROM written)"
        for number in range(events)
    ]
    if claimed:
        parts.append(
            "claim AS (INSERT INTO idempotency_keys (subject, key, fingerprint, resource_id, version, document)"
            " SELECT %(claimant)s, %(key)s, %(fingerprint)s, id, version, document FROM written)"
        )
    return f"WITH {', '.join(parts)} SELECT id::text, version, document FROM written"  # noqa: S608 - constants
