"""Everything that a run's checks can ask through, opened once, handed out by role."""

import asyncio
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol, Self

from createflow.scenarios.harness.check import Check
from createflow.scenarios.outcome import NotDeclared
from createflow.scenarios.sinks.elastic_index import ElasticIndex
from createflow.scenarios.sinks.nats_events import NatsEvents
from createflow.scenarios.sinks.postgres_rows import DeclaredReplicas, PostgresRows
from createflow.scenarios.sinks.redis_cache import RedisCache
from createflow.scenarios.target.callback_listener import CallbackListener, is_loopback
from createflow.scenarios.target.contract import Contract
from createflow.scenarios.target.fault_commands import DeclaredFaults
from createflow.scenarios.target.http_client import HttpConnection
from createflow.scenarios.target.http_target import HttpTarget
from createflow.scenarios.target.issuer_key import IssuerKey
from createflow.scenarios.target.probes import (
    AuditTrail,
    Cache,
    EventLog,
    Faults,
    Handshakes,
    Primary,
    Replicas,
    SearchIndex,
    Target,
    Tokens,
)
from createflow.scenarios.target.raw_http import RawSocket
from createflow.scenarios.target.raw_probes import Callbacks, Issuer, RawHttp
from createflow.scenarios.target.setup_requests import set_up, tear_down
from createflow.scenarios.target.templates import filled_path
from createflow.scenarios.target.tls_handshakes import TlsHandshakes
from createflow.scenarios.target.token_supply import TokenSupply, token_supply
from createflow.scenarios.target.tokens import named_values, tokens_for, writer_of
from createflow.scenarios.text.secret_mask import Mask
from createflow.schemas.profile import BasicAuth, JwtAuth, Profile

_LONGEST_OPENING_S = 10.0
_LONGEST_TEARDOWN_S = 15.0


class SinkUnreachable(Exception):  # noqa: N818 - read as a statement
    """A sink that the profile declares does not answer: we cannot tell, and the target is not to blame."""


class _Openable(Protocol):
    @property
    def address(self) -> str: ...

    async def open(self) -> Any: ...

    async def close(self) -> None: ...


