"""An observer's findings: merged by cause, counted, and not told twice."""

from collections.abc import Iterable

import pytest

from createflow.scenarios.harness.observer import SHOWN_CAUSES, Deviation, Facts, Look, Watching, observer
from createflow.scenarios.outcome import NotDeclared
from createflow.scenarios.target.probes import Target
from createflow.scenarios.target.traffic.observed import Observed
from createflow.schemas.flow import Step
from createflow.schemas.report import CheckResult, Level, Outcome
from tests.scenarios.observers.exchanges import exchange, facts


async def traffic(target: Target) -> None:
    """A create."""
    await target.create()


@observer(step=Step.RESPONSE, source="test", traffic=traffic)
def no_500(known: Facts) -> Look:
    """No reply is a 500."""

    def look(seen: Observed) -> Iterable[Deviation] | None:
        if seen.status == 418:
            raise ZeroDivisionError("a mistake")
        if seen.method == "OPTIONS":
            return None
        if seen.status < 500:
            return ()
        return (Deviation(f"{seen.status} to {seen.method}", "no 5xx", ("other.check",), unless_accused=True),)

    return look


@observer(step=Step.RESPONSE, source="test", traffic=traffic)
def undeclared(known: Facts) -> Look:
    """Nothing."""
    raise NotDeclared("nothing to observe")


def watching(*seen: Observed) -> Watching:
    """What has seen these."""
    one = Watching(no_500, facts())
    for each in seen:
        one.see(each)
    return one


def failed(check_id: str) -> dict[str, CheckResult]:
    """The results of a run in which this check failed."""
    result = CheckResult(id=check_id, step=Step.RESPONSE, level=Level.MUST, title="x", outcome=Outcome.FAILED)
    return {check_id: result}


def test_an_observer_is_declared_as_a_check_is() -> None:
    """Id, promise, and the probes of its own requests."""
    assert (no_500.id, no_500.title) == ("response.no_500", "No reply is a 500.")
    assert [parameter.role for parameter in no_500.parameters.values()] == [Target]
    with pytest.raises(TypeError, match="first line"):
        observer(step=Step.RESPONSE, source="test", traffic=traffic)(lambda _: lambda _: None)


def test_equal_causes_are_one_with_their_count() -> None:
    """The first exchanges of each are shown."""
    seen = [exchange(status) for status in (201, 500, 500, 503, 500, 500, 503)]
    told = watching(*seen, exchange(200, method="OPTIONS")).accusation({})
    assert told is not None
    assert told.expected == "no 5xx"
    assert told.seen == "500 to POST (4 of 7 exchanges); 503 to POST (2 of 7 exchanges)"
    assert [one.status for one in told.exchanges] == [500, 503, 500, 503, 500]


def test_many_causes_are_cut() -> None:
    """With a word about the rest."""
    told = watching(*(exchange(500 + more) for more in range(SHOWN_CAUSES + 3))).accusation({})
    assert told is not None
    assert told.seen.endswith("; and 3 more")


def test_what_a_failed_check_reports_is_not_told_again() -> None:
    """The check that tests the same, or the check that sent the exchange."""
    one = watching(exchange(500))
    assert one.accusation({}) is not None
    assert one.accusation(failed("other.check")) is None
    assert one.accusation(failed("a.check")) is None
    assert one.accusation(failed("third.check")) is not None
    assert watching(exchange(200)).accusation({}) is None


def test_what_checks_sent_is_counted_apart() -> None:
    """The requests of the set-up are looked at as well."""
    one = watching(*[exchange()] * 9, *[exchange(check_id="")] * 9)
    assert (one.looked_at, one.of_checks) == (18, 9)


def test_a_mistake_disturbs_nobody() -> None:
    """It is kept for the result."""
    assert watching(exchange(418), exchange(500)).error == "ZeroDivisionError: a mistake"


def test_what_the_profile_does_not_declare_is_not_observed() -> None:
    """The reason is kept for the result."""
    one = Watching(undeclared, facts())
    one.see(exchange(500))
    assert one.absence == "nothing to observe"
    assert one.looked_at == 0
