"""One cause, one finding: what prevented several checks is reported by one of them, and the others name it."""

from collections.abc import Mapping, Sequence

from createflow.scenarios.conformance.run_check import finding_of, result_of, with_finding_id
from createflow.scenarios.harness.about import ASK_NOTHING_ELSE, tellers_of
from createflow.scenarios.harness.check import Check
from createflow.scenarios.outcome import Expectation
from createflow.scenarios.target.http_client import BadReply
from createflow.scenarios.text.secret_mask import Mask
from createflow.schemas.report import CheckResult, Level, Outcome

_REPORTER = "response.create_is_201"
"""It reports replies that are no whole HTTP, if it met one."""
_SHOWN_EXCHANGES = 3


def report_bad_replies(
    checks: Sequence[Check], results: Mapping[str, CheckResult], bad: Mapping[str, BadReply], mask: Mask
) -> dict[str, CheckResult]:
    """The results where one check fails by the replies that are no whole HTTP, and the others are skipped by its id.

    Args:
        checks: in the order of the flow.
        results: by check id.
        bad: the first such reply of each check that met one.
        mask: of the run.
    """
    met = [check for check in checks if check.id in bad and results[check.id].outcome is Outcome.SKIPPED]
    if not met:
        return dict(results)
    levels = list(Level)
    reporter = min(met, key=lambda check: (check.id != _REPORTER, levels.index(check.level)))
    shown = [bad[check.id].exchange for check in met if check is not reporter][: _SHOWN_EXCHANGES - 1]
    first = bad[reporter.id]
    others = f"; so in {len(met)} checks" if len(met) > 1 else ""
    broken_promise = Expectation(
        "a whole reply that is valid HTTP", f"{first.exchange.error}{others}", exchanges=[*shown, first.exchange]
    )
    failed = result_of(reporter, Outcome.FAILED, finding=finding_of(reporter, broken_promise, ()))
    failed = failed.model_copy(update={"duration_ms": results[reporter.id].duration_ms})
    skipped = {
        check.id: results[check.id].model_copy(update={"reason": f"see {reporter.id}: {results[check.id].reason}"})
        for check in met
    }
    return {**results, **skipped, reporter.id: with_finding_id(mask.record(failed))}


def doubt_unreported(results: Mapping[str, CheckResult], causes: Mapping[str, str]) -> dict[str, CheckResult]:
    """The results where a check that was prevented is inconclusive, unless the check that it names failed or doubts.

    Args:
        results: by check id.
        causes: the id of the check that reports the cause, by the id of each check that was prevented.
    """

    def doubted(result: CheckResult) -> CheckResult:
        reporter = results.get(causes.get(result.id, ""))
        reports = reporter is not None and reporter.outcome in {Outcome.FAILED, Outcome.INCONCLUSIVE}
        unreported = result.id in causes and not reports
        return result.model_copy(update={"outcome": Outcome.INCONCLUSIVE}) if unreported else result

    return {name: doubted(result) for name, result in results.items()}


def merge_shared(
    checks: Sequence[Check], results: Mapping[str, CheckResult], about: Mapping[str, frozenset[str]]
) -> dict[str, CheckResult]:
    """The results where a failure about what another check reports on is skipped, and says what it saw.

    That check has at least the same level. Where none is there for it, the first one tells it.

    Args:
        checks: in the order of the flow.
        results: by check id.
        about: what each failure is about, by check id.
    """
    levels = list(Level)
    failed = {name: levels.index(one.level) for name, one in results.items() if one.outcome is Outcome.FAILED}
    in_order = [check.id for check in checks if check.id in failed]

    def teller(name: str, subject: str) -> str:
        tellers = tellers_of(subject, in_order)
        before = tellers[: tellers.index(name)] if name in tellers else tellers
        as_strong = (one for one in before if failed.get(one, len(levels)) <= failed[name])
        return next((one for one in as_strong if tells(one, subject)), "")

    def tells(name: str, subject: str) -> bool:
        finding = results[name].finding
        is_seen = name not in about and finding is not None and subject in finding.seen  # an observer
        return is_seen or name in ASK_NOTHING_ELSE or subject in about.get(name, ())

    def merged(result: CheckResult) -> CheckResult:
        if result.id not in failed or result.finding is None:
            return result
        tellers = [teller(result.id, subject) for subject in about.get(result.id, ())]
        if not tellers or not all(tellers):
            return result
        reason = f"see {min(tellers)}: {result.finding.seen}"
        return result.model_copy(update={"outcome": Outcome.SKIPPED, "reason": reason, "finding": None})

    return {name: merged(result) for name, result in results.items()}


def may_tell(cause: CheckResult, result: CheckResult) -> bool:
    """Whether a failure is at least as strong as the one that it stands for: no should hides a must."""
    levels = list(Level)
    return levels.index(cause.level) <= levels.index(result.level)


def merge_repeated(checks: Sequence[Check], results: Mapping[str, CheckResult]) -> dict[str, CheckResult]:
    """The results where a check that another one tells already is skipped, and says what it saw.

    Args:
        checks: in the order of the flow.
        results: by check id.
    """
    merged = dict(results)
    for check in checks:
        result = merged.get(check.id)
        if result is None or result.outcome is not Outcome.FAILED or result.finding is None:
            continue
        failed = (other for other in check.repeats if other in merged and merged[other].outcome is Outcome.FAILED)
        cause = next((other for other in failed if may_tell(merged[other], result)), None)
        if cause is not None:
            moment = "at the end of the run, " if check.at_end else ""
            reason = f"see {cause}: {moment}{result.finding.seen}"
            merged[check.id] = result.model_copy(update={"outcome": Outcome.SKIPPED, "reason": reason, "finding": None})
    return merged
