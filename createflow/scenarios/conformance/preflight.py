"""Before the first check: one create, as each principal and sink sees it. What would stop every check stops here."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any

from createflow.scenarios.conformance.sink_looks import copies_of
from createflow.scenarios.harness.check import PROFILE_KEYS
from createflow.scenarios.harness.probe_set import ProbeSet, SinkUnreachable
from createflow.scenarios.outcome import Inconclusive, NotDeclared, Prevented
from createflow.scenarios.sinks.failure import reason_of
from createflow.scenarios.sinks.mapping import WrongMapping
from createflow.scenarios.sinks.polling import eventually
from createflow.scenarios.sinks.sink import AuditTrail, Cache, EventLog, Replicas, SearchIndex
from createflow.scenarios.target.http_client import HttpConnection, NoReply
from createflow.scenarios.target.http_target import HttpTarget
from createflow.scenarios.target.principal import Principal
from createflow.scenarios.target.reply import Reply
from createflow.scenarios.target.run_context import RunContext
from createflow.scenarios.text.secret_mask import Mask
from createflow.schemas.error import TargetError
from createflow.schemas.profile import Deadlines, Profile
from createflow.schemas.profile_auth import Auth, EnvironmentAuth

_OWNER = "preflight"
_LONGEST_LOOK_S = 5.0
_KNOCK_AGAIN_S = 0.25
_STARTING = frozenset({502, 503, 504})
"""What a proxy says while the target behind it starts."""
_MOST_SHOWN = 300
_CAUSES: dict[int, tuple[str, str]] = {
    403: ("the writer may not create", "give it the role or scope that a create needs, or name another writer"),
    404: ("there is no such path", "target.path, and the prefix of a proxy before it"),
    405: ("the path takes no such request", "target.method and target.path"),
    406: ("no reply of that kind is offered", "target.accept"),
    411: ("the length of a body is asked for", "a proxy before the target that changes requests"),
    412: ("a condition is not met", "target.headers"),
    413: ("the body is too large", "target.body"),
    415: ("no body of that kind is read", "target.media_type"),
    428: ("a condition is asked for", "target.headers"),
}
"""What it means that the first create is refused so, and what to look at (RFC 9110 §15.5; RFC 6585)."""
_INVALID = (
    "the body is not accepted",
    "target.schema_file or target.body; createflow init --openapi writes them",
)


@dataclass(frozen=True, slots=True)
class Looked:
    """One thing that was looked at."""

    what: str
    """``create``, ``read``, the name of a principal, or a sink's key in the profile."""
    seen: str
    took_ms: float
    is_doubtful: bool = False
    """A check may find it a fault. It may also be that the profile says it wrong."""


OnLooked = Callable[[Looked], None]


async def preflight(probes: ProbeSet, on_looked: OnLooked) -> None:
    """Create one resource and look at it with every principal and in every sink that the profile declares.

    What the target does badly is left to the checks: a 5xx, a read that fails, a copy that is not there.

    Raises:
        TargetError: the credential, the create or a sink is refused, so that no check could tell anything. The message
            has what was sent and what came; the hint has the keys of the profile that mend it.
    """
    target = probes.target_by(_OWNER)
    with _timing() as took:
        created = await _created(target, probes, on_looked, took)
    if created is None:
        return
    url = await _read(target, created, on_looked)
    if url:
        await _other_principals(target, probes, url, on_looked)
    looks = [_sink(probes, role, created, target, on_looked) for role in probes.configured_sinks()]
    for problem in await asyncio.gather(*looks, return_exceptions=True):
        if isinstance(problem, BaseException):
            raise problem


@contextmanager
def _timing() -> Iterator[Callable[[], float]]:
    """Milliseconds since the block began."""
    start_s = time.perf_counter()
    yield lambda: round((time.perf_counter() - start_s) * 1000, 1)


async def wait_until_up(profile: Profile, wait_s: float) -> None:
    """Wait until the target answers with anything but 502, 503 and 504, at most so long.

    Raises:
        TargetError: nothing has answered.
    """
    end_s = time.monotonic() + wait_s
    async with _connection_to(profile) as connection:
        while True:
            try:
                status = await connection.require_reachable()
            except TargetError:
                if time.monotonic() > end_s:
                    raise
            else:
                if status not in _STARTING or time.monotonic() > end_s:
                    return
            await asyncio.sleep(_KNOCK_AGAIN_S)


@asynccontextmanager
async def _connection_to(profile: Profile) -> AsyncIterator[HttpConnection]:
    """A connection to the target that no run uses."""
    connection = HttpConnection(RunContext(profile, _OWNER, Mask()))
    try:
        yield connection
    finally:
        await connection.close()


async def _created(
    target: HttpTarget, probes: ProbeSet, on_looked: OnLooked, took: Callable[[], float]
) -> Reply | None:
    """The accepted create; ``None`` where a check has to tell why there is none."""
    try:
        reply = await target.create(target.contract.document())
    except (NoReply, Inconclusive, Prevented) as error:
        on_looked(Looked("create", f"no usable reply: {error}", took(), is_doubtful=True))
        return None
    if 400 <= reply.status < 500:
        cause, hint = _cause_of(reply, target.writer, probes)
        raise _error(f"{cause}: the first create was answered {reply.status}", reply, probes, hint=hint)
    location = reply.headers.get("location", "")
    seen = f"{reply.status}, Location {location[:_MOST_SHOWN]}" if location else f"{reply.status}, no Location"
    on_looked(Looked("create", seen, took(), is_doubtful=not reply.accepted))
    return reply if reply.accepted else None


