"""Several plain creates in one statement: one round trip and one flush of the log for all of them."""

from collections.abc import Sequence
from typing import Any

from createflow.reference_server.domain.unit_of_work import ROW_STATEMENTS, Unit, Written

_CREATE = ROW_STATEMENTS["create"]

# Ids first, so that audit and outbox find the rest of what was given without relying on any order of rows.
SQL = """
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
    SELECT subject, 'create', id, 'success', request_id FROM given
), event AS (
    INSERT INTO outbox (stream, type, resource_id, version, actor, request_id, data)
    SELECT stream, 'created', id, version, subject, request_id, document FROM written JOIN given USING (id)
)
SELECT id::text, version, document FROM written JOIN given USING (id) ORDER BY place
"""


def is_plain(unit: Unit) -> bool:
    """Whether the unit is a create with one event and one audit entry in its subject's name, and no key."""
    if unit.row_statement is not _CREATE or unit.claim is not None:
        return False
    subject = unit.row["subject"]
    return (
        len(unit.events) == len(unit.audits) == 1
        and unit.events[0].type == "created"
        and unit.audits[0].action == "create"
        and unit.events[0].actor == unit.audits[0].actor == subject
    )


def parameters(units: Sequence[Unit]) -> dict[str, list[Any]]:
    """Column by column."""
    rows = [unit.row for unit in units]
    return {
        "names": [row["name"] for row in rows],
        "descriptions": [row["description"] for row in rows],
        "metadata": [row["metadata"] for row in rows],
        "subjects": [row["subject"] for row in rows],
        "request_ids": [unit.request_id for unit in units],
        "streams": [unit.stream for unit in units],
    }


def written(rows: Sequence[tuple[Any, ...]]) -> list[Written]:
    """In the order of the units."""
    return [Written(row[0], row[1], row[2].encode()) for row in rows]
