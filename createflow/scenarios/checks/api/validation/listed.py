"""Every value at and around the bounds of the schema, each in every run: kept as sent, or refused."""

import asyncio
import copy
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from createflow.scenarios.bodies.bounded import fits
from createflow.scenarios.bodies.bounds import Judgement, Value, values_of
from createflow.scenarios.checks.support.deviations import Deviations
from createflow.scenarios.checks.support.every_method import writes_of
from createflow.scenarios.checks.support.fixtures import created, positive_controls
from createflow.scenarios.checks.support.json_values import (
    NOTHING,
    as_doubles,
    at,
    exact,
    has_constants,
    is_same,
    short,
)
from createflow.scenarios.harness.check import Need, check
from createflow.scenarios.outcome import NotDeclared
from createflow.scenarios.target.contract import Contract
from createflow.scenarios.target.probes import Target
from createflow.scenarios.target.reply import Reply
from createflow.schemas.flow import Step

_AT_ONCE = 8
_MARKER = "createflow-puts-the-value-here"
_DEEPEST = 3
_REST_BYTES = 1024
"""Of a body, besides the value."""
_OF_THE_WHOLE = {
    "allOf",
    "anyOf",
    "oneOf",
    "not",
    "if",
    "dependentRequired",
    "dependentSchemas",
    "minProperties",
    "$ref",
}
_NO_ERROR = "no server error to any value"
_REFUSED = "a refusal of what the schema does not allow"
_ACCEPTED = "what the schema allows accepted"
_KEPT = "an accepted value kept as it was sent"
_OTHER_REFUSALS = frozenset({401, 403, 404, 405, 429})
"""They are no judgement on a value."""


@dataclass(frozen=True, slots=True)
class _Case:
    """One body."""

    text: str
    body: bytes
    path: tuple[str, ...]
    raw: bytes | None
    """The value at the path; ``None`` when it is left out."""
    fits: bool | None
    """``None``: the schema does not say."""
    is_variant: bool = False
    """It is sent as a create only."""


@check(
    step=Step.VALIDATION,
    source="contract: validation; contract: invalid-400; contract: normalisation; the target's schema",
    catches=("null_is_default", "update_unvalidated", "nan_is_null"),
    limit_s=60.0,
)
async def listed_values_are_judged_by_the_schema(target: Target) -> None:
    """Every listed value that the schema allows is kept as sent, and every other one is refused, by updates as well.

    How: for each property absent, null, each type, empty, one below, at and above each bound, and what is no JSON. The
    schema decides before anything is sent. Numbers are compared as they are written.
    """
    await _try([case for case in await _cases(target) if case.fits is not None], target)


@check(
    step=Step.VALIDATION,
    source="contract: normalisation; contract: invalid-400; RFC 7493 §2.2; CWE-197; CWE-222",
    catches=("large_integers_rounded", "long_texts_cut"),
    limit_s=60.0,
)
async def what_no_bound_covers_is_kept_or_refused(target: Target) -> None:
    """Long texts, numbers past 32, 53 and 64 bits, odd characters and depth are refused, or kept exactly as sent.

    Numbers that lose what a double cannot hold are a should where our own contract is not promised: RFC 8259 §6 lets a
    server limit their range and precision. Why: a value that is cut or rounded without a word is lost, and the client
    believes it is kept.
    """
    await _try([case for case in await _cases(target) if case.fits is None], target)


