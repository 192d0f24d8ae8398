"""A session with the target: everything before and after the load itself.

Before the load the run is planned, tokens are made, set-up requests are sent, and one create is tried: a problem with
the target is then reported once and clearly, instead of ten thousand times. Tear-down requests are sent after the load.
"""

import asyncio
import math
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from createflow.scenarios.harness.ending import send_tear_down
from createflow.scenarios.harness.guardian.client import Guarding, RunGuardian
from createflow.scenarios.load.plan.options import LoadOptions
from createflow.scenarios.load.plan.plan import LoadPlan, make_plan
from createflow.scenarios.load.plan.principals import DEFAULT_COUNT, Principals, count_principals
from createflow.scenarios.load.plan.request_forms import make_read_path
from createflow.scenarios.load.plan.resource_path import ResourcePaths
from createflow.scenarios.outcome import Prevented
from createflow.scenarios.target.http_client import HttpConnection, NoReply
from createflow.scenarios.target.http_target import HttpTarget
from createflow.scenarios.target.lifecycle.set_up import set_up
from createflow.scenarios.target.run_context import RunContext
from createflow.scenarios.target.setup_and_cleanup import patiently
from createflow.scenarios.text.secret_mask import Mask
from createflow.scenarios.verification.read_back import MOST_READS
from createflow.scenarios.verification.verifiable_sinks import reason_not_searchable
from createflow.schemas.error import TargetError, UserError
from createflow.schemas.operation import Operation
from createflow.schemas.profile import Profile

_SHOWN_CHARACTERS = 300
_HINTS = {
    401: "the target refused the token: check [auth] (issuer, audience, key, expiry)",
    403: "the principal may not create: check [auth] writer_roles",
    404: "the target does not know the path: check [target] path",
    405: "the path does not allow the method: check [target] path and method",
    413: "the body is too large for the target: check [target] schema_file",
    415: "the target does not accept the media type: check [target] media_type",
    400: "the body does not fit the target's schema: check [target] schema_file",
    422: "the body does not fit the target's schema: check [target] schema_file",
}


@dataclass(frozen=True, slots=True)
class Session:
    """A planned run, and a target that has accepted one create."""

    plan: LoadPlan
    principals: Principals
    connection: HttpConnection
    guardian: RunGuardian
    late_pipes: tuple[int, ...]
    """See ``RunGuardian.late_pipes``; one for each load process of this machine."""
    known: tuple[tuple[str, int], ...]
    """See ``LoadPlan.node_configs``."""
    notes: tuple[str, ...]
    """How the run differs from what the user requested, as far as it is known before the load."""


@asynccontextmanager
async def open_session(
    profile: Profile,
    options: LoadOptions,
    guarding: Guarding | None = None,
    hurry: Sequence[asyncio.Event] = (),
    *,
    reads_all: bool = False,
) -> AsyncIterator[Session]:
    """Plan a run, send the set-up requests and try one create. Tear-down requests are sent at the end.

    What is not removed by then is left to the guardian of the run, and so are the tear-down requests.

    Args:
        profile: the target.
        options: the load.
        guarding: how the guardian acts.
        hurry: when one of them is set, the session ends at once. The first may be set while it ends.
        reads_all: where creates are read back after the load, read each of them and not a sample.

    Raises:
        UserError: an option is not valid, or the target says that the request is wrong.
        TargetError: the target cannot be reached, or does not accept a create.
    """
    plan = make_plan(profile, options)
    mask = Mask()
    requested = options.users or DEFAULT_COUNT
    count = count_principals(requested, rate_per_s=plan.schedule.peak_per_s, limits=profile.limits)
    connection = HttpConnection(RunContext(profile, plan.run_id, mask))
    guarded = profile.model_copy(update={"target": profile.target.model_copy(update={"cleanup": plan.removes_created})})
    guardian = RunGuardian(guarded, connection.context, guarding or Guarding("bench"))
    connection.context.on_created = guardian.on_created
    late_pipes = guardian.late_pipes(options.workers if plan.removes_created and options.master is None else 0)
    try:
        async with Principals(profile.auth, count, run_id=plan.run_id, mask=mask) as principals:
            await guardian.start_if_needed()
            guardian.set_writers(principals.all())
            senders = principals.senders()
            guardian.needs_teardown(senders)
            try:
                await set_up(connection, profile.setup, senders, lambda: guardian.needs_teardown(senders))
                guardian.set_writers(principals.all())
                is_awaiting = plan.contract.is_awaiting
                plan.contract.bind(connection.context.variables)
                plan = plan.with_bodies() if is_awaiting else plan
                is_unsearchable = bool(reason_not_searchable(profile.sinks)) or not plan.has_searchable_names
                # A 202 names no resource that could be read.
                if options.verify and is_unsearchable and profile.target.accepted is None:
                    ratio = 1.0 if reads_all else min(1.0, MOST_READS / plan.expected_creates)
                    plan = replace(plan, read_back_ratio=ratio)
                known = await try_create(plan, principals, connection)
                notes = _notes(profile, options, plan, principals)
                yield Session(plan, principals, connection, guardian, late_pipes, known, notes)
            finally:
                if not guardian.has_created:
                    event = next((one for one in hurry if one.is_set()), hurry[0] if hurry else asyncio.Event())
                    await send_tear_down(connection, profile, guardian, event)
    finally:
        try:
            await guardian.end()
        finally:
            await connection.close()


