"""Writes the profile of a stack: the tester learns about it as about any other deployment."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path

from createflow.reference_server.adapters.jwt_verifier import LEEWAY_S
from createflow.reference_server.stack import command
from createflow.reference_server.stack.credentials import AUDIENCE, ISSUER, IssuerKeys
from createflow.reference_server.stack.engines import postgres
from createflow.reference_server.stack.options import StackOptions
from createflow.schemas.profile_promises import Promises

FAULTS: Mapping[str, tuple[tuple[str, str], tuple[str, str]]] = {
    "database_error": (("inject", "database-error"), ("heal", "database-error")),
    "database_down": (("pause", "postgres-primary"), ("resume", "postgres-primary")),
    "database_crash": (("kill", "postgres-primary"), ("start", "postgres-primary")),
    "service_down": (("kill", "service"), ("start", "service")),
    "gateway_down": (("kill", "gateway"), ("start", "gateway")),
    "replica_down": (("pause", "postgres-replica-1"), ("resume", "postgres-replica-1")),
    "replica_lags": (("inject", "replica-lag"), ("heal", "replica-lag")),
    "search_down": (("pause", "search"), ("resume", "search")),
    "search_refuses": (("inject", "search-refusal"), ("heal", "search-refusal")),
    "events_down": (("inject", "broker-crash"), ("heal", "broker-crash")),
    "late_commits": (("inject", "late-commits"), ("heal", "late-commits")),
    "read_error": (("inject", "read-error"), ("heal", "read-error")),
}
"""Name of the fault: the arguments of ``createflow stack``, or ``stack.command``, that inject and remove it."""

_TARGETS = ["p99<=100ms", "rate>=500/s", "errors<0.1%"]
"""The promise of docs/contract.md for each instance."""

Value = str | int | float | bool | list[str]
Table = tuple[str, Mapping[str, Value]]
"""The heading with its brackets, and the keys."""


def write_profile(
    *,
    base_url: str,
    ca_file: Path,
    issuer: IssuerKeys,
    options: StackOptions,
    probe_dsns: list[str],
    cache_url: str,
    events_url: str,
    search: tuple[str, str],
    openapi_file: Path,
    state_directory: Path,
) -> str:
    """Return the profile of a stack as TOML.

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
                "delete": True,
                "idempotency": True,
                "idempotency_kept_s": options.keep_s,
                "versions": True,
                "owned": True,
                "conditional_updates": options.conditional_updates,
                "private": options.private,
                "unique_name": options.unique_names,
                "max_body_bytes": 64 * 1024,
                "openapi_file": str(openapi_file),
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
                "leeway_s": LEEWAY_S,
            },
        ),
        ("[slo]", {"targets": _TARGETS}),
        ("[promises]", {name: True for name in Promises.model_fields if name != "saturation"}),
        ("[limits]", {"rate_per_s": options.rate_per_s, "burst": options.burst}),
        (
            "[sinks.primary]",
            {
                "dsn": primary,
                "by_id": postgres.ROW_BY_ID,
                "by_name": postgres.ROW_BY_NAME,
                "by_run": postgres.ROWS_BY_RUN,
                "by_creators": postgres.ROWS_BY_CREATORS,
            },
        ),
        *(
            ("[[sinks.replicas]]", {"name": f"postgres-replica-{number}", "dsn": dsn})
            for number, dsn in enumerate(replicas, 1)
        ),
        (
            "[sinks.audit]",
            {
                "dsn": primary,
                "by_id": postgres.AUDIT_BY_ID,
                "by_actor": postgres.AUDIT_BY_ACTOR,
                "by_ids": postgres.AUDIT_BY_IDS,
                "by_actors": postgres.AUDIT_BY_ACTORS,
                "changes": True,
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
                "updated_subject": "createflow.events.updated",
                "deleted_subject": "createflow.events.deleted",
            },
        ),
        (
            "[sinks.events.envelope]",
            {
                "actor": "/actor",
                "time": "/time",
                "request_id": "/requestid",
                "resource_id": "/subject",
                "version": "/version",
            },
        ),
        ("[sinks.search]", {"url": search[0], "index": search[1], "name_keyword": "name.keyword"}),
    ]
    for fault, (inject, heal) in FAULTS.items():
        if fault.startswith("replica_") and not replicas:
            continue
        if fault.startswith("search_") and options.search_url:
            continue
        tables.append(
            (
                f"[faults.{fault}]",
                {"inject": _command(inject, state_directory), "heal": _command(heal, state_directory)},
            )
        )
    for kind, count in (("service", options.services), ("gateway", options.gateways), ("worker", options.workers)):
        if count > 1:
            scale = _command(("scale", f"{kind}={{count}}"), state_directory)
            tables.append((f"[scale.{kind}s]", {"command": scale}))
    heading = "# Written by `createflow up`, valid while that stack runs. It contains passwords.\n"
    return heading + "".join(_render(table) for table in tables)


def _render(table: Table) -> str:
    # A JSON string, number, boolean or list of strings is also a TOML value.
    heading, keys = table
    lines = [f"{key} = {json.dumps(value, ensure_ascii=False)}\n" for key, value in keys.items()]
    return f"\n{heading}\n" + "".join(lines)


def _command(arguments: tuple[str, str], state_directory: Path) -> list[str]:
    # This interpreter: a `createflow` on the PATH may be another one.
    return [sys.executable, "-m", command.__name__, *arguments, "--state", str(state_directory)]
