"""Running one check: from a declared function to a finished result, whatever happens in it."""

import asyncio
import time
import traceback

from createflow.scenarios.harness.check import Check
from createflow.scenarios.harness.finding_id import replay_id
from createflow.scenarios.harness.probe_set import Kit, SinkUnreachable
from createflow.scenarios.harness.seeded_random import cast
from createflow.scenarios.outcome import Expectation, Inconclusive, NotDeclared
from createflow.scenarios.target.fault_commands import FaultCommandFailed, FaultNotHealed
from createflow.scenarios.target.http_client import NoReply
from createflow.scenarios.target.http_target import HttpTarget
from createflow.scenarios.text.valid_utf8 import wellformed
from createflow.schemas.report import CheckResult, Exchange, Finding, Outcome


async def run_check(check: Check, kit: Kit, number: int, *, seed: int) -> CheckResult:
    """How the check ends. Only an Expectation accuses the target; everything unforeseen is broken."""
    start = time.perf_counter()
    cast(seed, check.id)
    target = kit.target_for(check, number)
    result = await _judged(check, kit, target, number)
    duration_ms = round((time.perf_counter() - start) * 1000, 1)
    return _named(wellformed(kit.mask.record(result.model_copy(update={"duration_ms": duration_ms}))))


def result_of(
    check: Check, outcome: Outcome, reason: str = "", *, finding: Finding | None = None, trace: str = ""
) -> CheckResult:
    """A result with the check's own words."""
    return CheckResult(
        id=check.id,
        step=check.step,
        level=check.level,
        title=check.title,
        why=" ".join(check.explanation.split()),
        source=check.source,
        outcome=outcome,
        reason=reason,
        finding=finding,
        traceback=trace,
    )


async def _judged(check: Check, kit: Kit, target: HttpTarget, number: int) -> CheckResult:
    limit = asyncio.timeout(check.limit_s)
    try:
        async with limit:
            await check.function(**kit.arguments(check, target, number))
    except Expectation as broken_promise:
        return result_of(check, Outcome.FAILED, finding=_finding(check, broken_promise, target.exchanges))
    except NotDeclared as absence:
        return result_of(check, Outcome.SKIPPED, str(absence))
    except Inconclusive as doubt:
        return result_of(check, Outcome.INCONCLUSIVE, str(doubt))
    except (NoReply, SinkUnreachable, FaultCommandFailed) as trouble:
        if isinstance(trouble, FaultNotHealed):
            kit.unhealed = str(trouble)
        return result_of(check, Outcome.BROKEN, str(trouble), trace=traceback.format_exc())
    except Exception as error:  # noqa: BLE001 - our own mistake must not be taken for the target's, nor end the run
        reason = f"did not end within {check.limit_s:g} s" if limit.expired() else f"{type(error).__name__}: {error}"
        return result_of(check, Outcome.BROKEN, reason, trace=traceback.format_exc())
    return result_of(check, Outcome.PASSED)


def _finding(check: Check, broken_promise: Expectation, recorded: list[Exchange]) -> Finding:
    exchanges = broken_promise.exchanges or tuple(recorded)
    return Finding(
        promised=check.title,
        expected=broken_promise.expected,
        seen=broken_promise.seen,
        source=check.source,
        exchanges=exchanges,
        curl=exchanges[-1].curl if exchanges else "",
    )


def _named(result: CheckResult) -> CheckResult:
    """With the name of its finding: made of the masked text, so that no name depends on a secret."""
    if result.finding is None:
        return result
    name = replay_id(result.id, result.finding)
    return result.model_copy(update={"finding": result.finding.model_copy(update={"replay_id": name})})
