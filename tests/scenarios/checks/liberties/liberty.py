"""A liberty: one habit of a correct server that some check could take for a fault."""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.scenarios.checks.liberties.habits import Habits

HTTP, AUTH, LIMIT, VALID = ("https_request",), ("auth_check",), ("rate_limit",), ("validation",)
LOGIC, REPLY = ("business_logic",), ("response",)


@dataclass(frozen=True)
class Liberty:
    """One habit, and what leaves it free."""

    source: str
    """A section of a standard, or that the profile declares it or nothing does."""
    steps: tuple[str, ...]
    """The checks that could take it for a fault, by the beginnings of their ids."""
    habits: Mapping[str, Any] = field(default_factory=dict)
    """The fields of ``Habits`` that differ."""
    sections: Mapping[str, Any] = field(default_factory=dict)
    """What the profile declares about it."""
    schema: Mapping[str, Any] | None = None
    """Another schema of the create body."""
    front: Mapping[str, Any] = field(default_factory=dict)
    """The fields of ``Front`` that differ."""
    should: tuple[str, ...] = ()
    """Ids of checks that tell it at the level *should*, because a SHOULD of a standard is not kept."""
    is_alone: bool = False
    """It hides what others would show."""


@dataclass
class Group:
    """Liberties that one service takes together."""

    names: list[str] = field(default_factory=list)
    habits: dict[str, Any] = field(default_factory=dict)
    sections: dict[str, Any] = field(default_factory=dict)
    schema: Mapping[str, Any] | None = None
    front: dict[str, Any] = field(default_factory=dict)
    should: set[str] = field(default_factory=set)
    is_closed: bool = False

    def takes(self, name: str, liberty: Liberty) -> bool:
        """Add the liberty, unless it contradicts one that is there."""
        has_two = self.schema is not None and liberty.schema is not None
        if self.is_closed or has_two or set(self.habits) & set(liberty.habits) or set(self.front) & set(liberty.front):
            return False
        if (liberty.is_alone and self.names) or not _agree(self.sections, liberty.sections):
            return False
        self.names.append(name)
        self.habits.update(liberty.habits)
        self.front.update(liberty.front)
        self.sections = _merged(self.sections, liberty.sections)
        self.schema = liberty.schema or self.schema
        self.should.update(liberty.should)
        self.is_closed = liberty.is_alone
        return True

    @property
    def service(self) -> Habits:
        """The habits of the service."""
        return Habits(**self.habits)


def packed(liberties: Mapping[str, Liberty], *, seed: int) -> list[Group]:
    """All liberties in few groups; another seed puts others together."""
    groups: list[Group] = []
    names = sorted(liberties)
    random.Random(seed).shuffle(names)  # noqa: S311 - no secret
    for name in names:
        if not any(group.takes(name, liberties[name]) for group in groups):
            groups.append(Group())
            groups[-1].takes(name, liberties[name])
    return groups


def _agree(first: Mapping[str, Any], second: Mapping[str, Any]) -> bool:
    return all(
        _agree(first[key], second[key])
        if isinstance(first[key], Mapping) and isinstance(second[key], Mapping)
        else first[key] == second[key]
        for key in first.keys() & second.keys()
    )


def _merged(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(first)
    for key, value in second.items():
        both = isinstance(value, Mapping) and isinstance(merged.get(key), Mapping)
        merged[key] = _merged(merged[key], value) if both else value
    return merged
