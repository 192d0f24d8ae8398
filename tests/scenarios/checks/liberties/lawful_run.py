"""Runs checks against a lawful service, with the profile that its maker would write."""

import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from createflow.scenarios.conformance.run import conformance
from createflow.scenarios.harness.check import Check
from createflow.schemas.profile import Profile
from createflow.schemas.report import RunReport
from tests.scenarios.checks.liberties.habits import Habits
from tests.scenarios.checks.liberties.service import AUDIENCE, ISSUER, LawfulService
from tests.scenarios.checks.liberties.wire import Answer, Request, serving
from tests.scenarios.conformance.quiet_progress import QuietProgress

SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["name"],
    "properties": {
        "name": {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "\\S"},
        "description": {"type": "string", "maxLength": 2000, "default": ""},
        "metadata": {"type": "object", "default": {}},
    },
}
_TARGET = {
    "timeout_s": 30.0,
    "update": True,
    "delete": True,
    "versions": True,
    "idempotency": True,
    "owned": True,
    "max_body_bytes": 1_000_000,
}
_DEADLINES = dict.fromkeys(("replica_s", "cache_s", "event_s", "index_s", "audit_s", "recovery_s"), 0.1)


async def run(
    habits: Habits,
    checks: Sequence[Check],
    *,
    sections: Mapping[str, Any] | None = None,
    schema: Mapping[str, Any] | None = None,
    bend: Callable[[Request, Answer], Answer] = lambda _, answer: answer,
) -> RunReport:
    """The report of the checks.

    Args:
        habits: of the service.
        checks: to be run.
        sections: of the profile, merged into those of the contract.
        schema: of the create body.
        bend: what becomes of an answer, for a service that is not lawful.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        key = Ed25519PrivateKey.generate()
        pem = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        (folder / "key.pem").write_bytes(pem)
        given = dict(sections or {})
        used_schema = dict(schema or SCHEMA)
        document: dict[str, Any] = {
            "target": {"base_url": "http://127.0.0.1:9", **_TARGET, **given.pop("target", {})},
            "auth": {"kind": "jwt", "key_file": str(folder / "key.pem"), "issuer": ISSUER, "audience": AUDIENCE}
            | given.pop("auth", {}),
            "deadlines": _DEADLINES | given.pop("deadlines", {}),
            **given,
        }
        (folder / "schema.json").write_text(json.dumps(used_schema))
        document["target"]["schema_file"] = str(folder / "schema.json")
        if document["auth"].get("kind") == "none":
            document["auth"] = {"kind": "none"}
        profile = Profile.model_validate(document)
        verifies = None if document["auth"]["kind"] == "none" else key.public_key()
        service = LawfulService(profile, habits, verifies, used_schema)

        async def answer(request: Request) -> Answer:
            return bend(request, await service.answer(request))

        async with serving(habits, answer) as url:
            document["target"]["base_url"] = url
            profile = Profile.model_validate(document)
            return await conformance(profile, checks, source="test", progress=QuietProgress(), seed=1)
