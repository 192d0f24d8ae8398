"""Statuses, bodies, caching and the rate limit: what is accused, and what is free."""

import pytest

from createflow.scenarios.observers.bodies import (
    error_bodies_fit_their_schema,
    json_is_json,
    problem_status_is_that_of_the_reply,
)
from createflow.scenarios.observers.caching import authorised_replies_are_not_shared
from createflow.scenarios.observers.rate import (
    rate_limit_fields_tell_the_truth,
    refusals_of_a_flood_are_429,
    who_keeps_the_rate_is_not_refused,
)
from createflow.scenarios.observers.statuses import no_unexplained_server_error, statuses_are_of_the_contract
from createflow.scenarios.outcome import NotDeclared
from tests.scenarios.observers.exchanges import causes, exchange, facts

PROBLEM = "application/problem+json"
LIMITED = {"limits": {"rate_per_s": 0.1, "burst": 10}}


def test_a_server_error_needs_an_explanation() -> None:
    """A fault and a flood are explanations; what HTTP has for unknown methods is no error."""
    assert causes(no_unexplained_server_error, exchange(500)) == ["500 to POST"]
    assert causes(no_unexplained_server_error, exchange(502, method="GET", url="http://x/y?z")) == [
        "502 to GET with a query"
    ]
    assert causes(no_unexplained_server_error, exchange(503, fault="database_down")) is None
    assert causes(no_unexplained_server_error, exchange(503, is_paced=False)) is None
    assert causes(no_unexplained_server_error, exchange(501)) == []
    assert causes(no_unexplained_server_error, exchange(404)) == []


@pytest.mark.parametrize(
    ("status", "method"), [(402, "POST"), (418, "GET"), (302, "POST"), (304, "POST"), (201, "GET")]
)
def test_a_status_that_nothing_declares(status: int, method: str) -> None:
    """The profile can declare it."""
    assert causes(statuses_are_of_the_contract, exchange(status, method=method)) == [f"{status} to {method}"]
    known = facts(target={"errors": {"statuses": {"forbidden": [402, 418]}}})
    declared = causes(statuses_are_of_the_contract, exchange(status, method=method), known=known)
    assert (declared == []) is (status in {402, 418})


@pytest.mark.parametrize(
    ("status", "method"), [(200, "POST"), (204, "DELETE"), (304, "GET"), (431, "POST"), (422, "PUT")]
)
def test_a_status_that_http_or_the_contract_has(status: int, method: str) -> None:
    """Nothing is said."""
    assert causes(statuses_are_of_the_contract, exchange(status, method=method)) == []


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b'{"a": NaN}', "NaN is no number of JSON"),
        (b'{"a": 1,}', ""),
        (b'{"a": "\xff"}', "not UTF-8"),
        (b"{'a': 1}", ""),
        (b'{"a": 1', ""),
        (b"<html>", "Expecting value"),
    ],
)
def test_what_is_called_json_and_is_none(body: bytes, problem: str) -> None:
    """The cause says why."""
    (cause,) = causes(json_is_json, exchange(200, body)) or [""]
    assert cause.startswith("a success that is no JSON: ")
    assert problem in cause


def test_lawful_json() -> None:
    """No body at all, a byte order mark that another check reports, great depth, great numbers, lone surrogates."""
    deep = b"[" * 100_000 + b"]" * 100_000
    for body in (b"1e400", rb'"\ud800"', b"\xef\xbb\xbf{}", b"9" * 5000, deep):
        assert causes(json_is_json, exchange(200, body)) == []
    assert causes(json_is_json, exchange(204, b"")) is None
    assert causes(json_is_json, exchange(200, b"{", "text/plain")) is None


def test_the_status_in_the_body() -> None:
    """RFC 9457 §3.1.2; one that is absent, or no number, says nothing."""
    wrong = exchange(404, b'{"status": 400}', PROBLEM)
    assert causes(problem_status_is_that_of_the_reply, wrong) == ["status 400 in the body of a 404"]
    assert causes(problem_status_is_that_of_the_reply, exchange(404, b'{"status": 404}', PROBLEM)) == []
    for body in (b"{}", b'{"status": "400"}', b'{"status": true}', b"[]", b"x"):
        assert causes(problem_status_is_that_of_the_reply, exchange(404, body, PROBLEM)) == []
    assert causes(problem_status_is_that_of_the_reply, exchange(201)) is None


def test_members_of_a_problem_document() -> None:
    """A target of the contract has all of them; another one has those that it has with their types."""
    whole = b'{"type": "t", "title": "t", "status": 404, "code": "not_found"}'
    ours = facts(promises={"contract": True})
    assert causes(error_bodies_fit_their_schema, exchange(404, whole, PROBLEM), known=ours) == []
    other = exchange(404, whole.replace(b"not_found", b"Not"), PROBLEM)
    assert causes(error_bodies_fit_their_schema, other, known=ours) == ["a 404 whose code: does not fit pattern"]
    known = facts()
    assert causes(error_bodies_fit_their_schema, exchange(404, b"{}", PROBLEM), known=known) == []
    wrong = exchange(404, b'{"title": 1, "detail": null, "more": 1}', PROBLEM)
    assert causes(error_bodies_fit_their_schema, wrong, known=known) == [
        "a 404 whose title is a number",
        "a 404 whose detail is null",
    ]
    with pytest.raises(NotDeclared):
        error_bodies_fit_their_schema.watch(facts(target={"errors": {"media_type": "application/json"}}))


