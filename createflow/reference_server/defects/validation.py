"""Step 5, broken."""

import unicodedata
from dataclasses import replace
from typing import Any

from createflow.reference_server.defects.twin import Swap, swap, twin_of
from createflow.reference_server.domain.job import Refused, Violation
from createflow.reference_server.domain.schema_check import SchemaCheck
from createflow.reference_server.stages.api.validation import Validation
from createflow.schemas.fault import Fault
from createflow.schemas.flow import Step
from createflow.schemas.wire import wire_schema

_TEXTS = ("name", "description")


class NoValidation(Validation):
    """Stores whatever comes."""

    def validate(self, document: Any) -> dict[str, Any]:
        """Make something storable of it."""
        fields = document if isinstance(document, dict) else {}
        metadata = fields.get("metadata")
        return {
            **{name: str(fields.get(name, "")) for name in _TEXTS},
            "metadata": metadata if isinstance(metadata, dict) else {},
        }


class TypesUnchecked(Validation):
    """Takes a number for a text."""

    def validate(self, document: Any) -> dict[str, Any]:
        """Make texts of what should have been some."""
        if isinstance(document, dict):
            document = {name: str(value) if name in _TEXTS else value for name, value in document.items()}
        return Validation.validate(self, document)


class UnknownFieldsStored(Validation):
    """Keeps what the schema does not know."""

    def validate(self, document: Any) -> dict[str, Any]:
        """Move it into the metadata."""
        if isinstance(document, dict):
            known = {name: value for name, value in document.items() if name in {*_TEXTS, "metadata"}}
            extra = {name: value for name, value in document.items() if name not in known}
            if extra and isinstance(known.setdefault("metadata", {}), dict):
                known["metadata"] = {**known["metadata"], **extra}
            document = known
        return Validation.validate(self, document)


class BrokenJsonCrashes(Validation):
    """Did not expect a parser to fail."""

    def parse(self, raw: bytes) -> Any:
        """Fail in a way that nobody handles."""
        try:
            return Validation.parse(self, raw)
        except Refused as refused:
            raise RuntimeError("not JSON") from refused


class FirstErrorOnly(Validation):
    """Names one error at a time."""

    def refusal(self, violations: list[Violation]) -> Refused:
        """The first will do."""
        return Validation.refusal(self, violations[:1])


class BlankAccepted(Validation):
    """Takes what cannot be seen for a name."""

    def house_rules(self, document: dict[str, Any]) -> list[Violation]:  # noqa: ARG002 - the healthy signature
        """None."""
        return []


class QuotesDoubled(Validation):
    """Writes text as if it became SQL."""

    def validate(self, document: Any) -> dict[str, Any]:
        """Double them."""
        body = Validation.validate(self, document)
        return {**body, "name": body["name"].replace("'", "''")}


class EvaluatesTemplates(Validation):
    """Fills in what looks like a template."""

    def validate(self, document: Any) -> dict[str, Any]:
        """A sum."""
        body = Validation.validate(self, document)
        return {**body, "name": body["name"].replace("{{7*7}}", "49")}


class LimitsBeforeNormalising(Validation):
    """Judges one text and stores another."""

    def validate(self, document: Any) -> dict[str, Any]:
        """NFC comes last."""
        violations = self.schema.violations(document)
        if violations:
            raise self.refusal(violations)
        name = unicodedata.normalize("NFC", document["name"])
        healthy = Validation.validate(self, {**document, "name": "x"})
        return {**healthy, "name": name}


class DeepJsonCrashes(Validation):
    """Walks down without counting."""

    def parse(self, raw: bytes) -> Any:
        """And falls."""
        if raw.count(b"{") > 100 or raw.count(b"[") > 100:
            raise RecursionError("maximum recursion depth exceeded")
        return Validation.parse(self, raw)


class MetadataUnbounded(Validation):
    """Takes metadata of any size and depth."""

    def validate(self, document: Any) -> dict[str, Any]:
        """Everything else is judged."""
        if not isinstance(document, dict) or not isinstance(document.get("metadata"), dict):
            return Validation.validate(self, document)
        return {**Validation.validate(self, {**document, "metadata": {}}), "metadata": document["metadata"]}


class UnknownNullPasses(Validation):
    """Does not see what is null."""

    def validate(self, document: Any) -> dict[str, Any]:
        """Without unknown nulls."""
        if isinstance(document, dict):
            known = {*_TEXTS, "metadata"}
            document = {name: value for name, value in document.items() if name in known or value is not None}
        return Validation.validate(self, document)


class LosesEmptyValues(Validation):
    """Takes what is empty for nothing."""

    def validate(self, document: Any) -> dict[str, Any]:
        """Keep what is true."""
        body = Validation.validate(self, document)
        return {**body, "metadata": {name: value for name, value in body["metadata"].items() if value}}


class NumbersRounded(Validation):
    """Has one kind of number."""

    def validate(self, document: Any) -> dict[str, Any]:
        """Fractions."""
        body = Validation.validate(self, document)
        rounded = {name: float(value) if type(value) is int else value for name, value in body["metadata"].items()}
        return {**body, "metadata": rounded}


class StrangeKeyCrashes(Validation):
    """Has room for short keys only."""

    def check_key(self, key: str) -> None:
        """And none for a mistake."""
        if len(key) > 255:
            raise OverflowError(key[:20])
        Validation.check_key(self, key)


def _longer(stage: Validation) -> Validation:
    healthy = wire_schema("create_request")
    properties = {
        name: {**rules, "maxLength": rules["maxLength"] + 1} if "maxLength" in rules else rules
        for name, rules in healthy["properties"].items()
    }
    return replace(stage, schema=SchemaCheck({**healthy, "properties": properties}))


SWAPS: dict[Fault, Swap] = {
    Fault.NO_VALIDATION: twin_of(Step.VALIDATION, NoValidation),
    Fault.TYPES_UNCHECKED: twin_of(Step.VALIDATION, TypesUnchecked),
    Fault.LENGTH_OFF_BY_ONE: swap(Step.VALIDATION, _longer),
    Fault.UNKNOWN_FIELDS_STORED: twin_of(Step.VALIDATION, UnknownFieldsStored),
    Fault.BROKEN_JSON_CRASHES: twin_of(Step.VALIDATION, BrokenJsonCrashes),
    Fault.FIRST_ERROR_ONLY: twin_of(Step.VALIDATION, FirstErrorOnly),
    Fault.NUMBERS_ROUNDED: twin_of(Step.VALIDATION, NumbersRounded),
    Fault.STRANGE_KEY_CRASHES: twin_of(Step.VALIDATION, StrangeKeyCrashes),
    Fault.BLANK_ACCEPTED: twin_of(Step.VALIDATION, BlankAccepted),
    Fault.QUOTES_DOUBLED: twin_of(Step.VALIDATION, QuotesDoubled),
    Fault.EVALUATES_TEMPLATES: twin_of(Step.VALIDATION, EvaluatesTemplates),
    Fault.LIMITS_BEFORE_NORMALISING: twin_of(Step.VALIDATION, LimitsBeforeNormalising),
    Fault.DEEP_JSON_CRASHES: twin_of(Step.VALIDATION, DeepJsonCrashes),
    Fault.METADATA_UNBOUNDED: twin_of(Step.VALIDATION, MetadataUnbounded),
    Fault.UNKNOWN_NULL_PASSES: twin_of(Step.VALIDATION, UnknownNullPasses),
    Fault.LOSES_EMPTY_VALUES: twin_of(Step.VALIDATION, LosesEmptyValues),
}
