"""Whether documents fit schemas of strangers, in the tester's own process, within a bound of steps.

A process of its own, as for the create schema, would take longer than the exchange whose reply is to be judged. So
patterns, which can run for ever, are left out, and all other work is counted: nested alternatives, long enumerations
and comparisons of each item with all others grow with schema and document multiplied.
"""

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import SchemaError, ValidationError
from jsonschema.validators import extend
from jsonschema_specifications import REGISTRY

from createflow.scenarios.outcome import Inconclusive

_MOST_STEPS_OF_ONE = 200_000
_MOST_STEPS = 5_000_000
"""Of all documents of a run: about a minute."""
_MOST_ERRORS = 20
"""That are told of one document."""

_CONDITIONS = frozenset({"not", "oneOf", "if", "contains"})
"""Without its patterns a schema allows more, and these keywords then allow less."""
_NOT_FOLLOWED = frozenset({"pattern", "$ref", "$dynamicRef", "$recursiveRef"})
"""What can take for ever: patterns, and references, which the caller has replaced as far as they name something."""
_OTHER_PROPERTIES = ("additionalProperties", "unevaluatedProperties")
"""Those that no pattern names."""

Keyword = Callable[[Any, Any, Any, Any], Iterator[ValidationError] | None]


class BoundedValidation:
    """Validates the documents of one run."""

    def __init__(self) -> None:
        self._validators: dict[int, Any] = {}
        self._left = _MOST_STEPS
        self._left_of_one = _MOST_STEPS_OF_ONE
        counted = {name: self._counted(name, keyword) for name, keyword in Draft202012Validator.VALIDATORS.items()}
        self._kind = extend(Draft202012Validator, validators=counted)

    def errors(self, schema: dict[str, Any], document: Any) -> list[ValidationError]:
        """The first errors of a document; none for a schema that is no JSON Schema.

        Args:
            schema: without references; it stays the same object as long as it is used.
            document: a JSON value.

        Raises:
            Inconclusive: it takes too many steps.
        """
        if id(schema) not in self._validators:
            self._validators[id(schema)] = self._validator(schema)
        validator = self._validators[id(schema)]
        self._left_of_one = _MOST_STEPS_OF_ONE
        try:
            return [] if validator is None else list(islice(validator.iter_errors(document), _MOST_ERRORS))
        except RecursionError:
            raise Inconclusive("a schema of a reply, or its body, is too deep to be looked at") from None

    def _validator(self, schema: dict[str, Any]) -> Any:
        harmless = _harmless(schema)
        try:
            Draft202012Validator.check_schema(harmless, format_checker=FormatChecker(()))
        except (SchemaError, RecursionError):
            return None
        return self._kind(harmless, registry=REGISTRY)

    def _counted(self, name: str, keyword: Keyword) -> Keyword:
        def count(validator: Any, value: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
            self._spend(_steps(name, value, instance))
            yield from keyword(validator, value, instance, schema) or ()

        return count

    def _spend(self, steps: int) -> None:
        self._left -= steps
        self._left_of_one -= steps
        if min(self._left, self._left_of_one) < 0:
            raise Inconclusive("to hold the replies against their schemas takes too many steps: simplify the schemas")


def _steps(name: str, value: Any, instance: Any) -> int:
    """About how many comparisons a keyword needs, without those of the schemas inside it."""
    values, items = _length(value), _length(instance)
    if name == "uniqueItems":
        return 1 + items * items
    return 1 + values * (1 + items) if name in {"enum", "const"} else 1 + values + items


def _length(value: Any) -> int:
    return len(value) if isinstance(value, (str, list, dict)) else 0


def _harmless(schema: Any) -> Any:
    """A schema that allows all that the schema does, looks at no pattern, and follows no reference."""
    if isinstance(schema, list):
        return [_harmless(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    dropped = {name for name in _CONDITIONS & schema.keys() if _is_weakened(schema[name])}
    if "if" in dropped:
        dropped |= {"then", "else"}
    if "patternProperties" in schema:
        dropped |= {"patternProperties", *_OTHER_PROPERTIES}
    return {
        key: _harmless(part)
        for key, part in schema.items()
        # A property can be called so, too: its schema is an object or a boolean.
        if key not in dropped and not (key in _NOT_FOLLOWED and isinstance(part, str))
    }


def _is_weakened(schema: Any) -> bool:
    """Whether the schema allows more without what is left out."""
    if isinstance(schema, list):
        return any(map(_is_weakened, schema))
    if not isinstance(schema, dict):
        return False
    is_weakened = "patternProperties" in schema or any(isinstance(schema.get(key), str) for key in _NOT_FOLLOWED)
    return is_weakened or any(map(_is_weakened, schema.values()))
