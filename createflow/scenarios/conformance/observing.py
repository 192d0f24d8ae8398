"""The observers of a run: told of every exchange, and judged when the checks have ended."""

from collections.abc import Mapping, Sequence

from createflow.scenarios.conformance.run_check import finding_of, result_of, run_check, with_finding_id
from createflow.scenarios.harness.check import Check
from createflow.scenarios.harness.observer import Facts, Observer, Watching
from createflow.scenarios.harness.probe_set import ProbeSet
from createflow.schemas.report import CheckResult, Outcome

_NOTHING_SEEN = "the run sent nothing that this looks at"


class Observation:
    """All selected observers of one run."""

    def __init__(self, checks: Sequence[Check], probes: ProbeSet) -> None:
        facts = Facts(probes.profile, probes.contract, probes.secrets)
        self._mask = probes.mask
        self._watching = {check.id: Watching(check, facts) for check in checks if isinstance(check, Observer)}
        for watching in self._watching.values():
            if not watching.absence:
                probes.context.traffic.watch(watching.see)

    async def run(self, observer: Observer, probes: ProbeSet, number: int) -> CheckResult:
        """How the observer ends, without what it saw. It makes its own requests when there were few to look at."""
        watching = self._watching[observer.id]
        if watching.absence:
            return result_of(observer, Outcome.SKIPPED, watching.absence)
        if watching.of_checks >= observer.enough:
            return result_of(observer, Outcome.PASSED)
        return await run_check(observer, probes, number)

    def judge(self, results: Mapping[str, CheckResult]) -> dict[str, CheckResult]:
        """The results with those of the observers as what they saw decides."""
        return {name: self._judged(result, results) for name, result in results.items()}

    def _judged(self, result: CheckResult, results: Mapping[str, CheckResult]) -> CheckResult:
        watching = self._watching.get(result.id)
        if watching is None or watching.absence:
            return result
        observer = watching.observer
        if watching.error:
            ended = result_of(observer, Outcome.BROKEN, watching.error)
        elif accusation := watching.accusation(results):
            ended = result_of(observer, Outcome.FAILED, finding=finding_of(observer, accusation, ()))
        elif watching.doubt:
            ended = result_of(observer, Outcome.INCONCLUSIVE, watching.doubt)
        elif watching.of_checks:
            # Its own requests served their purpose, however they ended.
            ended = result_of(observer, Outcome.PASSED)
        elif result.outcome in {Outcome.PASSED, Outcome.FAILED}:
            ended = result_of(observer, Outcome.INCONCLUSIVE, _NOTHING_SEEN)
        else:
            return result
        ended = ended.model_copy(update={"duration_ms": result.duration_ms})
        return with_finding_id(self._mask.record(ended))
