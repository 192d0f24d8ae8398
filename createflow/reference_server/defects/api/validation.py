"""Defects of step 5: validation of the body."""

import re
import unicodedata
from dataclasses import replace
from typing import Any

import orjson

from createflow.reference_server.defects.defect import Defect
from createflow.reference_server.defects.seeds import change_stage, for_operations, recast, replace_stage
from createflow.reference_server.domain.job import Job, Refused, Violation
from createflow.reference_server.domain.schema_check import SchemaCheck
from createflow.reference_server.stages.api.validation import Validation
from createflow.schemas.flow import Step
from createflow.schemas.wire import wire_schema

_TEXTS = ("name", "description")


class _NoValidation(Validation):
    def validate(self, document: Any) -> dict[str, Any]:
        fields = document if isinstance(document, dict) else {}
        metadata = fields.get("metadata")
        return {
            **{name: str(fields.get(name, "")) for name in _TEXTS},
            "metadata": metadata if isinstance(metadata, dict) else {},
        }


class _TypesUnchecked(Validation):
    def validate(self, document: Any) -> dict[str, Any]:
        if isinstance(document, dict):
            document = {name: str(value) if name in _TEXTS else value for name, value in document.items()}
        return Validation.validate(self, document)


class _UnknownFieldsStored(Validation):
    def validate(self, document: Any) -> dict[str, Any]:
        if isinstance(document, dict):
            known = {name: value for name, value in document.items() if name in {*_TEXTS, "metadata"}}
            extra = {name: value for name, value in document.items() if name not in known}
            if extra and isinstance(known.setdefault("metadata", {}), dict):
                known["metadata"] = {**known["metadata"], **extra}
            document = known
        return Validation.validate(self, document)


class _ExtraRulesUnchecked(Validation):
    def extra_violations(self, document: dict[str, Any]) -> list[Violation]:  # noqa: ARG002 - the healthy signature
        return []


class _UpdatesLessChecked(Validation):
    async def __call__(self, job: Job) -> Job:
        return await Validation.__call__(recast(self, _ExtraRulesUnchecked) if job.op == "update" else self, job)


class _LineBreaksReplaced(Validation):
    def validate(self, document: Any) -> dict[str, Any]:
        body = Validation.validate(self, document)
        return {**body, "description": body["description"].replace("\r\n", "\n")}


class _BrokenJsonCrashes(Validation):
    def parse(self, raw: bytes) -> Any:
        try:
            return Validation.parse(self, raw)
        except Refused as refused:
            raise RuntimeError("not JSON") from refused


class _FirstErrorOnly(Validation):
    def refusal(self, violations: list[Violation]) -> Refused:
        return Validation.refusal(self, violations[:1])


class _PointerUnescaped(Validation):
    def refusal(self, violations: list[Violation]) -> Refused:
        plain = [replace(one, pointer=one.pointer.replace("~1", "/").replace("~0", "~")) for one in violations]
        return Validation.refusal(self, plain)


class _KeepsLastKey(Validation):
    def parse(self, raw: bytes) -> Any:
        try:
            return Validation.parse(self, orjson.dumps(orjson.loads(raw)))
        except ValueError:
            return Validation.parse(self, raw)


class _KeyBurntByRefusal(Validation):
    async def __call__(self, job: Job) -> Job:
        if job.idempotency_key in _BURNT:
            raise Refused(409, "conflict", "The Idempotency-Key is being used by another request.")
        try:
            return await Validation.__call__(self, job)
        except Refused:
            if job.op == "create" and job.idempotency_key:
                _BURNT.add(job.idempotency_key)
            raise


_BURNT: set[str] = set()


class _UpdateDropsOwnFields(Validation):
    async def __call__(self, job: Job) -> Job:
        if job.op != "update":
            return await Validation.__call__(self, job)
        return await Validation.__call__(recast(self, _DropsOwnFields), job)


class _DropsOwnFields(Validation):
    def validate(self, document: Any) -> dict[str, Any]:
        if isinstance(document, dict):
            own = {"id", "created_at", "created_by"}
            document = {name: value for name, value in document.items() if name not in own}
        return Validation.validate(self, document)


class _BlankAccepted(Validation):
    def extra_violations(self, document: dict[str, Any]) -> list[Violation]:  # noqa: ARG002 - the healthy signature
        return []


class _QuotesDoubled(Validation):
    def validate(self, document: Any) -> dict[str, Any]:
        body = Validation.validate(self, document)
        return {**body, "name": body["name"].replace("'", "''")}


class _EvaluatesTemplates(Validation):
    def validate(self, document: Any) -> dict[str, Any]:
        body = Validation.validate(self, document)
        return {**body, "name": body["name"].replace("{{7*7}}", "49")}


class _LimitsBeforeNormalising(Validation):
    def validate(self, document: Any) -> dict[str, Any]:
        violations = self.schema.violations(document)
        if violations:
            raise self.refusal(violations)
        name = unicodedata.normalize("NFC", document["name"])
        healthy = Validation.validate(self, {**document, "name": "x"})
        return {**healthy, "name": name}


