"""Merges a new draft into a profile that people have edited: what they wrote stays, what is new is added."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import tomlkit
from tomlkit.exceptions import ParseError, TOMLKitError

from createflow.schemas.error import UserError

_MARK = "new in the description"
_TOGETHER = (
    ({"target.path", "target.method"}),
    ({"target.body", "target.body_file"}),
    ({"target.envelope.request", "target.envelope.request_also", "target.body_file"}),
)
"""Keys that mean something together only: none of a group is added where the profile has another of it."""
_WHOLE = frozenset({"auth"})
"""Sections whose keys belong to their ``kind``."""
_SHOWN_CHARACTERS = 120


@dataclass(slots=True)
class Merge:
    """A merged profile."""

    text: str
    added: list[str] = field(default_factory=list)
    """Keys that it has now."""
    kept: list[str] = field(default_factory=list)
    """Keys whose value the draft has otherwise, each with that value."""


def merged_profile(profile: str, draft: str) -> Merge:
    """The profile with what only the draft has. Comments, order and spelling stay.

    Raises:
        UserError: the profile cannot be read as TOML, or has a list where the draft has a section.
    """
    try:
        document = tomlkit.parse(profile)
    except ParseError as error:
        raise UserError(f"the profile is not TOML: {str(error)[:_SHOWN_CHARACTERS]}") from None
    made = Merge(profile)
    own = document.unwrap()
    known = {key for key, _ in _leaves(own)}
    new_sections: dict[str, dict[str, Any]] = {}
    for key, value in _leaves(tomlkit.parse(draft).unwrap()):
        section, _, name = key.rpartition(".")
        if key in known or any(one.startswith(f"{key}.") for one in known):
            _compare(made, key, _at(own, key), value)
        elif _may_add(key, known, own):
            made.added.append(key)
            if isinstance(_at(own, section), dict):
                _add(document, section, name, value)
            else:
                new_sections.setdefault(section, {})[name] = value
    made.text = tomlkit.dumps(document).rstrip("\n") + "\n" + "".join(_written(new_sections))
    return made


def _may_add(key: str, known: set[str], own: Mapping[str, Any]) -> bool:
    section = key.partition(".")[0]
    if section in _WHOLE and section in own:
        return False
    return not any(key in group and (group - {key}) & known for group in _TOGETHER)


def _compare(made: Merge, key: str, own: Any, value: Any) -> None:
    # What a draft leaves empty, the description does not say.
    if own != value and value not in ("", False):
        made.kept.append(f"{key}: kept; the description says {str(value)[:_SHOWN_CHARACTERS]!r}")


def _add(document: tomlkit.TOMLDocument, section: str, name: str, value: Any) -> None:
    table: Any = document
    for part in section.split(".") if section else ():
        table = table[part]
    item = tomlkit.item(value)
    item.comment(_MARK)
    try:
        table[name] = item
    except TOMLKitError as error:
        raise UserError(f"{section}.{name} cannot be added: {error}") from None


def _written(sections: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """Sections that the profile does not have: behind all others, where they cannot stand inside of one."""
    for name, values in sections.items():
        table = tomlkit.table()
        for key, value in values.items():
            table[key] = value
        yield f"\n# {_MARK}\n[{name}]\n{table.as_string()}"


def _leaves(value: Mapping[str, Any], at: str = "") -> Iterator[tuple[str, Any]]:
    """Each key with a value that is no section; values of ``headers`` and bodies are one value."""
    for name, one in value.items():
        key = f"{at}.{name}" if at else name
        if isinstance(one, dict) and _is_section(key):
            yield from _leaves(one, key)
        else:
            yield key, one


def _is_section(key: str) -> bool:
    return key in {"target", "target.fields", "target.envelope", "target.errors", "target.errors.statuses", "auth"}


def _at(value: Any, key: str) -> Any:
    for name in key.split(".") if key else ():
        value = value.get(name) if isinstance(value, dict) else None
    return value