@check(
    step=Step.VALIDATION,
    source="contract: validation; RFC 7493 §2.3",
    catches=("inner_duplicates_pass", "updates_keep_last_key"),
    needs=(Need.UNIQUE_KEYS,),
)
async def inner_duplicate_keys_are_400(target: Target) -> None:
    """A duplicate key is refused with 400 at every depth of a body, in a create and in an update."""
    contract = target.contract
    if not contract.is_promised:
        raise NotDeclared("the schema cannot say whether keys may be repeated")
    forms = {
        "twice in metadata": b'{"k":1,"k":2}',
        "twice with equal values": b'{"k":1,"k":1}',
        "twice at depth 3": b'{"a":{"b":{"k":1,"k":2}}}',
        "twice in a list": b'{"a":[{"k":1,"k":2}]}',
        "twice, once escaped": rb'{"k":1,"\u006b":2}',
    }
    deviations = Deviations()
    async with positive_controls(target):
        made = await created(target)
        for form, raw in forms.items():
            deviations.count()
            for write, reply in await writes_of(target, made, _with(contract.document(), ("metadata",), raw)):
                if not (reply.means(400) or reply.status == 400):
                    deviations.note("400 to a duplicate key", f"{reply.status} to {write} with a key {form}", reply)
    deviations.judge()


async def _cases(target: Target) -> list[_Case]:
    contract = target.contract
    if not contract.has_schema:
        raise NotDeclared("`target.schema_file` is not configured")
    # Such a schema judges a body as a whole, not each property.
    is_whole = bool(_OF_THE_WHOLE & contract.schema.keys())
    found = []
    for number, (path, parent) in enumerate(_properties(contract)):
        longest = None if contract.max_body_bytes is None else contract.max_body_bytes - _REST_BYTES
        schema = _object(parent["properties"][path[-1]])
        is_name = path == (contract.text_field,)
        has_syntax = is_name or (number == 0 and not contract.text_field)  # what is no JSON is tried once
        values = values_of(schema, longest=longest, unique=is_name, with_syntax=has_syntax)
        asked = [value.parsed for value in values if value.judgement is Judgement.SCHEMA]
        verdicts = iter(await fits({**contract.schema, "properties": parent["properties"]}, path[-1], asked))
        name = ".".join(path)
        for value in values:
            does_fit = _verdict(value, verdicts, is_whole=is_whole)
            body = _with(contract.document(), path, value.raw)
            found.append(_Case(f"{name} = {value.text}", body, path, value.raw, does_fit, value.is_variant))
        does_fit = None if is_whole else path[-1] not in parent.get("required", [])
        found.append(_Case(f"{name} absent", _with(contract.document(), path, None), path, None, does_fit))
    return found


def _verdict(value: Value, verdicts: Iterator[bool | None], *, is_whole: bool) -> bool | None:
    match value.judgement:
        case Judgement.SCHEMA:
            does_fit = next(verdicts)
            return None if does_fit and is_whole else does_fit
        case Judgement.REFUSED:
            return False
        case Judgement.KEPT_OR_REFUSED:
            return None


def _properties(contract: Contract) -> Iterator[tuple[tuple[str, ...], dict[str, Any]]]:
    """The path of each property, and the schema of the object that it is in."""
    rest: list[tuple[tuple[str, ...], dict[str, Any], Any]] = [((), contract.schema, contract.document())]
    while rest:
        path, parent, shown = rest.pop(0)
        for name, schema in parent.get("properties", {}).items():
            yield (*path, name), parent
            inner = shown.get(name)
            if isinstance(inner, dict) and len(path) + 1 < _DEEPEST:
                rest.append(((*path, name), _object(schema), inner))


def _object(schema: Any) -> dict[str, Any]:
    # ``true`` is a schema, which allows everything.
    return schema if isinstance(schema, dict) else {}


def _with(document: dict[str, Any], path: tuple[str, ...], raw: bytes | None) -> bytes:
    """The body with these bytes at the path, or without what is there."""
    whole = copy.deepcopy(document)
    inner = whole
    for name in path[:-1]:
        inner = inner[name]
    if raw is None:
        inner.pop(path[-1], None)
        return json.dumps(whole, ensure_ascii=False).encode()
    inner[path[-1]] = _MARKER
    return json.dumps(whole, ensure_ascii=False).encode().replace(json.dumps(_MARKER).encode(), raw, 1)


