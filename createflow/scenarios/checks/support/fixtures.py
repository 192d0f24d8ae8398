"""Ordinary creates: the resource that a check continues with, and the positive control around what it does."""

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote

from createflow.scenarios.bodies.bounded import misfits
from createflow.scenarios.harness.expect import expect
from createflow.scenarios.harness.recovery import wait_for_recovery
from createflow.scenarios.outcome import Inconclusive, NotDeclared, Prevented
from createflow.scenarios.sinks.field_equality import differences
from createflow.scenarios.sinks.sink import Primary, Row
from createflow.scenarios.target.contract import Contract
from createflow.scenarios.target.location import usable_id
from createflow.scenarios.target.principal import Principal
from createflow.scenarios.target.probes import Target
from createflow.scenarios.target.reply import Reply

_LONG_RUN = 8


@dataclass(frozen=True, slots=True)
class Resource:
    """A created resource, as the reply shows it."""

    reply: Reply
    shown: dict[str, Any]
    id: str
    name: str
    target: Target

    @property
    def url(self) -> str:
        """Where it is read.

        Raises:
            Prevented: its Location cannot be used, as another check reports.
        """
        return self.target.url_of(self.reply)


async def created(
    target: Target,
    body: Mapping[str, Any] | None = None,
    *,
    who: Principal | None = None,
    headers: Mapping[str, str] | None = None,
) -> Resource:
    """Create a resource that the check continues with.

    Raises:
        Inconclusive: an ordinary create is not accepted or its reply shows no resource; other checks test that.
    """
    sent = target.contract.document() if body is None else dict(body)
    reply = await target.create(sent, who=who, headers=headers)
    return resource_in(target, reply, sent)


def resource_in(target: Target, reply: Reply, sent: Mapping[str, Any]) -> Resource:
    """The resource that a reply to a create shows. Raises Inconclusive when it shows none."""
    if not reply.accepted:
        raise Inconclusive(f"an ordinary create was answered with {reply.status}")
    shown = reply.document
    if shown is None:
        raise Inconclusive("the reply to an ordinary create is no JSON object with an id")
    resource_id = usable_id(shown.get(target.contract.fields.id))
    if resource_id is None:
        raise Inconclusive("the reply to an ordinary create shows no id that names a resource")
    name = str(sent.get(target.contract.fields.name, ""))
    return Resource(reply, shown, resource_id, name, target)


@asynccontextmanager
async def positive_controls(target: Target, *, who: Principal | None = None) -> AsyncIterator[None]:
    """Positive control: the principal's ordinary creates are accepted before and after the block.

    Raises:
        Inconclusive: one of them was not.
    """
    for moment in ("before", "after"):
        reply = await target.create(who=who)
        if not reply.accepted:
            raise Inconclusive(f"the ordinary create {moment} the test was answered with {reply.status}")
        if moment == "before":
            yield


async def expect_recovery(target: Target) -> None:
    """Fail the check unless ordinary creates are accepted again within the deadline."""
    within_s = target.deadlines.recovery_s
    last, has_recovered = await wait_for_recovery(target, within_s=within_s)
    expect(has_recovered, f"creates accepted within {within_s:g} s of the repair", last)


async def rows_of(target: Target, body: Mapping[str, Any], primary: Primary | None) -> list[Row] | None:
    """The rows of the primary with the name in a body; ``None`` when they cannot be looked up by name."""
    if primary is None:
        return None
    try:
        return await primary.by_name(target.contract.name_in(body))
    except NotDeclared:
        return None


async def etag_of(target: Target, made: Resource) -> str:
    """The entity tag of a resource that was just created.

    Raises:
        Expectation: there is none, and the profile declares versions.
        Inconclusive: it is weak, and the profile declares versions.
        NotDeclared: there is none, or a weak one.
    """
    etag = made.reply.headers.get("etag") or (await target.read(made.url)).headers.get("etag")
    if etag is None:
        told = "an ETag on the create or the read"
        expect(not target.contract.versions, told, "none", made.reply, about=["etag"])
        raise NotDeclared("neither the create nor the read has an ETag")
    if etag.startswith("W/"):
        reason = "the entity tags are weak, and If-Match never holds for those (RFC 9110 §8.8.3.2, §13.1.1)"
        # A hash of the body for caches (Express sends one by itself) is no promise about updates.
        if target.contract.versions:
            raise Inconclusive(f"{reason}; where updates name no version, target.versions = false")
        raise NotDeclared(reason)
    return etag


