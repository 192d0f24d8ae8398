"""JSON Schema validation with two engines: a fast one accepts, an exact one describes violations."""

from collections.abc import Iterator
from typing import Any

import jsonschema_rs

from createflow.reference_server.domain.job import Violation
from createflow.reference_server.domain.sanitising import pointer

_TEXTS = {
    "type": "must be of type {0}",
    "minLength": "must have at least {0} characters",
    "maxLength": "may have at most {0} characters",
    "pattern": "must match {0}",
}


class SchemaCheck:
    """One schema, compiled once.

    The fast engine only accepts. A document that it does not accept goes to ``jsonschema``, whose verdict counts. That
    library is imported when it is first needed, because its import would delay the start-up.
    """

    def __init__(self, schema: dict[str, Any]) -> None:
        self._schema = schema
        self._fast = jsonschema_rs.validator_for(schema)
        self._exact: Any = None

    def violations(self, document: Any) -> list[Violation]:
        """Return every violation; none when the document conforms.

        The texts are our own, because those of the library contain the value.
        """
        if self.accepts(document):
            return []
        return [violation for error in self._errors(document) for violation in _describe(error)]

    def accepts(self, document: Any) -> bool:
        """Whether the fast engine accepts the document; False also for values that it cannot represent."""
        try:
            return bool(self._fast.is_valid(document))
        except ValueError:
            return False

    def _errors(self, document: Any) -> Iterator[Any]:
        if self._exact is None:
            from jsonschema import Draft202012Validator

            self._exact = Draft202012Validator(self._schema)
        errors: Iterator[Any] = self._exact.iter_errors(document)
        return errors


def _describe(error: Any) -> Iterator[Violation]:
    at = ""
    for part in error.absolute_path:
        at = pointer(at, part)
    keyword, rule = str(error.validator), error.validator_value
    if keyword == "required":
        for name in rule:
            if name not in error.instance:
                yield Violation(pointer(at, name), "is required", keyword)
    elif keyword == "additionalProperties":
        allowed = error.schema.get("properties", {})
        for name in error.instance:
            if name not in allowed:
                yield Violation(pointer(at, name[:100]), "is not a field of this document", keyword)
    else:
        yield Violation(at, _TEXTS.get(keyword, "does not meet the rule {0}").format(rule), keyword)
