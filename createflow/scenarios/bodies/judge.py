"""Decides whether a value fits a schema, by jsonschema-rs: patterns as ECMA-262 has them, nothing fetched."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import jsonschema_rs

from createflow.scenarios.bodies.formats import TEXT_CHECKS, with_bounds

_URI = "urn:createflow:schema"
_BACKTRACKS = 1_000_000
_SHOWN_CHARACTERS = 120


@dataclass(frozen=True, slots=True)
class Misfit:
    """Where and why a value does not fit."""

    pointer: str
    """JSON Pointer to the part of the value; empty for the whole."""
    keyword: str
    reason: str

    def __str__(self) -> str:
        return f"{self.pointer or 'the body'}: {self.reason} ({self.keyword})"


class Judge:
    """The validator of one schema.

    ``format`` only describes (JSON Schema Validation 2020-12 §7.2), so a server may look at it or not. Hence two
    judges: what is sent as valid fits with formats, what is sent as invalid does not even fit without them.

    Args:
        schema: the whole.
        with_formats: whether a value must be of the formats.
        part: the keys that lead to the part of the schema that judges.

    Raises:
        ValueError: it is not a JSON Schema 2020-12, or refers to what it does not contain.
    """

    def __init__(self, schema: dict[str, Any], *, with_formats: bool, part: Sequence[str] = ()) -> None:
        whole = with_bounds(schema) if with_formats else schema
        pointer = "".join(f"/{quote(name.replace('~', '~0').replace('/', '~1'), safe='')}" for name in part)
        try:
            self._validator = jsonschema_rs.Draft202012Validator(
                {"$ref": f"{_URI}#{pointer}"},
                registry=jsonschema_rs.Registry([(_URI, whole)], draft=jsonschema_rs.Draft202012),
                validate_formats=with_formats,
                formats=dict(TEXT_CHECKS) if with_formats else None,
                pattern_options=jsonschema_rs.FancyRegexOptions(backtrack_limit=_BACKTRACKS),
                offline=True,
            )
        except jsonschema_rs.ValidationError as error:
            raise ValueError(f"{error.message[:_SHOWN_CHARACTERS]} at {_pointer(error.instance_path) or '/'}") from None

    def fits(self, value: Any) -> bool:
        """Whether the value is valid."""
        return self._validator.is_valid(value) or self.misfit(value) is None

    def misfit(self, value: Any) -> Misfit | None:
        """The first reason why the value is not valid.

        Raises:
            ValueError: a pattern backtracks without an end.
        """
        return next(self.misfits(value), None)

    def misfits(self, value: Any) -> Iterator[Misfit]:
        """Every reason why the value is not valid.

        Raises:
            ValueError: a pattern backtracks without an end.
        """
        for error in self._validator.iter_errors(value):
            if isinstance(error.kind, jsonschema_rs.ValidationErrorKind.BacktrackLimitExceeded):
                raise ValueError("a pattern backtracks too often: simplify it")  # noqa: TRY004 - of the schema
            keyword = next((part for part in reversed(error.schema_path) if isinstance(part, str)), "false")
            reason = error.message[:_SHOWN_CHARACTERS]
            yield Misfit(_pointer(error.instance_path), keyword[:_SHOWN_CHARACTERS], reason)


def _pointer(path: Sequence[str | int]) -> str:
    """A JSON Pointer (RFC 6901 §5)."""
    return "".join(f"/{str(part).replace('~', '~0').replace('/', '~1')}" for part in path)[:_SHOWN_CHARACTERS]
