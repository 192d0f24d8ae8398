"""What one load run is to do, worked out from what was asked and what the profile allows."""

import math
import secrets
from dataclasses import dataclass

from createflow.scenarios.contract import Contract
from createflow.scenarios.load.body import body_template
from createflow.scenarios.load.message import NodeConfig
from createflow.scenarios.load.principals import DEFAULT_COUNT, credential, enough_principals, tokens
from createflow.scenarios.load.schedule import ConstantRate
from createflow.schemas.error import UserError
from createflow.schemas.profile import Profile, StaticAuth

MAX_SENDERS_PER_NODE = 900
"""Above descriptor 1,023 the client's check of an idle connection (``select``) takes every connection for dead."""
_MIN_SENDERS = 50
_SENDERS_PER_RATE = 0.5
"""Enough for replies that take half a second each."""


@dataclass(frozen=True, slots=True)
class LoadPlan:
    """One run, ready to be handed to its nodes."""

    profile: Profile
    run_id: str
    rate_per_s: float
    duration_s: float
    warmup_s: float
    workers: int
    senders: int
    """Over all nodes: the most requests in flight."""
    tokens: tuple[str, ...]
    body: str
    notes: tuple[str, ...]
    """What the user should know about how the plan differs from what was asked."""

    @property
    def schedule(self) -> ConstantRate:
        """Warm-up and measured window are one schedule."""
        return ConstantRate(self.rate_per_s, self.warmup_s + self.duration_s)

    @property
    def timeout_s(self) -> float:
        """How long one request may take, and how old an unsent one may become."""
        return self.profile.target.timeout_s

    @property
    def url(self) -> str:
        """The create URL."""
        return self.profile.target.base_url.rstrip("/") + self.profile.target.path

    def node_configs(self) -> list[NodeConfig]:
        """One for each node; senders and schedule are divided, tokens are not."""
        target = self.profile.target
        return [
            NodeConfig(
                index=index,
                of=self.workers,
                run_id=self.run_id,
                base_url=target.base_url.rstrip("/"),
                path=target.path,
                ca_file=target.ca_file,
                headers=target.headers,
                tokens=self.tokens,
                body=self.body,
                media_type=target.media_type,
                accept=target.accept,
                credential=credential(self.profile.auth),
                rate_per_s=self.rate_per_s,
                warmup_s=self.warmup_s,
                duration_s=self.duration_s,
                senders=math.ceil(self.senders / self.workers),
                timeout_s=self.timeout_s,
                drain_s=self.timeout_s,
            )
            for index in range(self.workers)
        ]


def make_plan(
    profile: Profile,
    *,
    rate_per_s: float,
    duration_s: float,
    warmup_s: float,
    users: int | None = None,
    workers: int = 1,
    senders: int | None = None,
) -> LoadPlan:
    """Work out a run.

    Args:
        profile: the target.
        rate_per_s: arrivals a second over all nodes.
        duration_s: the measured window; the warm-up comes before it.
        warmup_s: excluded from every number.
        users: distinct principals; 100 unless asked, more when their rate limit needs it.
        workers: load nodes, a process each.
        senders: the most requests in flight; enough for replies of half a second unless asked.

    Raises:
        UserError: something asked for makes no sense.
    """
    if not rate_per_s > 0 or not duration_s > 0 or warmup_s < 0 or workers < 1:
        raise UserError("rate, duration and workers must be above zero", hint="createflow bench --rate 500")
    if (users is not None and users < 1) or (senders is not None and senders < 1):
        raise UserError("users and senders must be above zero", hint="leave them out for a sensible number")
    if "{" in profile.target.path or profile.setup:
        raise UserError("bench needs a create path without variables, and no set-up requests")
    notes: list[str] = []
    run_id = secrets.token_hex(4)
    principals = enough_principals(users or DEFAULT_COUNT, rate_per_s=rate_per_s, limits=profile.limits)
    if users and principals > users:
        notes.append(f"{principals} users instead of {users}, so that each stays below its rate limit")
    minted = tokens(profile, principals, run_id=run_id, lifetime_s=warmup_s + duration_s + 2 * profile.target.timeout_s)
    if isinstance(profile.auth, StaticAuth) and profile.limits and rate_per_s / len(minted) > profile.limits.rate_per_s:
        notes.append("the profile's static tokens are too few to stay below the rate limit: expect 429")
    most = MAX_SENDERS_PER_NODE * workers
    wanted = senders or max(_MIN_SENDERS, math.ceil(rate_per_s * _SENDERS_PER_RATE))
    if senders and wanted > most:
        notes.append(f"{most} senders instead of {senders}: {MAX_SENDERS_PER_NODE} a worker is the most")
    if profile.target.cleanup:
        notes.append("what the load created stays on the target: bench does not clean up")
    return LoadPlan(
        profile=profile,
        run_id=run_id,
        rate_per_s=rate_per_s,
        duration_s=duration_s,
        warmup_s=warmup_s,
        workers=workers,
        senders=min(wanted, most),
        tokens=minted,
        body=body_template(Contract(profile.target), run_id=run_id),
        notes=tuple(notes),
    )
