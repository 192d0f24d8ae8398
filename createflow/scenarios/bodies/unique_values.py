"""Values that differ in all bodies of a run, for the keys that a profile says are unique."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from createflow.scenarios.bodies.example import example_of
from createflow.scenarios.bodies.markers import Texts, fitted_texts, format_of_example, ordinary_texts
from createflow.scenarios.bodies.merged_schema import merged
from createflow.schemas.error import UserError
from createflow.schemas.profile_section import MADE, names_in

_FIRST_NUMBERS = 2**30


def rules_of(schema: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The schema of a property with what its references and parts say; empty where there is none."""
    rules = schema.get("properties", {}).get(name)
    if not isinstance(rules, dict):
        return {}
    try:
        return merged(rules, dict(schema))
    except (ValueError, RecursionError):
        return rules


class UniqueValues:
    """A new value for each of the keys.

    Args:
        schema: of the body.
        names: the keys.
        template: a body; what has ``{marker}``, ``{uuid}`` or another such name in it differs already.
        misfits: why bodies do not fit a schema, see ``bounded.misfits_at_once``.

    Raises:
        UserError: no values of a key can be made.
    """

    def __init__(
        self,
        schema: Mapping[str, Any],
        names: Sequence[str],
        template: Mapping[str, Any],
        misfits: Callable[[dict[str, Any], Sequence[Any]], list[str]],
    ) -> None:
        self._misfits = misfits
        self._start = secrets.randbelow(_FIRST_NUMBERS)
        self._rules: dict[str, dict[str, Any]] = {}
        self._texts: dict[str, Texts] = {}
        self._numbers: dict[str, tuple[int, int | None]] = {}
        for name in names:
            if not set(MADE) & set(names_in(template.get(name))):
                self._add(name, rules_of(schema, name), template.get(name))

    def of(self, number: int) -> dict[str, Any]:
        """The values of one body.

        Raises:
            TooFew: a key has no more of them.
        """
        texts = {name: texts.new() for name, texts in self._texts.items()}
        return {**texts, **{name: self._number(name, number) for name in self._numbers}}

    def numbered(self, texts: Sequence[str], number: str, first: Callable[[str], str]) -> dict[str, str]:
        """See ``Contract.numbered``."""
        return {name: self._fitting(name, texts, first) for name in self._texts} | dict.fromkeys(self._numbers, number)

    def _fitting(self, name: str, texts: Sequence[str], first: Callable[[str], str]) -> str:
        schema = {"properties": {name: self._rules[name]}}
        found = self._misfits(schema, [{name: first(text)} for text in texts])
        if "" not in found:
            raise UserError(
                f"target.fields.unique: no numbered values of {name} can be made for a load: {found[0]}",
                hint=f'target.body with {name} = "...{{marker}}" or "...{{counter}}" says how they look',
            )
        return texts[found.index("")]

    def _number(self, name: str, number: int) -> int:
        least, most = self._numbers[name]
        value = self._start + number
        return least + (value if most is None else value % max(most - least + 1, 1))

    def _add(self, name: str, rules: dict[str, Any], example: object) -> None:
        if not rules and isinstance(example, str):
            rules = {"type": "string", **format_of_example(example)}
        kinds = rules.get("type", "string" if example is None or isinstance(example, str) else "integer")
        if "string" not in (kinds if isinstance(kinds, list) else [kinds]):
            self._numbers[name] = _whole(rules.get("minimum", 1)) or 1, _whole(rules.get("maximum"))
            return
        fitted = fitted_texts(rules, example if isinstance(example, str) else example_of(rules))
        candidates = [*ordinary_texts(), *fitted]
        found = self._misfits({"properties": {name: rules}}, [{name: texts.new()} for texts in candidates])
        if "" not in found:
            raise UserError(
                f"target.fields.unique: no new values of {name} can be made: {found[0]}",
                hint=f'target.body with {name} = "...{{marker}}" or "...{{counter}}" says how they look',
            )
        self._rules[name] = rules
        self._texts[name] = candidates[found.index("")]


def _whole(value: object) -> int | None:
    return int(value) if isinstance(value, (int, float)) else None
