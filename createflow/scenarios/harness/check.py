"""How a check is declared and chosen: text in the docstring, probes in the signature, data in the decorator."""

import difflib
import inspect
import re
import types
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Self, Union, get_args, get_origin, get_type_hints

from createflow.scenarios.sinks.sink import AuditTrail, Cache, EventLog, Primary, Replicas, SearchIndex
from createflow.scenarios.target.probes import Callbacks, Faults, Issuer, Tokens
from createflow.schemas.error import UserError
from createflow.schemas.flow import Step
from createflow.schemas.profile import Profile
from createflow.schemas.report import Level

CheckFunction = Callable[..., Awaitable[str | None]]
"""It may return its power: what it compared, and how rare a defect it would have seen (see ``support.power``)."""

DEFAULT_LIMIT_S = 30.0
PROFILE_KEYS: dict[type, str] = {
    Tokens: "auth",
    Issuer: 'auth.kind = "jwt"',
    Primary: "sinks.primary",
    Replicas: "sinks.replicas",
    AuditTrail: "sinks.audit",
    EventLog: "sinks.events",
    Cache: "sinks.cache",
    SearchIndex: "sinks.search",
    Callbacks: "a target on this machine",
}
"""What fills a role. Roles that are not here need nothing, or a ``Need`` of the check says what."""
_STEP_NAMES = frozenset(step.value for step in Step)
_GROUP = re.compile("[a-z][a-z0-9_]*")
_COPIES = frozenset({Replicas, AuditTrail, EventLog, Cache, SearchIndex})


class Lane(StrEnum):
    """Where a check that disturbs runs: beside those of some other lanes. Without a lane it runs alone."""

    SEARCH = "search"
    """Faults of the search engine. Nothing else uses it, and its checks wait longer than all others."""
    FRAMING = "framing"
    POOL = "pool"
    REPLICA = "replica"
    STORES = "stores"
    """Copies that lag or hang. No fault of the primary is here: creates of other lanes would meet it."""
    RATE = "rate"
    """Its checks share a subject, so that a bucket which one of them has filled need not be filled again."""

    def may_run_beside(self, other: "Lane") -> bool:
        """Whether a check of this lane may run at the same time as one of the other."""
        return frozenset({self, other}) in _BESIDE


_BESIDE: frozenset[frozenset[Lane]] = frozenset(
    frozenset(pair)
    for pair in (
        (Lane.SEARCH, Lane.FRAMING),
        (Lane.SEARCH, Lane.POOL),
        (Lane.SEARCH, Lane.REPLICA),
        (Lane.SEARCH, Lane.STORES),
        (Lane.SEARCH, Lane.RATE),
        (Lane.FRAMING, Lane.POOL),
        (Lane.FRAMING, Lane.REPLICA),
        (Lane.POOL, Lane.REPLICA),
    )
)
"""What one of two lanes breaks, the other does not use. RATE is beside no other fault: observers excuse what a limiter
gets wrong while there is one."""


class Need(StrEnum):
    """What a check can need of the profile besides probes. The value is the key of the profile."""

    HTTPS = "an https:// base_url"
    UPDATE = "target.update"
    DELETE = "target.delete"
    IDEMPOTENCY = "target.idempotency"
    UNIQUE_NAME = "target.unique_name"
    PRIVATE = "target.private"
    OWNED = "target.owned"
    AUDITED_CHANGES = "sinks.audit.changes"
    BODY_LIMIT = "target.max_body_bytes"
    LIMITS = "limits"
    CONTRACT = "promises.contract"
    MEDIA_TYPES = "promises.media_types"
    UNIQUE_KEYS = "promises.unique_keys"
    ERROR_PLACES = "promises.error_places"
    IDENTITY_FIRST = "promises.identity_first"
    ISSUE_TIMES = "promises.issue_times"
    DATABASE_ERROR = "faults.database_error"
    DATABASE_FAULT = "faults.database_error or faults.database_down"
    DATABASE_DOWN = "faults.database_down"
    DATABASE_CRASH = "faults.database_crash"
    SERVICE_DOWN = "faults.service_down"
    GATEWAY_DOWN = "faults.gateway_down"
    REPLICA_DOWN = "faults.replica_down"
    REPLICA_LAGS = "faults.replica_lags"
    SEARCH_DOWN = "faults.search_down"
    SEARCH_REFUSES = "faults.search_refuses"
    EVENTS_DOWN = "faults.events_down"
    LATE_COMMITS = "faults.late_commits"
    READ_ERROR = "faults.read_error"

    @property
    def absence(self) -> str:
        """Why a check that needs it is skipped."""
        if self is Need.HTTPS:
            return "`target.base_url` is not https"
        return " or ".join(f"`{key}`" for key in self.value.split(" or ")) + " is not configured"

    def met_by(self, profile: Profile) -> bool:
        """Whether the profile configures it."""
        if self is Need.HTTPS:
            return profile.target.base_url.startswith("https://")
        return any(_is_declared(profile, key) for key in self.value.split(" or "))