async def _try(cases: list[_Case], target: Target) -> None:
    """Send each case, a few at once, and judge it."""
    deviations = Deviations()
    at_once = asyncio.Semaphore(_AT_ONCE)
    async with positive_controls(target):
        url = (await created(target)).url if target.contract.update else ""

        async def send(case: _Case) -> None:
            async with at_once:
                deviations.count()
                await _create(target, case, deviations)
                if url and case.fits is False and not case.is_variant:
                    await _update(target, url, case, deviations)

        try:
            async with asyncio.TaskGroup() as group:
                for case in cases:
                    group.create_task(send(case))
        except* Exception as failures:  # noqa: BLE001 - the first exception of the group is raised
            raise failures.exceptions[0] from None
    deviations.judge()


async def _create(target: Target, case: _Case, deviations: Deviations) -> None:
    reply = await target.create(case.body)
    if reply.status >= 500:
        deviations.note(_NO_ERROR, f"{reply.status} to {case.text}", reply)
    elif case.fits is False:
        if not _is_refused(target, reply):
            deviations.note(_REFUSED, f"{reply.status} to {case.text}", reply)
    elif reply.accepted:
        await _compare(target, case, reply, deviations)
    elif case.fits:
        deviations.note(_ACCEPTED, f"{reply.status} to {case.text}", reply)


async def _update(target: Target, url: str, case: _Case, deviations: Deviations) -> None:
    reply = await target.send(
        "PUT",
        url,
        headers={"content-type": target.contract.media_type},
        content=target.contract.wire_format.wrap(case.body),
    )
    if reply.status in {409, 428}:
        return  # such a target judges first whether a version is named, or another update is at work
    if not _is_refused(target, reply):
        expected = _NO_ERROR if reply.status >= 500 else _REFUSED
        deviations.note(expected, f"{reply.status} to an update with {case.text}", reply)


def _is_refused(target: Target, reply: Reply) -> bool:
    """A refusal as the contract or the profile has it; any 4xx where neither says how bodies are refused."""
    if target.contract.is_default or "validation" in target.contract.errors.statuses:
        return reply.means(400, 413) or reply.status == 400  # some tell what cannot be read from what does not fit
    return 400 <= reply.status < 500 and reply.status not in _OTHER_REFUSALS


async def _compare(target: Target, case: _Case, reply: Reply, deviations: Deviations) -> None:
    """The value in the reply and in a read, with the one that was sent."""
    read = await target.read(target.url_of(reply))
    if case.raw is None or not read.accepted or not _is_shown(target, case.path):
        return  # another check reads what was created
    sent = target.contract.opened(case.path, exact(case.raw))
    for seen, where in ((reply, "reply"), (read, "read")):
        shown = at(target.contract.wire_format.exact(seen.body, is_read=seen is read), case.path)
        if shown is NOTHING and seen is reply:
            continue  # some targets show all fields only to a read
        if has_constants(shown):
            return  # such a reply is no JSON: json_is_json tells it
        if not is_same(sent, shown):
            text = f"{case.text} shown as {short(shown)} in the {where}"
            is_like = is_same(as_doubles(sent), as_doubles(shown)) or _is_default_left_out(target, case, sent, shown)
            is_lesser = not target.contract.is_promised and is_like
            deviations.note(_KEPT, text, *([reply] if seen is reply else [reply, read]), is_lesser=is_lesser)
            return


def _is_default_left_out(target: Target, case: _Case, sent: Any, shown: Any) -> bool:
    """Whether a value is not shown that its property has by default: what is absent means that then."""
    properties: Any = target.contract.properties
    declared: Any = {}
    for name in case.path:
        declared = properties.get(name, {}) if isinstance(properties, dict) else {}
        properties = declared.get("properties", {})
    return shown is NOTHING and "default" in declared and is_same(sent, declared["default"])


def _is_shown(target: Target, path: tuple[str, ...]) -> bool:
    """Whether replies show this property."""
    body: Any = None
    for name in reversed(path):
        body = {name: body}
    return at(target.contract.shown(body), path) is not NOTHING