def shown_after(contract: Contract, reply: Reply, sent: Mapping[str, Any]) -> Mapping[str, Any]:
    """The resource as the reply to an update of it shows it; empty where it does not.

    A 200 may as well say how the update went (RFC 9110 §15.3.1): then nothing of the resource is in it. Where our own
    contract is promised, it is the resource.
    """
    shown = reply.representation or {}
    is_resource = contract.is_promised or bool(shown.keys() & {contract.fields.id, *sent})
    return shown if is_resource else {}


def lasting(target: Target, shown: Mapping[str, Any]) -> dict[str, Any]:
    """What every read of a resource shows alike: all of it where our own contract is promised, else what is declared.

    A target may show more, such as how old a resource is, or who looks at it.
    """
    contract = target.contract
    known = {*contract.fields.declared(), *contract.properties, contract.fields.name}
    return {name: value for name, value in shown.items() if contract.is_promised or name in known}


def missing_url(made: Resource) -> str:
    """A URL whose id has the same form as that of this resource, but which names none."""
    stem, own, ending = _around_id(made)
    name, dot, rest = unquote(own).partition(".")
    return f"{stem}{quote(_far_from(name), safe='')}{dot}{quote(rest, safe='')}{ending}"


def url_with(made: Resource, name: str) -> str:
    """The URL of another id, written as it is to be sent, in the form of this resource's: ``/issues/{id}.json``."""
    stem, own, ending = _around_id(made)
    known = next((form for form in _forms(made.id) if own.startswith(form)), own)
    return f"{stem}{name}{own[len(known) :]}{ending}"


def below(url: str) -> str:
    """A URL below that of a resource, where nothing is."""
    path, mark, rest = url.partition("?")
    slash = "/" if path.endswith("/") else ""  # where every path has one at its end, one without it is redirected
    return f"{path.rstrip('/')}/no/such/path{slash}{mark}{rest}"


def _forms(resource_id: str) -> tuple[str, str]:
    return quote(resource_id, safe=""), resource_id


def _around_id(made: Resource) -> tuple[str, str, str]:
    """A URL in three parts: what names the resource, and what is before and after it.

    That is the last segment of the path that has the id, as in ``/issues/{id}/``, unless a value of the query is the id
    (RFC 3986 §3.4: path and query identify a resource together); else the last one with anything in it.
    """
    path, mark, query = made.url.partition("?")
    segments = path.split("/")
    with_id = [place for place, one in enumerate(segments) if any(form in one for form in _forms(made.id))]
    if not with_id:
        for pair in query.split("&"):
            key, sign, value = pair.partition("=")
            if value in _forms(made.id):
                before, _, after = query.partition(pair)
                return f"{path}{mark}{before}{key}{sign}", value, after
    place = with_id[-1] if with_id else max(place for place, one in enumerate(segments) if one)
    after = "".join(f"/{one}" for one in segments[place + 1 :])
    return f"{'/'.join(segments[:place])}/", segments[place], f"{after}{mark}{query}"


def _far_from(name: str) -> str:
    """A name of the same form, which is not the next of a counter."""
    run = re.findall(r"[0-9A-Za-z]*$", name)[0]
    stem = name[: len(name) - len(run)]
    if run.isdigit() and len(run) < 20:
        return f"{stem}{int(run) + 1_000_000_000:0{len(run)}}"
    digit = re.search(r"[0-9]", run)
    if digit is None or len(run) < _LONG_RUN:
        return f"{name}-no-such"
    place = digit.start()
    return f"{stem}{run[:place]}{9 - int(run[place])}{run[place + 1 :]}"


async def fits_schema(contract: Contract, bodies: Sequence[Mapping[str, Any]]) -> list[bool]:
    """Whether each body is one that the target must accept: it fits the schema and the formats in it."""
    if contract.is_default or not contract.schema:
        return [True] * len(bodies)
    return [not problem for problem in await misfits(contract.schema, bodies)]


def require_right_row(row: Row, write: Reply) -> None:
    """Require that the primary's row is what the reply shows, so that a copy of it can be judged.

    Raises:
        Prevented: it is not, as the checks of the primary report.
    """
    shown = {name: value for name, value in (write.document or {}).items() if name in row}
    wrong = differences(shown, row)
    if wrong:
        is_create = write.exchange.method == "POST"
        cause = "write_primary.row_equals_reply" if is_create else "write_primary.rows_equal_writes"
        raise Prevented(cause, f"the primary has another {wrong[0]} than the reply to the write")
