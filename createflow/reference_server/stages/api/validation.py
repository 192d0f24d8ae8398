"""Step 5: validation: strict JSON, the schema, and text that would harm later readers.

It refuses with 400, naming all errors at once, and with 404 for an id that no resource can have. The body is read here,
so a refusal can also be step 1's 408, 413 or 415.
"""

import re
from dataclasses import dataclass
from typing import Any, ClassVar

import jiter
import orjson

from createflow.reference_server.domain.job import Job, Refused, Violation
from createflow.reference_server.domain.sanitising import Sanitiser, name_violations
from createflow.reference_server.domain.schema_check import SchemaCheck
from createflow.schemas.flow import Step
from createflow.schemas.wire import METADATA_MAX_BYTES, METADATA_MAX_DEPTH

ERRORS_MAX = 20
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
KEY_MAX = 255
KEY_PATTERN = r"^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$"
"""Printable ASCII. A field value has no spaces at its ends (RFC 9110 §5.5)."""
QUERY_MAX = 200
QUERY_PATTERN = r"^[^\x00-\x1f\x7f-\x9f\ufffe\uffff]+$"
_KEY = re.compile(KEY_PATTERN)
_QUERY = re.compile(QUERY_PATTERN)


@dataclass(frozen=True, slots=True)
class Validation:
    """Accepts only what the schema and the extra rules allow; sets the body in Unicode NFC, with defaults filled in."""

    step: ClassVar[Step] = Step.VALIDATION
    schema: SchemaCheck

    async def __call__(self, job: Job) -> Job:
        """Set the body of a create or an update.

        Raises:
            Refused: 400, 404, 408, 413 or 415.
        """
        if job.check_fields is not None:
            job.check_fields()
        if job.op in {"read", "update", "delete"}:
            if not _UUID.fullmatch(job.resource_id):
                raise Refused(404, "not_found", "There is no such resource.")
            job.resource_id = job.resource_id.lower()
        elif job.op == "search":
            self._check_query(job.query)
        if job.op in {"create", "update"}:
            job.body = self.validate(self.parse(await job.receive_body()))
        if job.op == "create" and job.exchange and b"idempotency-key" in job.exchange.headers:
            self.check_key(job.idempotency_key)
        return job

    def parse(self, raw: bytes) -> Any:
        """Parse strict JSON: no duplicate keys, NaN, lone surrogates or byte order mark, and UTF-8 only.

        Raises:
            Refused: 400.
        """
        try:
            return jiter.from_json(raw, allow_inf_nan=False, catch_duplicate_keys=True, cache_mode="keys")
        except ValueError:
            violation = Violation("", "is not strict JSON in UTF-8 with unique keys", "json")
            raise self.refusal([violation]) from None

    def validate(self, document: Any) -> dict[str, Any]:
        """Return the body as it will be stored.

        Raises:
            Refused: 400.
        """
        violations: list[Violation] = []
        if isinstance(document, dict):
            sanitiser = Sanitiser()
            # One more level than metadata may have, for the body itself.
            document = sanitiser.walk(document, "", METADATA_MAX_DEPTH + 1)
            violations = sanitiser.violations
            violations += self.extra_violations(document)
        violations += self.schema.violations(document)
        if violations:
            raise self.refusal(violations)
        body: dict[str, Any] = document
        return {
            "name": body["name"],
            "description": body.get("description", ""),
            "metadata": body.get("metadata", {}),
        }

    def extra_violations(self, document: dict[str, Any]) -> list[Violation]:
        """Return violations of rules that JSON Schema cannot express, or that its engines implement differently."""
        found: list[Violation] = []
        name = document.get("name")
        if isinstance(name, str) and name:
            found += name_violations(name)
        metadata = document.get("metadata")
        if isinstance(metadata, dict) and _size_bytes(metadata) > METADATA_MAX_BYTES:
            found.append(Violation("/metadata", f"may have {METADATA_MAX_BYTES} bytes as compact JSON", "size"))
        return found

    def refusal(self, violations: list[Violation]) -> Refused:
        """Return the 400; each pair of pointer and rule is named once."""
        unique = tuple(dict.fromkeys(violations))[:ERRORS_MAX]
        return Refused(400, "validation_failed", "The request is not valid.", errors=unique)

    def check_key(self, key: str) -> None:
        """Check that the Idempotency-Key is 1 to 255 printable ASCII characters.

        Raises:
            Refused: 400.
        """
        if len(key) > KEY_MAX or not _KEY.fullmatch(key):
            detail = f"must be 1 to {KEY_MAX} printable ASCII characters"
            raise self.refusal([Violation("", f"the header Idempotency-Key {detail}", "header")])

    def _check_query(self, query: str) -> None:
        if len(query) > QUERY_MAX or not _QUERY.fullmatch(query):
            detail = f"the parameter q must be 1 to {QUERY_MAX} characters without control characters"
            raise self.refusal([Violation("", detail, "query")])


def _size_bytes(metadata: dict[str, Any]) -> int:
    """Return the size as compact JSON; 0 for values that another rule refuses."""
    try:
        return len(orjson.dumps(metadata))
    except TypeError:
        return 0