class _DeepJsonCrashes(Validation):
    def parse(self, raw: bytes) -> Any:
        if raw.count(b"{") > 100 or raw.count(b"[") > 100:
            raise RecursionError("maximum recursion depth exceeded")
        return Validation.parse(self, raw)


class _MetadataUnbounded(Validation):
    def validate(self, document: Any) -> dict[str, Any]:
        if not isinstance(document, dict) or not isinstance(document.get("metadata"), dict):
            return Validation.validate(self, document)
        return {**Validation.validate(self, {**document, "metadata": {}}), "metadata": document["metadata"]}


class _UnknownNullPasses(Validation):
    def validate(self, document: Any) -> dict[str, Any]:
        if isinstance(document, dict):
            known = {*_TEXTS, "metadata"}
            document = {name: value for name, value in document.items() if name in known or value is not None}
        return Validation.validate(self, document)


class _LosesEmptyValues(Validation):
    def validate(self, document: Any) -> dict[str, Any]:
        body = Validation.validate(self, document)
        return {**body, "metadata": {name: value for name, value in body["metadata"].items() if value}}


class _NumbersRounded(Validation):
    def validate(self, document: Any) -> dict[str, Any]:
        body = Validation.validate(self, document)
        rounded = {name: float(value) if type(value) is int else value for name, value in body["metadata"].items()}
        return {**body, "metadata": rounded}


class _StrangeKeyCrashes(Validation):
    def check_key(self, key: str) -> None:
        if len(key) > 255:
            raise OverflowError(key[:20])
        Validation.check_key(self, key)


class _NullIsDefault(Validation):
    def validate(self, document: Any) -> dict[str, Any]:
        if isinstance(document, dict):
            document = {name: value for name, value in document.items() if name == "name" or value is not None}
        return Validation.validate(self, document)


class _UpdateUnvalidated(Validation):
    async def __call__(self, job: Job) -> Job:
        try:
            return await Validation.__call__(self, job)
        except Refused as refused:
            if job.op != "update" or refused.status != 400:
                raise
            job.body = {"name": "unnamed", "description": "", "metadata": {}}
            return job


class _NanIsNull(Validation):
    def parse(self, raw: bytes) -> Any:
        return Validation.parse(self, re.sub(rb'("metadata": ?)NaN(?=[,}])', rb"\1{}", raw))


class _LargeIntegersRounded(Validation):
    def validate(self, document: Any) -> dict[str, Any]:
        body = Validation.validate(self, document)
        rounded = {
            name: int(float(value)) if type(value) is int and 2**53 < abs(value) < 2**62 else value
            for name, value in body["metadata"].items()
        }
        return {**body, "metadata": rounded}


class _LongTextsCut(Validation):
    def validate(self, document: Any) -> dict[str, Any]:
        body = Validation.validate(self, document)
        cut = {name: value[:255] if isinstance(value, str) else value for name, value in body["metadata"].items()}
        return {**body, "metadata": cut}


class _InnerDuplicatesPass(Validation):
    def parse(self, raw: bytes) -> Any:
        document = Validation.parse(self, re.sub(rb'"metadata": ?\{.*\}', b'"metadata":{}}', raw))
        if isinstance(document, dict) and document.get("metadata") == {}:
            return orjson.loads(raw)
        return document


class _OddIdCrashes(Validation):
    async def __call__(self, job: Job) -> Job:
        if job.op in {"read", "update", "delete"} and "\0" in job.resource_id:
            raise ValueError(job.resource_id[:20])
        return await Validation.__call__(self, job)


class _OddQueryCrashes(Validation):
    async def __call__(self, job: Job) -> Job:
        if job.op == "search" and len(job.query) > 1000:
            raise OverflowError(job.query[:20])
        return await Validation.__call__(self, job)


def _with_longer_limits(stage: Validation) -> Validation:
    healthy = wire_schema("create_request")
    properties = {
        name: {**rules, "maxLength": rules["maxLength"] + 1} if "maxLength" in rules else rules
        for name, rules in healthy["properties"].items()
    }
    return replace(stage, schema=SchemaCheck({**healthy, "properties": properties}))