async def _read(target: HttpTarget, created: Reply, on_looked: OnLooked) -> str:
    """Its URL, where a read of it was answered; else nothing."""
    with _timing() as took:
        try:
            url = target.url_of(created)
            reply = await target.read(url, may_be_lost=True)
        except (NoReply, Inconclusive, Prevented, NotDeclared) as error:
            on_looked(Looked("read", f"{error}", took(), is_doubtful=True))
            return ""
        on_looked(Looked("read", f"{reply.status}", took(), is_doubtful=not reply.accepted))
    return url if reply.accepted else ""


async def _other_principals(target: HttpTarget, probes: ProbeSet, url: str, on_looked: OnLooked) -> None:
    """Whether the target knows each of the others: what they may do is for the checks."""
    tokens = probes.tokens(_OWNER)
    for name in ("other_writer", "reader"):
        if tokens is None:
            continue
        try:
            who: Principal = getattr(tokens, name)()
        except NotDeclared:
            continue
        with _timing() as took:
            try:
                reply = await target.read(url, who=who, may_be_lost=True)
            except (NoReply, Inconclusive, Prevented) as error:
                on_looked(Looked(name, f"{error}", took(), is_doubtful=True))
                continue
            if reply.status == 401:
                text = f"the credential of the principal {name} is not taken: a read was answered 401"
                raise _error(text, reply, probes, hint=_credential_hint(probes.profile.auth, name))
            on_looked(Looked(name, f"known: a read is answered {reply.status}", took()))


async def _sink(probes: ProbeSet, role: type, created: Reply, target: HttpTarget, on_looked: OnLooked) -> None:
    """Whether a sink answers, and shows the create before its deadline."""
    key = PROFILE_KEYS[role]
    resource_id = target.id_in(created)
    with _timing() as took:
        try:
            sink = probes.sink(role)
            if resource_id is None:
                on_looked(Looked(key, "it answers; the reply to the create has no id to look for", took()))
                return
            within_s = min(_deadline_s(role, probes.profile.deadlines), _LONGEST_LOOK_S)
            is_there = await _is_there(role, sink, str(resource_id), within_s)
        except SinkUnreachable as error:
            hint = f"its address, the credential and the rights of it, in [{key}]"
            raise TargetError(probes.profile.target.base_url, str(error), hint=hint) from None
        except WrongMapping as error:
            hint = f"createflow sinks shows what it has; [{key}]"
            raise TargetError(probes.profile.target.base_url, str(error), hint=hint) from None
        except (Inconclusive, NotDeclared) as error:
            on_looked(Looked(key, f"it cannot tell: {error}", took(), is_doubtful=True))
            return
        except Exception as error:  # noqa: BLE001 - whatever a client library raises, the sink cannot be asked
            text = f"{key} cannot be asked for the create: {reason_of(error)[:_MOST_SHOWN]}"
            raise TargetError(probes.profile.target.base_url, text, hint=f"the queries and names of [{key}]") from None
        missing = f"not there after {within_s:g} s: look at the mapping in [{key}]"
        on_looked(Looked(key, "there" if is_there else missing, took(), is_doubtful=not is_there))


async def _is_there(role: type, sink: Any, resource_id: str, within_s: float) -> bool:
    tables = sink.each() if role is Replicas else [sink]
    asking = [eventually(copies_of(role, one, resource_id), bool, within_s=within_s) for one in tables]
    return all(held for _, held in await asyncio.gather(*asking))


def _deadline_s(role: type, deadlines: Deadlines) -> float:
    """Within which a sink has the create; a second for the primary, which has none."""
    of_role: dict[type, float] = {
        AuditTrail: deadlines.audit_s,
        Replicas: deadlines.replica_s,
        Cache: deadlines.cache_s,
        EventLog: deadlines.event_s,
        SearchIndex: deadlines.index_s,
    }
    return of_role.get(role, 1.0)


def _cause_of(reply: Reply, writer: Principal, probes: ProbeSet) -> tuple[str, str]:
    """What the refusal of the first create means, and what to look at."""
    auth = probes.profile.auth
    if reply.status == 401 or (reply.status == 403 and auth.kind == "none"):
        cause = "the target asks for a credential" if writer.token is None else "the writer's credential is not taken"
        return cause, _credential_hint(auth, "writer")
    return _CAUSES.get(reply.status, _INVALID)


def _credential_hint(auth: Auth, principal: str) -> str:
    if auth.kind == "none":
        return "export CREATEFLOW_TOKEN=... with --url, or [auth] in a profile: createflow init"
    if isinstance(auth, EnvironmentAuth):
        variable = getattr(auth, f"{principal}_env", None)
        return f"the value of ${variable}; auth.kind, auth.header and auth.scheme"
    if auth.kind == "jwt":
        return "auth.key_file or secret_env, algorithm, issuer, audience, type, roles_claim; the target's log may tell"
    return f"auth.{principal}, auth.header and auth.scheme"


def _error(text: str, reply: Reply, probes: ProbeSet, *, hint: str) -> TargetError:
    exchange = reply.exchange
    challenge = reply.headers.get("www-authenticate", "")
    came = f"{reply.status}" + (f", WWW-Authenticate: {challenge}" if challenge else "")
    body = " ".join(reply.body[:_MOST_SHOWN].decode("utf-8", "replace").split())
    lines = [text, f"  sent: {exchange.curl}", f"  came: {came}" + (f", {body}" if body else "")]
    return TargetError(probes.profile.target.base_url, probes.mask.text("\n".join(lines)), hint=hint)