@dataclass(slots=True)
class Kit:
    """The probes of one run.

    Raises:
        UserError: the create schema, a key or a token of the profile cannot be used.
    """

    profile: Profile
    run_id: str
    mask: Mask
    connection: HttpConnection = field(init=False)
    contract: Contract = field(init=False)
    unhealed: str = ""
    """Which fault could not be taken out; from then on nothing can be blamed on the target."""
    _sinks: dict[type, Any] = field(default_factory=dict)
    _opened: list[_Openable] = field(default_factory=list)
    _failures: dict[type, str] = field(default_factory=dict)
    _supply: TokenSupply | None = field(init=False)
    _surrounded: bool = False

    def __post_init__(self) -> None:
        """Read what the profile names; nothing is connected yet."""
        self.contract = Contract(self.profile.target)
        tokens_for(self.profile.auth, self.run_id)
        self._supply = token_supply(self.profile.auth, self.mask)
        self.connection = HttpConnection(self.profile, self.run_id, self.mask)
        for secret in _secrets(self.profile):
            self.mask.add_url(secret)
        if isinstance(self.profile.auth, BasicAuth):
            for value in named_values(self.profile.auth, os.environ).values():
                self.mask.add(value.partition(":")[2])

    async def __aenter__(self) -> Self:
        """See that the target answers, then open every declared sink, all at once.

        A sink that does not open is told by the checks that need it.

        Raises:
            TargetError: nothing answers at the target's address, or a set-up request is not accepted.
        UserError: nothing gives a variable of the create path its value.
        """
        try:
            await self.connection.knock()
            if self._supply is not None:
                await self._supply.open()
            self._surrounded = True
            await set_up(self.connection, self.profile.setup, writer_of(self._tokens(self.run_id)))
            # A variable without a value is told here, once, not by every check.
            filled_path(self.profile.target.path, {**self.connection.variables, "new_id": ""})
        except BaseException:
            await self.__aexit__()
            raise
        sinks = self.profile.sinks
        opening: list[tuple[type, Callable[[], Any], tuple[_Openable, ...]]] = []
        if (primary := sinks.primary) is not None:
            rows = PostgresRows("the primary", primary.dsn.get_secret_value(), primary)
            opening.append((Primary, lambda: rows, (rows,)))
            replicas = tuple(PostgresRows(sink.name, sink.dsn.get_secret_value(), primary) for sink in sinks.replicas)
            if replicas:
                opening.append((Replicas, lambda: DeclaredReplicas(replicas), replicas))
        if (audit := sinks.audit) is not None:
            trail = PostgresRows("the audit trail", audit.dsn.get_secret_value(), audit)
            opening.append((AuditTrail, lambda: trail, (trail,)))
        if sinks.cache is not None:
            cache = RedisCache(sinks.cache)
            opening.append((Cache, lambda: cache, (cache,)))
        if sinks.events is not None:
            events = NatsEvents(sinks.events, self.profile.target.fields.id)
            opening.append((EventLog, lambda: events, (events,)))
        if sinks.search is not None:
            search = ElasticIndex(sinks.search)
            opening.append((SearchIndex, lambda: search, (search,)))
        await asyncio.gather(*(self._open(role, make(), parts) for role, make, parts in opening))
        self._connect_nothing()
        return self

    def _connect_nothing(self) -> None:
        """The probes that open their own connections when they are used."""
        target = self.profile.target
        if target.base_url.startswith("https://"):
            self._sinks[Handshakes] = TlsHandshakes(target.base_url, target.ca_file)
        self._sinks[RawHttp] = RawSocket(self.connection)
        if is_loopback(target.base_url):
            self._sinks[Callbacks] = CallbackListener()
        if isinstance(self.profile.auth, JwtAuth):
            self._sinks[Issuer] = IssuerKey(self.profile.auth)
        if self.profile.faults:
            self._sinks[Faults] = DeclaredFaults(self.profile.faults)

    async def __aexit__(self, *_: object) -> None:
        """Tear down what was set up, and close everything."""
        await self.tear_down()
        if self._supply is not None:
            await self._supply.close()
        parts = [part.close() for part in self._opened]
        await asyncio.gather(self.connection.close(), *parts, return_exceptions=True)

    async def tear_down(self) -> tuple[str, ...]:
        """Send the tear-down requests, once. Returns what went wrong, in words."""
        if not self._surrounded:
            return ()
        self._surrounded = False
        who = writer_of(self._tokens(self.run_id))
        try:
            async with asyncio.timeout(_LONGEST_TEARDOWN_S):
                return await tear_down(self.connection, self.profile.teardown, who)
        except TimeoutError:
            return (f"the tear-down did not end within {_LONGEST_TEARDOWN_S:g} s",)

    def target_for(self, check: Check, number: int) -> HttpTarget:
        """The target with a writer that is this check's own."""
        tokens = self._tokens(self._owner(check, number))
        return HttpTarget(self.connection, self.contract, writer_of(tokens))

    def arguments(self, check: Check, target: HttpTarget, number: int) -> dict[str, Any]:
        """What the check's parameters ask for.

        Raises:
            NotDeclared: the profile has nothing for a role.
            SinkUnreachable: it has, but it does not answer.
        """
        for need in check.needs:
            if not need.met_by(self.profile):
                raise NotDeclared(f"not declared: {need.value}")
        return {
            name: self._filled(parameter.role, parameter.optional, target, check, number)
            for name, parameter in check.parameters.items()
        }

    def _filled(self, role: type, optional: bool, target: HttpTarget, check: Check, number: int) -> Any:  # noqa: FBT001
        if role is Target:
            return target
        if role in self._failures:
            raise SinkUnreachable(self._failures[role])
        filled = self._tokens(self._owner(check, number)) if role is Tokens else self._sinks.get(role)
        if filled is None and not optional:
            raise NotDeclared(f"no {role.__name__} configured")
        return filled

    def _tokens(self, owner: str) -> Tokens | None:
        return self._supply or tokens_for(self.profile.auth, owner)

    def _owner(self, check: Check, number: int) -> str:
        return f"createflow-{self.run_id}-{number}-{check.step.value}"

    async def _open(self, role: type, probe: Any, parts: tuple[_Openable, ...]) -> None:
        for part in parts:
            self._opened.append(part)
            try:
                async with asyncio.timeout(_LONGEST_OPENING_S):
                    await part.open()
            except Exception as error:  # noqa: BLE001 - whatever a client library raises, the sink does not answer
                words = str(error).splitlines()[0] if str(error) else type(error).__name__
                self._failures[role] = f"{role.__name__} at {part.address} does not answer: {words}"
                return
        self._sinks[role] = probe


def _secrets(profile: Profile) -> list[str]:
    sinks = profile.sinks
    declared = [sinks.primary, sinks.audit, *sinks.replicas]
    urls = [sink.dsn for sink in declared if sink is not None]
    urls += [sink.url for sink in (sinks.cache, sinks.events, sinks.search) if sink is not None]
    return [url.get_secret_value() for url in urls]
