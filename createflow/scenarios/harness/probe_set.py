"""The probes of one run: opened once, and given to each check by the roles in its signature."""

import asyncio
import random
import re
from dataclasses import dataclass, field
from typing import Any, Self

from createflow.scenarios.harness.check import PROFILE_KEYS, Check, Lane, Parameter
from createflow.scenarios.harness.ending import Left, finish
from createflow.scenarios.harness.guardian.client import Guarding, RunGuardian
from createflow.scenarios.harness.guardian.faults import DeclaredFaults
from createflow.scenarios.harness.outage import Outage
from createflow.scenarios.harness.unanswered import list_unanswered
from createflow.scenarios.harness.write_sample import WriteSample
from createflow.scenarios.outcome import NotDeclared
from createflow.scenarios.sinks.failure import reason_of
from createflow.scenarios.sinks.registry import ConfiguredProbe, configured_probes, mask_secrets
from createflow.scenarios.sinks.sink import Primary, Sink
from createflow.scenarios.target.callback_listener import CallbackListener, is_loopback
from createflow.scenarios.target.contract import Contract
from createflow.scenarios.target.credentials.provider import AuthProvider, senders_of, writer_of
from createflow.scenarios.target.credentials.registry import auth_provider
from createflow.scenarios.target.http_client import BadReply, HttpConnection
from createflow.scenarios.target.http_target import HttpTarget
from createflow.scenarios.target.lifecycle.set_up import set_up
from createflow.scenarios.target.probes import Callbacks, Faults, Handshakes, Issuer, RawHttp, Target, Tokens
from createflow.scenarios.target.raw_http import RawCreate, RawSocket
from createflow.scenarios.target.run_context import RunContext
from createflow.scenarios.target.tls import TlsHandshakes
from createflow.scenarios.target.traffic.observed import CHECK_ID
from createflow.scenarios.target.write_record import WriteRecord
from createflow.scenarios.text.secret_mask import Mask
from createflow.schemas.flow import Step
from createflow.schemas.profile import Profile

_OPENING_TIMEOUT_S = 10.0
_SECRET_HEADER = re.compile("auth|key|token|secret|cookie|password", re.IGNORECASE)
_SHORTEST_SECRET = 8
"""Shorter ones may be ordinary words of a reply."""
_LONG_SUBJECT = "-With-Capitals-And-Longer-Than-A-Column-For-Names-Often-Is-" * 2
_ABSENT: dict[type, str] = {
    Issuer: '`auth` is not of kind "jwt", so the issuer\'s key is not known',
    Faults: "`faults` is not configured",
    RawHttp: '`target.http` is "2", and raw bytes are HTTP/1.1',
    Handshakes: "`target.base_url` is not https",
    Callbacks: "the target does not run on this machine, so it cannot reach a listener of the tester",
}
"""Why a check is skipped when nothing fills a role; for the others the profile's key says it."""


class SinkUnreachable(Exception):  # noqa: N818 - read as a statement
    """A configured sink does not answer. This is no fault of the target's."""


class SinkProbes:
    """The probes of the configured sinks."""

    def __init__(self, configured: list[ConfiguredProbe]) -> None:
        self._configured = configured
        self._probes: dict[type, Any] = {}
        self._errors: dict[type, str] = {}
        self._opened: list[Sink] = []

    async def open(self) -> None:
        """Open every sink concurrently. One that fails is reported by the checks that need it."""
        await asyncio.gather(*(self._open(probe) for probe in self._configured))

    async def close(self) -> None:
        """Close every sink that was opened."""
        await asyncio.gather(*(sink.close() for sink in self._opened), return_exceptions=True)

    def get(self, role: type) -> Any:
        """The probe that fills the role; ``None`` when the profile does not configure it.

        Raises:
            SinkUnreachable: it is configured, but does not answer.
        """
        if role in self._errors:
            raise SinkUnreachable(self._errors[role])
        return self._probes.get(role)

    def roles(self) -> list[type]:
        """Of all that the profile configures."""
        return [one.role for one in self._configured]

    def opened(self, role: type) -> Any:
        """The probe that fills the role, if it answered; else ``None``."""
        return self._probes.get(role)

    async def _open(self, configured: ConfiguredProbe) -> None:
        name = PROFILE_KEYS.get(configured.role, "a sink")
        for sink in configured.sinks:
            self._opened.append(sink)
            try:
                async with asyncio.timeout(_OPENING_TIMEOUT_S):
                    await sink.open()
            except Exception as error:  # noqa: BLE001 - whatever a client library raises, the sink does not answer
                reason = reason_of(error)
                self._errors[configured.role] = f"{name} at {sink.address} does not answer: {reason}"
                return
        self._probes[configured.role] = configured.probe