def _is_declared(section: Any, key: str) -> bool:
    """Whether a key below a section, such as ``target.update``, has a value other than false and nothing."""
    for name in key.split("."):
        section = section.get(name) if isinstance(section, Mapping) else getattr(section, name)
        if section is None:
            return False
    return section is not False


@dataclass(frozen=True, slots=True)
class Parameter:
    """One probe that a check names by its role."""

    role: type
    is_optional: bool
    """The check runs without it, and then gets ``None``."""

    @property
    def profile_key(self) -> str:
        """What the profile must configure for it; empty when nothing."""
        return PROFILE_KEYS.get(self.role, "")


@dataclass(frozen=True, slots=True)
class Check:
    """One check. The id is permanent: ``step.function``, or ``group.function`` for one of a user's own group."""

    id: str
    step: Step
    level: Level
    source: str
    title: str
    """What the target must do, in one sentence."""
    explanation: str
    """The rest of the docstring: why it matters."""
    function: CheckFunction
    catches: tuple[str, ...]
    """Names of the seeded defects of the reference that make it fail."""
    needs: tuple[Need, ...]
    disturbs: bool
    """It breaks or exhausts something that other checks use, so it runs after them: in its lane, or alone."""
    lane: Lane | None
    at_end: bool
    """It looks at everything that the run wrote, so it runs when all others have ended."""
    repeats: tuple[str, ...]
    """Ids of checks that see the same on fewer writes, or whose failure implies this one. Where one of them failed,
    this one adds no accusation."""
    limit_s: float
    must_with: Need | None = None
    """The key of the profile that promises what no standard demands. With it the check is a must."""
    parameters: dict[str, Parameter] = field(default_factory=dict, hash=False)

    @property
    def waits(self) -> bool:
        """Whether it mostly waits: for copies that come after the reply, or for its turn at a store."""
        return any(parameter.role in _COPIES for parameter in self.parameters.values())

    def at_level_for(self, profile: Profile) -> Self:
        """The check at the level that it has for a target with this profile."""
        is_promised = self.must_with is not None and self.must_with.met_by(profile)
        return replace(self, level=Level.MUST) if is_promised else self


