"""The status of every reply: no unexplained server error, and none that the contract does not have."""

from collections.abc import Iterable

from createflow.scenarios.harness.observer import Deviation, Facts, Look, observer
from createflow.scenarios.observers.traffic import ordinary_requests
from createflow.scenarios.target.reply import MEANINGS
from createflow.scenarios.target.traffic.observed import Observed
from createflow.schemas.flow import Step
from createflow.schemas.report import Level

_REDIRECTED = ("response.create_is_201", "response.location_answers_the_same")
"""The checks that tell where creates and resources are redirected."""
_SAFE = {"GET", "HEAD"}
_UNIMPLEMENTED = {501, 505}
"""What HTTP itself provides for a method or a version that a server does not have (RFC 9110 §15.6.2, §15.6.6)."""
_SUCCESSES: dict[str, frozenset[int]] = {
    "GET": frozenset({200, 304}),
    "HEAD": frozenset({200, 304}),
    "POST": frozenset({200, 201, 202, 204}),
    "PUT": frozenset({200, 201, 202, 204}),
    "PATCH": frozenset({200, 201, 202, 204}),
    "DELETE": frozenset({200, 202, 204}),
    "OPTIONS": frozenset({200, 204}),
}
OF_HTTP = frozenset({400, 406, 408, 410, 411, 414, 415, 416, 417, 421, 426, 428, 431, 501, 504, 505})
"""Refusals that HTTP provides for any server (RFC 9110 §15.5, §15.6; RFC 6585)."""


@observer(
    step=Step.SERVICE_ROUTER,
    source="contract: validation; contract: database-error-500; contract: unavailable-503",
    traffic=ordinary_requests,
    catches="tag_list_crashes",
)
def no_unexplained_server_error(facts: Facts) -> Look:
    """No request is answered with a 5xx while no fault is injected and the promised rate is kept.

    Why: with a 5xx a server says that it has erred. Whatever a client sent, it deserves a 4xx or a success.
    """
    is_saturation_promised = facts.contract.promises.saturation

    def look(seen: Observed) -> Iterable[Deviation] | None:
        if is_saturation_promised and seen.status == 503 and seen.values("retry-after"):
            return ()
        if seen.fault or not seen.is_paced:
            return None
        if seen.status < 500 or seen.status in _UNIMPLEMENTED:
            return ()
        return (
            Deviation(f"{seen.status} to {_request(seen)}", "no 5xx without a fault or a flood", unless_accused=True),
        )

    return look


@observer(
    step=Step.RESPONSE,
    level=Level.SHOULD,
    source="contract: error-format",
    traffic=ordinary_requests,
    catches="payment_required",
)
def statuses_are_of_the_contract(facts: Facts) -> Look:
    """Every status is one that the contract, the profile's ``target.errors`` or HTTP itself has for such a request."""
    errors = facts.contract.errors
    refusals = {status for meaning in MEANINGS.items() for status in errors.statuses.get(meaning[1], (meaning[0],))}
    allowed = refusals | OF_HTTP

    def look(seen: Observed) -> Iterable[Deviation] | None:
        if not seen.is_own or seen.fault:
            return None
        if seen.status in allowed or seen.status in _SUCCESSES.get(seen.method, _SUCCESSES["POST"]):
            return ()
        if seen.method in _SAFE and 300 <= seen.status < 400 and seen.values("location"):
            return ()  # RFC 9110 §15.4: to another spelling of the path, or to a page that asks who it is
        if seen.status >= 500:
            return ()  # the observer of server errors tells it
        expected = "a status that the contract has for such a request"
        problem, reported_by = f"{seen.status} to {_request(seen)}", _REDIRECTED if seen.status < 400 else ()
        return (Deviation(problem, expected, reported_by, unless_accused=True),)

    return look


def _request(seen: Observed) -> str:
    """The kind of request, in words that do not differ from one to the next."""
    if seen.is_raw:
        return "a raw request"
    condition = " with a condition" if {"if-match", "if-none-match"} & set(seen.request_headers) else ""
    query = " with a query" if "?" in seen.url else ""
    return f"{seen.method}{query}{condition}"