@dataclass(slots=True)
class ProbeSet:
    """All probes of one run, and the connection to the target.

    Raises:
        UserError: the create schema, a key, a token or a sink's address cannot be used.
    """

    profile: Profile
    run_id: str
    mask: Mask
    seed: int = 0
    """What checks generate depends on it and on the check's id alone."""
    guarding: Guarding = field(default_factory=Guarding)
    hurry: asyncio.Event = field(default_factory=asyncio.Event)
    """When it is set, the run ends at once, and its guardian does what is left."""
    context: RunContext = field(init=False)
    connection: HttpConnection = field(init=False)
    contract: Contract = field(init=False)
    guardian: RunGuardian = field(init=False)
    unhealed_fault: str = ""
    """The fault that could not be healed; from then on no failure can be blamed on the target."""
    causes: dict[str, str] = field(default_factory=dict)
    """The checks that were prevented, each with the id of the check that reports why."""
    about: dict[str, frozenset[str]] = field(default_factory=dict)
    """What the failures are about, by the ids of the checks."""
    bad_replies: dict[str, BadReply] = field(default_factory=dict)
    """The checks that met something that is not a whole reply."""
    secrets: tuple[str, ...] = field(init=False)
    """That the profile names: tokens and keys of principals, secret headers, passwords of sinks."""
    _auth: AuthProvider = field(init=False)
    _sinks: SinkProbes = field(init=False)
    _endpoint: dict[type, Any] = field(default_factory=dict)
    """The probes of the endpoint, which connect when they are used."""
    _is_finished: bool = False

    def __post_init__(self) -> None:
        """Read what the profile names; nothing is connected yet."""
        self.contract = Contract(self.profile.target, self.profile.promises, awaited=self.profile.captured)
        self._auth = auth_provider(self.profile.auth, self.mask)
        secrets = list(self._auth.secrets())
        for secret, shown in secrets:
            self.mask.add(secret, shown=shown)
        passwords = mask_secrets(self.profile.sinks, self.mask)
        headers = [value for name, value in self.profile.target.headers.items() if _SECRET_HEADER.search(name)]
        found = [*(secret for secret, _ in secrets), *headers, *passwords]
        self.secrets = tuple(dict.fromkeys(secret for secret in found if len(secret) >= _SHORTEST_SECRET))
        self._auth.tokens(self.run_id)
        self.context = RunContext(self.profile, self.run_id, self.mask)
        self.connection = HttpConnection(self.context)
        self.guardian = RunGuardian(self.profile, self.context, self.guarding)
        self.context.on_created = self.guardian.on_created
        self._sinks = SinkProbes(configured_probes(self.profile.sinks, self.profile.target.fields.id))

    async def __aenter__(self) -> Self:
        """Require that the target answers, send the set-up requests, then open every configured sink.

        Raises:
            TargetError: nothing answers at the target's address, or a set-up request is not accepted.
            UserError: a variable of the create path has no value.
        """
        try:
            await self.connection.require_reachable()
            await self._auth.open()
            await self.guardian.start_if_needed()
            senders = senders_of(self._auth.tokens(self.run_id))
            self.guardian.needs_teardown(senders)
            await set_up(self.connection, self.profile.setup, senders, lambda: self.guardian.needs_teardown(senders))
            self.contract.bind(self.context.variables)
            # A variable without a value is reported here, once, not by every check.
            self.context.path(self.profile.target.path, new_id="")
        except BaseException:
            await self.__aexit__()
            raise
        await self._sinks.open()
        self._endpoint = self._endpoint_probes()
        return self

    async def __aexit__(self, *_: object) -> None:
        """Finish unless that was done, and close everything."""
        try:
            await self.finish()
        finally:
            await self.guardian.end()
            await self._auth.close()
            await asyncio.gather(self.connection.close(), self._sinks.close(), return_exceptions=True)

    def sink(self, role: type) -> Any:
        """The sink that fills a role; ``None`` without one. Raises SinkUnreachable when it does not answer."""
        return self._sinks.get(role)

    async def finish(self) -> Left:
        """Remove what the run created and send the tear-down requests, once. Returns what is left."""
        if self._is_finished:
            return Left()
        self._is_finished = True
        if self.profile.target.cleanup and not self.hurry.is_set():
            await list_unanswered(self.connection, self.contract, self._sinks.opened(Primary))
        return await finish(self.connection, self.profile, self.guardian, self.hurry)

    def target_for(self, check: Check, number: int) -> HttpTarget:
        """The target, with a writer of the check's own."""
        writer = writer_of(self._auth.tokens(self._owner(check, number)))
        return HttpTarget(
            self.connection,
            self.contract,
            writer,
            check_id=check.id,
            is_patient=not check.disturbs,
            keeps_limit=check.step is not Step.RATE_LIMIT,
        )

    def target_by(self, name: str) -> HttpTarget:
        """The target, with a writer that no check has."""
        return HttpTarget(self.connection, self.contract, writer_of(self.tokens(name)))

    def tokens(self, name: str) -> Tokens | None:
        """The principals of somebody who is no check; ``None`` when the endpoint needs no credential."""
        return self._auth.tokens(f"createflow-{self.run_id}-{name}")

    def configured_sinks(self) -> list[type]:
        """The roles of the sinks that the profile declares."""
        return self._sinks.roles()

    def arguments(self, check: Check, target: HttpTarget, number: int) -> dict[str, Any]:
        """A probe for each parameter of the check.

        Raises:
            NotDeclared: the profile does not configure a role or another need of the check.
            SinkUnreachable: a sink is configured, but does not answer.
        """
        for need in check.needs:
            if not need.met_by(self.profile):
                raise NotDeclared(need.absence)
        return {name: self._argument(parameter, check, target, number) for name, parameter in check.parameters.items()}

    def _argument(self, parameter: Parameter, check: Check, target: HttpTarget, number: int) -> Any:
        role = parameter.role
        if role is Target:
            return target
        if role is random.Random:
            return random.Random(f"{self.seed}:{check.id}")  # noqa: S311 - no secret depends on it
        if role is Tokens:
            probe: Any = self._auth.tokens(self._owner(check, number))
        else:
            probe = self._sinks.get(role) or self._endpoint.get(role)
        if probe is None and role is Handshakes and self.profile.target.is_unverified:
            raise NotDeclared("`target.verify_tls` is false")
        if probe is None and not parameter.is_optional:
            raise NotDeclared(_ABSENT.get(role, f"`{parameter.profile_key or role.__name__}` is not configured"))
        return probe

    def _endpoint_probes(self) -> dict[type, Any]:
        target = self.profile.target
        return {
            WriteRecord: self.context.writes,
            WriteSample: WriteSample(
                self.context.writes,
                self._target_for_sample,
                limits=self.profile.limits,
                promised=target,
            ),
            Outage: Outage(
                self.context.writes,
                self._target_for_sample,
                promised=target,
                recovery_s=self.profile.deadlines.recovery_s,
            ),
            RawHttp: RawSocket(self.context, self.note_raw_create) if target.http == "1.1" else None,
            Handshakes: (
                TlsHandshakes(target.base_url, target.ca_file, target.certificate_parts)
                if target.base_url[:6] == "https:" and target.verify_tls
                else None
            ),
            Callbacks: CallbackListener() if is_loopback(target.base_url) else None,
            Issuer: self._auth.issuer(),
            Faults: (
                DeclaredFaults(self.profile.faults, self.guardian, self.context.traffic)
                if self.profile.faults
                else None
            ),
        }

    def note_raw_create(self, create: RawCreate) -> None:
        """Enter a create that was sent in raw bytes into the ledger of the run."""
        HttpTarget(self.connection, self.contract, create.who, check_id=CHECK_ID.get()).note_raw_create(create)

    def _target_for_sample(self, group: str) -> HttpTarget:
        # A subject is case-sensitive (RFC 7519 §4.1.2). Our own contract promises that all of it is kept.
        rest = _LONG_SUBJECT if self.contract.is_default else ""
        return self.target_by(f"sample-{group}{rest}")

    def _owner(self, check: Check, number: int) -> str:
        who = check.lane.value if check.lane is Lane.RATE else f"{number}-{check.step.value}"
        return f"createflow-{self.run_id}-{who}"