DEFECTS = (
    Defect(
        "updates_of_any_size",
        Step.VALIDATION,
        "Metadata of any size and depth is accepted in an update.",
        for_operations({"update"}, replace_stage(_MetadataUnbounded), Step.VALIDATION),
    ),
    Defect(
        "key_burnt_by_refusal",
        Step.VALIDATION,
        "An Idempotency-Key cannot be used any more after a create that was refused.",
        replace_stage(_KeyBurntByRefusal),
    ),
    Defect(
        "updates_keep_last_key",
        Step.VALIDATION,
        "Of a key that comes twice in an update the last value is stored.",
        for_operations({"update"}, replace_stage(_KeepsLastKey), Step.VALIDATION),
    ),
    Defect(
        "updates_less_checked",
        Step.VALIDATION,
        "Updates are held to the schema, and not to the rules besides it.",
        replace_stage(_UpdatesLessChecked),
    ),
    Defect(
        "line_breaks_replaced",
        Step.VALIDATION,
        "Line breaks of two characters in descriptions are stored as one.",
        replace_stage(_LineBreaksReplaced),
    ),
    Defect(
        "no_validation",
        Step.VALIDATION,
        "Bodies are not validated: one without a name is stored.",
        replace_stage(_NoValidation),
    ),
    Defect(
        "types_unchecked",
        Step.VALIDATION,
        "A number is accepted where a string is required.",
        replace_stage(_TypesUnchecked),
    ),
    Defect(
        "length_off_by_one",
        Step.VALIDATION,
        "One code point more than maxLength is accepted.",
        change_stage(Step.VALIDATION, _with_longer_limits),
    ),
    Defect(
        "unknown_fields_stored",
        Step.VALIDATION,
        "Fields outside the schema are accepted and stored.",
        replace_stage(_UnknownFieldsStored),
    ),
    Defect(
        "broken_json_crashes",
        Step.VALIDATION,
        "Truncated JSON is answered with 500.",
        replace_stage(_BrokenJsonCrashes),
    ),
    Defect(
        "first_error_only",
        Step.VALIDATION,
        "Only the first of several invalid fields is reported.",
        replace_stage(_FirstErrorOnly),
    ),
    Defect(
        "pointer_unescaped",
        Step.VALIDATION,
        "A / or ~ in a name is not escaped in the pointer to it.",
        replace_stage(_PointerUnescaped),
    ),
    Defect(
        "update_drops_own_fields",
        Step.VALIDATION,
        "An update with a field that only the server sets is accepted without it.",
        replace_stage(_UpdateDropsOwnFields),
    ),
    Defect(
        "blank_accepted", Step.VALIDATION, "A name of invisible characters is stored.", replace_stage(_BlankAccepted)
    ),
    Defect(
        "quotes_doubled",
        Step.VALIDATION,
        "Single quotes in a name are doubled, as if for SQL.",
        replace_stage(_QuotesDoubled),
    ),
    Defect(
        "evaluates_templates",
        Step.VALIDATION,
        "A template expression in a name is evaluated.",
        replace_stage(_EvaluatesTemplates),
    ),
    Defect(
        "limits_before_normalising",
        Step.VALIDATION,
        "Lengths are checked before Unicode normalisation makes a name longer.",
        replace_stage(_LimitsBeforeNormalising),
    ),
    Defect(
        "deep_json_crashes",
        Step.VALIDATION,
        "Deeply nested JSON is answered with 500.",
        replace_stage(_DeepJsonCrashes),
    ),
    Defect(
        "metadata_unbounded",
        Step.VALIDATION,
        "Metadata of any size and depth is accepted.",
        replace_stage(_MetadataUnbounded),
    ),
    Defect(
        "unknown_null_passes",
        Step.VALIDATION,
        "An unknown field is accepted when its value is null.",
        replace_stage(_UnknownNullPasses),
    ),
    Defect(
        "loses_empty_values",
        Step.VALIDATION,
        "Empty and zero values in metadata are not stored.",
        replace_stage(_LosesEmptyValues),
    ),
    Defect(
        "numbers_rounded",
        Step.VALIDATION,
        "Integers in metadata become floating-point numbers.",
        replace_stage(_NumbersRounded),
    ),
    Defect(
        "strange_key_crashes",
        Step.VALIDATION,
        "An Idempotency-Key above 255 characters is answered with 500.",
        replace_stage(_StrangeKeyCrashes),
    ),
    Defect(
        "null_is_default",
        Step.VALIDATION,
        "A description or metadata of null is taken as if it were absent.",
        replace_stage(_NullIsDefault),
    ),
    Defect(
        "update_unvalidated",
        Step.VALIDATION,
        "An update with an invalid body empties the resource.",
        replace_stage(_UpdateUnvalidated),
    ),
    Defect("nan_is_null", Step.VALIDATION, "NaN as metadata is taken as if it were empty.", replace_stage(_NanIsNull)),
    Defect(
        "large_integers_rounded",
        Step.VALIDATION,
        "Integers beyond 2^53 in metadata are rounded.",
        replace_stage(_LargeIntegersRounded),
    ),
    Defect(
        "long_texts_cut",
        Step.VALIDATION,
        "Texts in metadata are cut after 255 characters.",
        replace_stage(_LongTextsCut),
    ),
    Defect(
        "inner_duplicates_pass",
        Step.VALIDATION,
        "A duplicate key inside metadata is accepted.",
        replace_stage(_InnerDuplicatesPass),
    ),
    Defect("odd_id_crashes", Step.VALIDATION, "A NUL in an id is answered with 500.", replace_stage(_OddIdCrashes)),
    Defect(
        "odd_query_crashes",
        Step.VALIDATION,
        "A search for a long text is answered with 500.",
        replace_stage(_OddQueryCrashes),
    ),
)