@pytest.mark.parametrize(
    ("field", "value", "is_shared"),
    [
        ("cache-control", "public", True),
        ("cache-control", "s-maxage=60", True),
        ("cache-control", "max-age=60, S-MaxAge=5", True),
        ("cdn-cache-control", "max-age=60", True),
        ("surrogate-control", "max-age=3600", True),
        ("cache-control", "s-maxage=0", False),
        ("cache-control", "private, max-age=60", False),
        ("cache-control", "no-store", False),
        ("cache-control", "max-age=60", False),
        ("cdn-cache-control", "no-store", False),
    ],
)
def test_permission_for_shared_caches(field: str, value: str, is_shared: bool) -> None:  # noqa: FBT001 - a table
    """RFC 9111 §3.5: without permission they keep nothing that was asked with Authorization."""
    found = causes(authorised_replies_are_not_shared, exchange(200, headers=[(field, value)]))
    assert bool(found) is is_shared
    assert causes(authorised_replies_are_not_shared, exchange(200, headers=[(field, value)], bucket="")) is None


def test_a_flood_is_refused_with_429() -> None:
    """A 503 is one only where the rate was exceeded; before that it may be something else."""
    known = facts(**LIMITED)
    accepted = [exchange(is_paced=False) for _ in range(9)]
    refused = exchange(503, is_paced=False)
    assert causes(refusals_of_a_flood_are_429, *accepted, refused, known=known) == ["503 to a create of a flood"]
    assert causes(refusals_of_a_flood_are_429, *accepted[:3], refused, known=known) is None
    assert causes(refusals_of_a_flood_are_429, *accepted, exchange(429, is_paced=False), known=known) == []
    assert causes(refusals_of_a_flood_are_429, *accepted, exchange(503), known=known) is None
    with pytest.raises(NotDeclared):
        refusals_of_a_flood_are_429.watch(facts())


@pytest.mark.parametrize(
    ("fault", "told"),
    [("database_down", None), ("replica_lags", None), ("search_down", ["503 to a create of a flood"])],
)
def test_a_limiter_is_excused_by_faults_that_it_may_meet(fault: str, told: list[str] | None) -> None:
    """No limiter asks a search engine."""
    known = facts(**LIMITED)
    accepted = [exchange(201, fault=fault) for _ in range(10)]
    refused = exchange(503, is_paced=False, fault=fault)
    assert causes(refusals_of_a_flood_are_429, *accepted, refused, known=known) == told


def test_who_keeps_the_rate_gets_no_429() -> None:
    """A subject that may have used half of its burst is not innocent, nor one whose token was never accepted."""
    known = facts(**LIMITED)
    mine = {"bucket": "createflow-1"}
    observer = who_keeps_the_rate_is_not_refused
    assert causes(observer, exchange(**mine), exchange(429, **mine), known=known) == [
        "429 to a subject that had used less than 50% of the promised burst"
    ]
    assert causes(observer, exchange(**mine), exchange(429, level=6, **mine), known=known) is None
    assert causes(observer, exchange(429, **mine), known=known) is None
    # A token that earlier runs had as well may have a full bucket at the beginning.
    assert causes(observer, exchange(), exchange(429), known=known) is None
    assert causes(observer, exchange(), exchange(at_s=200), exchange(429, at_s=200), known=known) != []


@pytest.mark.parametrize(
    ("status", "fields", "word"),
    [
        (429, {"ratelimit": '"d";r=1;t=1'}, "with requests left"),
        (201, {"ratelimit": '"d";r=11;t=1', "ratelimit-policy": '"d";q=10;w=1'}, "more left than the quota"),
        (429, {"ratelimit": '"d";r=0;t=1', "retry-after": "30"}, "before the end of Retry-After"),
        (201, {"ratelimit": "r=;;"}, "ratelimit: "),
        (201, {"ratelimit": '"d";r=9;t=1', "ratelimit-policy": '"d";q=10;w=1'}, ""),
        (429, {"ratelimit": '"d";r=0;t=30', "retry-after": "30"}, ""),
        (201, {"ratelimit": "limit=10, remaining=9, reset=1"}, ""),
    ],
)
def test_rate_limit_fields(status: int, fields: dict[str, str], word: str) -> None:
    """Each contradiction has its words; older forms of the draft are let be."""
    found = causes(rate_limit_fields_tell_the_truth, exchange(status, headers=list(fields.items())))
    assert found is not None
    assert bool(found) is bool(word)
    assert all(word in cause for cause in found)


def test_what_is_left_must_fall() -> None:
    """Nine of ten were accepted, and ten are left."""
    constant = exchange(headers=[("ratelimit", '"d";r=10;t=1'), ("ratelimit-policy", '"d";q=10;w=100')])
    known = facts(**LIMITED)
    assert causes(rate_limit_fields_tell_the_truth, *[constant] * 9, known=known) == [
        "as much left as if the requests before had not been counted"
    ]
