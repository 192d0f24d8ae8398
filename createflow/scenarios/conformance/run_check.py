"""Runs one check and makes a result of whatever happens in it."""

import asyncio
import re
import time
import traceback
from collections.abc import Sequence
from pathlib import Path

from createflow.scenarios.harness.about import about
from createflow.scenarios.harness.check import Check
from createflow.scenarios.harness.finding_id import finding_id
from createflow.scenarios.harness.guardian.faults import FaultCommandFailed, FaultNotHealed
from createflow.scenarios.harness.probe_set import ProbeSet, SinkUnreachable
from createflow.scenarios.outcome import Expectation, Inconclusive, NotDeclared, Prevented
from createflow.scenarios.sinks.registry import FAILURES
from createflow.scenarios.target.http_client import BadReply, NoReply
from createflow.scenarios.target.http_target import HttpTarget
from createflow.scenarios.target.traffic.observed import CHECK_ID
from createflow.scenarios.target.traffic.waiting import WAITING, Waiting
from createflow.schemas.report import CheckResult, Exchange, Finding, Outcome

_LONGEST_TEXT = 1_500
_LONG_VALUE = re.compile(r"(['\"])((?:(?!\1).){240,})\1", re.DOTALL)
_SHOWN_OF_LONG_VALUE = 160
_TIMES_THE_LIMIT = 5
"""So much longer a check may take, where it waits for the limit that the profile declares."""

_TIMES_WHEN_SLOW = 3
"""And so much longer where the target's replies come, but slowly."""


async def run_check(check: Check, probes: ProbeSet, number: int) -> CheckResult:
    """The result of one check. Only an Expectation is a failure of the target; any other exception is ``broken``.

    A check that met a Location, an id or a reply that nobody can use is skipped, and ``causes`` decides which check
    reports that.
    """
    start = time.perf_counter()
    target = probes.target_for(check, number)
    sender = CHECK_ID.set(check.id)
    try:
        result = await _outcome(check, probes, target, number)
    finally:
        CHECK_ID.reset(sender)
    traffic = probes.context.traffic
    cost = {
        "duration_ms": round((time.perf_counter() - start) * 1000, 1),
        "requests": traffic.sent[check.id],
        "created": traffic.created[check.id],
    }
    return with_finding_id(probes.mask.record(result.model_copy(update=cost)))


def result_of(
    check: Check,
    outcome: Outcome,
    reason: str = "",
    *,
    finding: Finding | None = None,
    trace: str = "",
    power: str = "",
) -> CheckResult:
    """A result with the check's title, explanation and source."""
    return CheckResult(
        id=check.id,
        step=check.step,
        level=check.level,
        title=check.title,
        why=" ".join(check.explanation.split()),
        source=check.source,
        outcome=outcome,
        reason=reason,
        power=power,
        finding=finding,
        traceback=trace,
    )


async def _outcome(check: Check, probes: ProbeSet, target: HttpTarget, number: int) -> CheckResult:
    limit = asyncio.timeout(check.limit_s)
    waiting = Waiting(limit, check.limit_s * _TIMES_THE_LIMIT, check.limit_s * _TIMES_WHEN_SLOW)
    of_check = WAITING.set(waiting)
    try:
        async with limit:
            power = await _asked(check, probes, target, number)
    except Expectation as broken_promise:
        finding = finding_of(check, broken_promise, target.exchanges)
        probes.about[check.id] = about(
            broken_promise, finding.exchanges, probes.profile.target.fields, probes.context.writes
        )
        failed = result_of(check, Outcome.FAILED, finding=finding)
        return failed.model_copy(update={"level": broken_promise.level or check.level})
    except (NotDeclared, Prevented, BadReply) as prevented:
        if isinstance(prevented, Prevented):
            probes.causes[check.id] = prevented.cause
        elif isinstance(prevented, BadReply):
            probes.bad_replies[check.id] = prevented
        return result_of(check, Outcome.SKIPPED, str(prevented))
    except (SinkUnreachable, FaultCommandFailed) as error:
        if isinstance(error, FaultNotHealed):
            probes.unhealed_fault = str(error)
        return result_of(check, Outcome.BROKEN, str(error), trace=traceback.format_exc())
    except (Exception, SystemExit) as error:  # noqa: BLE001 - a mistake in a check is no failure of the target's, and must not end the run
        reason = _late(check, probes, waiting) if limit.expired() else _doubt_of(error)
        if reason:
            return result_of(check, Outcome.INCONCLUSIVE, reason)
        return result_of(check, Outcome.BROKEN, f"{type(error).__name__}: {error}", trace=traceback.format_exc())
    finally:
        waiting.close()
        WAITING.reset(of_check)
    return result_of(check, Outcome.PASSED, power=power if isinstance(power, str) else "")


