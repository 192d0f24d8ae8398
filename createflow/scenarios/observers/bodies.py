"""The body of every reply: JSON that is JSON, and problem documents as they are declared."""

import json
from collections.abc import Iterable
from typing import Any, NoReturn

from jsonschema import Draft202012Validator

from createflow.scenarios.harness.check import Need
from createflow.scenarios.harness.observer import Deviation, Facts, Look, observer
from createflow.scenarios.observers.traffic import ordinary_requests
from createflow.scenarios.outcome import NotDeclared
from createflow.scenarios.target.traffic.observed import Observed
from createflow.schemas.flow import Step
from createflow.schemas.report import Level
from createflow.schemas.wire import wire_schema

_PROBLEM = "application/problem+json"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_MEMBERS: dict[str, tuple[type, ...]] = {
    "type": (str,),
    "title": (str,),
    "status": (int,),
    "detail": (str,),
    "instance": (str,),
}
"""RFC 9457 §3.1."""


@observer(
    step=Step.RESPONSE,
    source="RFC 8259 §8.1, §10",
    traffic=ordinary_requests,
    catches="not_a_number",
)
def json_is_json(facts: Facts) -> Look:
    """What a reply calls JSON is JSON: whole, in UTF-8, without NaN, comments or a comma too many.

    A byte order mark is reported by ``json_is_plain_utf_8``.
    """
    del facts

    def look(seen: Observed) -> Iterable[Deviation] | None:
        if not seen.is_json or not seen.body or seen.method == "HEAD":
            return None
        problem = _why_not_json(seen.body)
        kind = "a refusal" if seen.status >= 400 else "a success"
        return (Deviation(f"{kind} that is no JSON: {problem}", "JSON (RFC 8259)"),) if problem else ()

    return look


@observer(
    step=Step.RESPONSE,
    source="RFC 9457 §3.1.2",
    traffic=ordinary_requests,
    catches="problem_status_differs",
)
def problem_status_is_that_of_the_reply(facts: Facts) -> Look:
    """The status in a problem document is the status of the reply."""
    del facts

    def look(seen: Observed) -> Iterable[Deviation] | None:
        if seen.status < 400:
            return None
        status = (_problem(seen) or {}).get("status")
        if not isinstance(status, int) or isinstance(status, bool) or status == seen.status:
            return ()
        return (Deviation(f"status {status} in the body of a {seen.status}", "the status of the reply in its body"),)

    return look


@observer(
    step=Step.RESPONSE,
    level=Level.SHOULD,
    source="contract: error-format; RFC 9457 §3.1",
    must_with=Need.CONTRACT,
    traffic=ordinary_requests,
    catches="problem_without_code",
)
def error_bodies_fit_their_schema(facts: Facts) -> Look:
    """Every problem document has its members with their types, and all that the contract names.

    How: where our own contract is promised against ``problem.schema.json``; for others against RFC 9457, which leaves
    every member out that a server does not have.
    """
    errors = facts.contract.errors
    if errors.media_type != _PROBLEM:
        raise NotDeclared("`target.errors.media_type` is not application/problem+json")
    validator = Draft202012Validator(wire_schema("problem")) if facts.contract.is_promised else None

    def look(seen: Observed) -> Iterable[Deviation] | None:
        if seen.is_raw or seen.status < 400:
            return None
        problem = _problem(seen)
        if problem is None:
            return ()  # the media type is for errors_are_problem_json
        expected = "a problem document as declared"
        if validator is not None:
            found = [told(error) for error in validator.iter_errors(problem)]
        else:
            found = [
                f"{name} is {_kind_of(problem[name])}"
                for name, kinds in _MEMBERS.items()
                if name in problem and (not isinstance(problem[name], kinds) or isinstance(problem[name], bool))
            ]
        return tuple(Deviation(f"a {seen.status} whose {text}", expected) for text in found)

    return look


def _problem(seen: Observed) -> dict[str, Any] | None:
    if seen.media_type != _PROBLEM:
        return None
    try:
        document = json.loads(seen.body)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def told(error: Any) -> str:
    """A violation without the value, which differs from reply to reply."""
    place = "/".join(map(str, error.absolute_path)) or "body"
    detail = error.message if error.validator == "required" else f"does not fit {error.validator}"
    return f"{place}: {detail}"[:200]


def _why_not_json(body: bytes) -> str:
    try:
        json.loads(body.removeprefix(_BYTE_ORDER_MARK).decode("utf-8"), parse_constant=refuse_constant)
    except UnicodeDecodeError:
        return "not UTF-8"
    except json.JSONDecodeError as error:
        return error.msg
    except RecursionError:
        return ""  # deeper than this reader goes, which is no error
    except ValueError as error:
        return str(error)[:80] if isinstance(error, _Constant) else ""
    return ""


class _Constant(ValueError):  # noqa: N818 - it is one
    """NaN or an infinity."""


def refuse_constant(name: str) -> NoReturn:
    """Take no NaN or infinity for a number of JSON."""
    raise _Constant(f"{name} is no number of JSON")


def _kind_of(value: object) -> str:
    """What a value is in JSON."""
    if value is None or isinstance(value, bool):
        return "null" if value is None else "a boolean"
    kinds = {str: "a string", int: "a number", float: "a number", list: "an array", dict: "an object"}
    return kinds.get(type(value), "something else")
