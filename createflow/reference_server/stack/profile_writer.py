"""Writes the profile of a running stack: all that the tester is told about it, as about anyone's deployment."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path

from createflow.reference_server.stack.keys import AUDIENCE, ISSUER, IssuerKeys
from createflow.reference_server.stack.options import StackOptions

ROW_BY_ID = (
    "select id::text as id, name, description, metadata, created_at, created_by, version "
    "from resources where id = %(id)s::uuid and deleted_at is null"
)
ROW_BY_NAME = (
    "select id::text as id, name, description, metadata, created_at, created_by, version "
    "from resources where name = %(name)s"
)
_AUDIT = "select actor, action, resource_id::text as resource_id, occurred_at, outcome, request_id from audit_log "
AUDIT_BY_ID = _AUDIT + "where resource_id = %(id)s::uuid order by occurred_at"
AUDIT_BY_ACTOR = _AUDIT + "where actor = %(actor)s order by occurred_at"
ROWS_BY_RUN = (
    # Ids are UUIDs of version 7: those made since then are a range of the primary key.
    "select id::text, name from resources where starts_with(name, %(prefix)s) and deleted_at is null and id >= "
    "(lpad(to_hex(floor(extract(epoch from %(since)s::timestamptz) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid"
)
_CREATES = "select resource_id::text from audit_log where action = 'create' and outcome = 'success' and "
AUDIT_BY_IDS = _CREATES + "resource_id = any(%(ids)s::uuid[])"
AUDIT_BY_ACTORS = _CREATES + "occurred_at >= %(since)s and actor = any(%(actors)s)"

FAULTS: Mapping[str, tuple[tuple[str, str], tuple[str, str]]] = {
    "database_error": (("inject", "database-error"), ("heal", "database-error")),
    "database_down": (("pause", "postgres-primary"), ("resume", "postgres-primary")),
    "service_down": (("kill", "service"), ("start", "service")),
    "gateway_down": (("kill", "gateway"), ("start", "gateway")),
    "replica_down": (("pause", "postgres-replica-1"), ("resume", "postgres-replica-1")),
    "search_down": (("pause", "search"), ("resume", "search")),
}
"""Name of the fault: the words after ``createflow stack`` that bring it in and take it out."""

Value = str | int | float | bool | list[str]
Table = tuple[str, Mapping[str, Value]]
"""Heading, brackets included, and keys."""


def describe(
    *,
    base_url: str,
    ca_file: Path,
    issuer: IssuerKeys,
    options: StackOptions,
    probe_dsns: list[str],
    cache_url: str,
    events_url: str,
    search: tuple[str, str],
    state_directory: Path,
) -> str:
    """The profile of a stack, as TOML.

    Args:
        probe_dsns: read-only connection strings, the primary's first.
        search: URL and index.
    """
    primary, *replicas = probe_dsns
    tables: list[Table] = [
        (
            "[target]",
            {
                "base_url": base_url,
                "path": "/api/resources",
                "ca_file": str(ca_file),
                "update": True,
                "idempotency": True,
                "max_body_bytes": 64 * 1024,
            },
        ),
        (
            "[auth]",
            {
                "kind": "jwt",
                "key_file": str(issuer.private_file),
                "key_id": issuer.key_id,
                "algorithm": "EdDSA",
                "issuer": ISSUER,
                "audience": AUDIENCE,
            },
        ),
        ("[limits]", {"rate_per_s": options.rate_per_s, "burst": options.burst}),
        (
            "[sinks.primary]",
            {"dsn": primary, "by_id": ROW_BY_ID, "by_name": ROW_BY_NAME, "by_run": ROWS_BY_RUN},
        ),
        *(
            ("[[sinks.replicas]]", {"name": f"postgres-replica-{number}", "dsn": dsn})
            for number, dsn in enumerate(replicas, 1)
        ),
        (
            "[sinks.audit]",
            {
                "dsn": primary,
                "by_id": AUDIT_BY_ID,
                "by_actor": AUDIT_BY_ACTOR,
                "by_ids": AUDIT_BY_IDS,
                "by_actors": AUDIT_BY_ACTORS,
            },
        ),
        ("[sinks.cache]", {"url": cache_url, "key": "createflow:resource:{id}", "field": "body"}),
        (
            "[sinks.events]",
            {
                "url": events_url,
                "stream": "CREATEFLOW_EVENTS",
                "subject": "createflow.events.>",
                "created_subject": "createflow.events.created",
            },
        ),
        ("[sinks.search]", {"url": search[0], "index": search[1], "name_keyword": "name.keyword"}),
    ]
    for fault, (inject, heal) in FAULTS.items():
        if fault == "replica_down" and not replicas:
            continue
        if fault == "search_down" and options.search_url:
            continue
        tables.append(
            (
                f"[faults.{fault}]",
                {"inject": _command(inject, state_directory), "heal": _command(heal, state_directory)},
            )
        )
    heading = "# Written by `createflow up`, true as long as that stack runs. It holds passwords.\n"
    return heading + "".join(_render(table) for table in tables)


def _render(table: Table) -> str:
    # A JSON string, number, boolean or list of strings is a TOML value as well.
    heading, keys = table
    lines = [f"{key} = {json.dumps(value, ensure_ascii=False)}\n" for key, value in keys.items()]
    return f"\n{heading}\n" + "".join(lines)


def _command(words: tuple[str, str], state_directory: Path) -> list[str]:
    # This interpreter, not a `createflow` that may be another one on the PATH.
    return [sys.executable, "-m", "createflow", "stack", *words, "--state", str(state_directory)]