def check(
    *,
    step: Step,
    source: str,
    level: Level = Level.MUST,
    catches: str | tuple[str, ...] = (),
    needs: tuple[Need, ...] = (),
    disturbs: bool | Lane = False,
    at_end: bool = False,
    repeats: tuple[str, ...] = (),
    limit_s: float = DEFAULT_LIMIT_S,
    must_with: Need | None = None,
    group: str = "",
) -> Callable[[CheckFunction], Check]:
    """Make a check of a coroutine function; nothing runs and nothing is registered anywhere else.

    Args:
        step: the step of the contract that is checked.
        source: ``contract: ANCHOR`` of ``docs/contract.md``, RFC sections, or both with a semicolon between.
        level: only a ``must`` fails the run, unless ``--level`` says otherwise.
        catches: the seeded defect of the reference that makes it fail, or several; tests hold it to that.
        needs: keys of the profile without which it is skipped.
        disturbs: run it after the others: alone, or in a lane beside those that do not use what it disturbs.
        at_end: run it after those as well.
        repeats: ids of checks that see the same on fewer writes, or whose failure implies this one; where one of them
            failed, at this level or a stronger one, this one is skipped.
        limit_s: after this many seconds it is stopped, with the outcome ``inconclusive``.
        must_with: the key of the profile with which a should becomes a must.
        group: stands before the function's name in the id instead of the step; for checks that are not ours.

    Raises:
        ValueError: the group is no lower-case name, or that of a step; or there is no such step or level.
    """
    if step not in _STEP_NAMES:
        raise ValueError(f"there is no step {str(step)!r}; the steps are {', '.join(one.value for one in Step)}")
    if level not in set(Level):
        raise ValueError(f"there is no level {str(level)!r}; the levels are {', '.join(one.value for one in Level)}")
    step, level = Step(step), Level(level)
    if group and (group in _STEP_NAMES or not _GROUP.fullmatch(group)):
        raise ValueError(f"group {group!r}: lower-case letters, digits and underscores, and not the name of a step")

    def record(function: CheckFunction) -> Check:
        name, title, explanation = promise_of(function)
        return Check(
            id=f"{group or step.value}.{name}",
            step=step,
            level=level,
            source=source,
            title=title,
            explanation=explanation,
            function=function,
            catches=(catches,) if isinstance(catches, str) else catches,
            needs=needs,
            disturbs=bool(disturbs),
            lane=disturbs if isinstance(disturbs, Lane) else None,
            at_end=at_end,
            repeats=repeats,
            limit_s=limit_s,
            must_with=must_with,
            parameters=parameters_of(function),
        )

    return record


def promise_of(function: Callable[..., object]) -> tuple[str, str, str]:
    """Name, promise in one sentence, and explanation of a check or observer, from its function.

    Raises:
        TypeError: it has no docstring.
    """
    name = getattr(function, "__name__", "")
    title, _, explanation = inspect.cleandoc(function.__doc__ or "").partition("\n")
    if not title:
        raise TypeError(f"{name}: the first line of the docstring says what the target must do")
    return name, title, explanation.strip()


def parameters_of(function: CheckFunction) -> dict[str, Parameter]:
    """The probes that a function names in its signature.

    Raises:
        TypeError: a parameter has no type, or is one of several.
    """
    hints = get_type_hints(function)
    for name in inspect.signature(function).parameters:
        if name not in hints:
            raise TypeError(f"parameter {name!r} has no type; its type names the probe, as in target: Target")
    return {name: _parameter(hints[name]) for name in inspect.signature(function).parameters}


def _parameter(hint: Any) -> Parameter:
    if get_origin(hint) in {Union, types.UnionType}:
        roles = [part for part in get_args(hint) if part is not types.NoneType]
        if len(roles) > 1:
            raise TypeError("a parameter is one probe, or one probe or None")
        return Parameter(roles[0], is_optional=True)
    return Parameter(hint, is_optional=False)


def select(checks: Sequence[Check], only: Sequence[str], skip: Sequence[str] = ()) -> tuple[Check, ...]:
    """The checks whose id starts with one of ``only`` (all when there are none) and with none of ``skip``.

    Raises:
        UserError: a prefix that no check starts with, with the ids that are similar; or no check is left.
    """
    for prefix in (*only, *skip):
        if not any(check.id.startswith(prefix) for check in checks):
            raise UserError(f"no check starts with {prefix!r}", hint=similar_ids(checks, prefix))
    wanted = [check for check in checks if not only or check.id.startswith(tuple(only))]
    left = tuple(check for check in wanted if not check.id.startswith(tuple(skip)))
    if not left:
        raise UserError("every selected check is skipped", hint="remove a --skip")
    return left


def similar_ids(checks: Sequence[Check], word: str) -> str:
    """A hint with the ids that are similar to the word."""
    known = {check.id: check.id for check in checks} | {check.step.value: check.step.value for check in checks}
    known |= {check.id.partition(".")[2]: check.id for check in checks}
    found = [known[match] for match in difflib.get_close_matches(word, known, n=3, cutoff=0.5)]
    found += [check.id for check in checks if word in check.id and word]
    unique = list(dict.fromkeys(found))[:3]
    return f"did you mean {' or '.join(unique)}?" if unique else "createflow checks lists them all"


def injects_faults(profile: Profile, checks: Sequence[Check]) -> bool:
    """Whether one of these checks injects a fault of the profile."""
    return bool(profile.faults) and any(
        parameter.role is Faults for check in checks for parameter in check.parameters.values()
    )
