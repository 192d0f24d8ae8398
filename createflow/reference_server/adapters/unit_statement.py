"""One statement for a whole unit: data-modifying CTEs, so that one round trip commits all of it or none."""

from functools import lru_cache
from typing import Any

from createflow.reference_server.domain.unit_of_work import Unit


def compose(unit: Unit) -> tuple[str, dict[str, Any]]:
    """SQL with named parameters; it returns id, version and document when the row met its conditions."""
    parameters = dict(unit.row)
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
    return _text(unit.row_statement, len(unit.audits), len(unit.events), claim is not None), parameters


@lru_cache(maxsize=32)
def _text(row_statement: str, audits: int, events: int, claimed: bool) -> str:  # noqa: FBT001 - a cache key
    """The text depends on the shape only, so that it is prepared once a connection."""
    parts = [f"written AS ({row_statement})"]
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
    return f"WITH {', '.join(parts)} SELECT id::text, version, document FROM written"  # noqa: S608 - our own parts