def _late(check: Check, probes: ProbeSet, waiting: Waiting) -> str:
    told = f"did not end within {check.limit_s:g} s"
    limits = probes.profile.limits
    if limits is None or waiting.total_s < 1:
        return told
    waited = f"and {waiting.total_s:.0f} s more in which it waited for the declared limit"
    return f"{told}, {waited} (limits.rate_per_s = {limits.rate_per_s:g}, burst = {limits.burst})"


async def _asked(check: Check, probes: ProbeSet, target: HttpTarget, number: int) -> str | None:
    """What the check returns; once more, if a reused connection ended before any byte of a reply.

    Its writes go out with other names then: nobody knows whether the first ones were carried out.
    """
    try:
        return await _called(check, probes, target, number)
    except NoReply as nothing:
        if not nothing.may_be_closing:
            raise
    probes.context.traffic.resent += 1
    return await _called(check, probes, target, number)


async def _called(check: Check, probes: ProbeSet, target: HttpTarget, number: int) -> str | None:
    try:
        return await check.function(**probes.arguments(check, target, number))
    except ExceptionGroup as several:
        raise _weightiest(several) from several


def _weightiest(several: ExceptionGroup[Exception]) -> Exception:
    """Of what the tasks of a check raised at once: what accuses the target, else a mistake of ours, else the first."""
    raised: list[Exception] = []
    groups: list[Exception] = [several]
    for one in groups:
        if isinstance(one, ExceptionGroup):
            groups += one.exceptions
        else:
            raised.append(one)
    accusing = [one for one in raised if isinstance(one, Expectation)]
    mistakes = [one for one in raised if not isinstance(one, NotDeclared | Prevented | Inconclusive | NoReply)]
    return [*accusing, *mistakes, *raised][0]


def _doubt_of(error: BaseException) -> str:
    """Why there is no verdict, where a state was not reached, a sink cannot be read or something is slow or silent.

    Empty for a mistake of ours. It says nothing about the write, whether the sink, the machine or the target is to
    blame; whether a request without a reply had an effect is not known.
    """
    if isinstance(error, Inconclusive | NoReply):
        return str(error)
    files = [Path(frame.filename) for frame in traceback.extract_tb(error.__traceback__)]
    sink = next((f"the sink ({file.stem})" for file in reversed(files) if file.parent.name == "sinks"), "")
    if isinstance(error, TimeoutError):
        return f"{sink or 'something'} did not answer in time"
    if sink and isinstance(error, FAILURES):
        return f"{sink} cannot be read: {(str(error).splitlines() or [type(error).__name__])[0]}"
    return ""


def finding_of(check: Check, broken_promise: Expectation, recorded: Sequence[Exchange]) -> Finding:
    """The finding of a failure, with the exchanges that show it, or else the last ones."""
    exchanges = broken_promise.exchanges or tuple(recorded)
    return Finding(
        promised=check.title,
        expected=_shortened(broken_promise.expected),
        seen=_shortened(broken_promise.seen),
        source=check.source,
        exchanges=exchanges,
        curl=exchanges[-1].curl if exchanges else "",
    )


def _shortened(text: str) -> str:
    """What a person reads; a target can say as much as it likes. The exchanges have more of it."""
    text = _LONG_VALUE.sub(_with_short_value, text[: 100 * _LONGEST_TEXT])
    return text if len(text) <= _LONGEST_TEXT else f"{text[:_LONGEST_TEXT]}…"


def _with_short_value(found: re.Match[str]) -> str:
    quote, value = found.groups()
    # The count is within the quotes: what is there may differ from run to run and leaves the finding's id as it is.
    return f"{quote}{value[:_SHOWN_OF_LONG_VALUE]}… ({len(value)} characters){quote}"


def with_finding_id(result: CheckResult) -> CheckResult:
    """The result with its finding id, made of the masked text, so that it depends on no secret."""
    if result.finding is None:
        return result
    identifier = finding_id(result.id, result.finding)
    return result.model_copy(update={"finding": result.finding.model_copy(update={"replay_id": identifier})})