async def try_create(plan: LoadPlan, principals: Principals, connection: HttpConnection) -> tuple[tuple[str, int], ...]:
    """Create one resource before the load.

    Returns:
        Its path and the number of its principal, if the load reads or updates and the reply names a resource on the
        target; otherwise nothing.

    Raises:
        UserError: the target says that the request is wrong.
        TargetError: the target cannot be reached, or does not accept the create.
    """
    address = plan.profile.target.base_url
    target = HttpTarget(connection, plan.contract, principals.first())
    document = None if plan.contract.raw is not None else plan.document()
    try:
        reply = await patiently(lambda: target.create(document, paced=False))
    except NoReply as error:
        raise TargetError(address, error.exchange.error, hint=_hint(error.exchange.error)) from None
    except Prevented as prevented:  # a redirect, or a limit that the profile does not declare
        raise UserError(f"{address}: {prevented}", hint="check [target] base_url and path, and [limits]") from None
    if not reply.accepted:
        text = connection.context.mask.text(" ".join(reply.body.decode("utf-8", "replace").split()))
        problem = f"the reply to a create is {reply.status}: {text[:_SHOWN_CHARACTERS]}"
        if reply.status in _HINTS:
            raise UserError(f"{address}: {problem}", hint=_HINTS[reply.status])
        raise TargetError(address, problem, hint="a load test needs a target that accepts creates when it is idle")
    if set(plan.mix.shares()) == {Operation.CREATE}:
        return ()
    read_path = make_read_path(plan.profile.target, variables=connection.context.variables)
    paths = ResourcePaths(plan.profile.target.base_url.rstrip("/"), read_path)
    path = paths.find(reply.headers.get("location"), reply.body).path
    return ((path, 0),) if path else ()


UNVERIFIED = "the certificate of the target is not verified (target.verify_tls, --insecure): who answers is not known"


def _hint(error: str) -> str:
    if "CERTIFICATE_VERIFY_FAILED" in error:
        return "[target] ca_file must name the authority that signed the server's certificate, or --ca FILE"
    return (
        "is the target overloaded?" if "within" in error else "is the target running, and is [target] base_url right?"
    )


def _notes(profile: Profile, options: LoadOptions, plan: LoadPlan, principals: Principals) -> tuple[str, ...]:
    notes = [UNVERIFIED] if profile.target.is_unverified else []
    if profile.target.http == "2":
        notes.append('the load is HTTP/1.1: target.http = "2" is for run')
    if options.users and principals.count > options.users:
        notes.append(f"{principals.count} users instead of {options.users}, so that each stays below its rate limit")
    limit_per_s = profile.limits.rate_per_s * principals.count if profile.limits else math.inf
    if plan.schedule.peak_per_s > limit_per_s:
        notes.append("the profile has too few principals for this rate, so the rate limiter will reply 429")
    if profile.target.cleanup and not options.clean_up:
        notes.append("what the load created stays on the target; --clean-up removes it")
    return tuple(notes)
