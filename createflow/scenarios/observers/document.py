"""Every reply against the target's own OpenAPI document, where the profile has one."""

import json
import re
from collections.abc import Iterable

from createflow.scenarios.bodies.bounded_validation import BoundedValidation
from createflow.scenarios.harness.observer import Deviation, Facts, Look, observer
from createflow.scenarios.observers.bodies import refuse_constant, told
from createflow.scenarios.observers.statuses import OF_HTTP
from createflow.scenarios.observers.traffic import ordinary_requests
from createflow.scenarios.openapi.document import read_document
from createflow.scenarios.openapi.replies import DeclaredReplies, DeclaredReply
from createflow.scenarios.outcome import Inconclusive, NotDeclared
from createflow.scenarios.target.traffic.observed import Observed
from createflow.schemas.error import UserError
from createflow.schemas.flow import Step

_MEDIA_TYPE = "the media type"
_MISSING = re.compile(r"'(\w+)' is a required property")
_OF_TYPES = ("response.errors_are_problem_json",)
_OF_CREATES = ("response.create_is_201",)
_OF_CHANGES = ("response.ordinary_writes_are_accepted",)
_OF_ERRORS = ("response.error_bodies_fit_their_schema",)
_OF_FIELDS = ("response.body_has_the_fields", "response.defaults_are_filled_alike")


@observer(
    step=Step.RESPONSE,
    source="the target's OpenAPI document",
    traffic=ordinary_requests,
    catches="payment_required",
)
def replies_fit_the_openapi_document(facts: Facts) -> Look:
    """Every reply has a status, a media type and a body that the OpenAPI document declares for the operation.

    Statuses that HTTP itself provides for any server need not be declared, nor what a fault causes.
    """
    file = facts.profile.target.openapi_file
    if file is None:
        raise NotDeclared("`target.openapi_file` is not configured")
    declared = DeclaredReplies(read_document(file))
    judge = BoundedValidation()

    def look(seen: Observed) -> Iterable[Deviation] | None:
        if not seen.is_own or seen.fault or seen.is_raw:
            return None
        try:
            operation = declared.at(seen.method, seen.path)
        except UserError as error:
            raise Inconclusive(f"the schemas of the replies cannot be used: {error}") from None
        if operation is None:
            return None
        reply = operation.reply(seen.status)
        if reply is None:
            if seen.status in OF_HTTP:
                return ()
            cause = f"{seen.status} to {operation.name}"
            return (
                Deviation(
                    cause,
                    "a status that the document declares",
                    (_OF_CREATES if seen.method == "POST" else _OF_CHANGES) if seen.status < 400 else (),
                    naming=str(seen.status),
                    unless_accused=True,
                ),
            )
        return [
            Deviation(f"{text} of a {seen.status} to {operation.name}", "a body that the document declares", *told_by)
            for text in _wrong(seen, reply, judge)
            for told_by in [_told_by(seen.status, text)]
        ]

    return look


def _told_by(status: int, text: str) -> tuple[tuple[str, ...], str]:
    """The checks that report the same about a body, and what they name then."""
    if text.startswith(_MEDIA_TYPE):
        return (_OF_TYPES if status >= 400 else ()), ""
    missing = _MISSING.search(text)
    if missing is None:
        return (), ""
    return (_OF_ERRORS if status >= 400 else _OF_FIELDS), missing[1]


def _wrong(seen: Observed, reply: DeclaredReply, judge: BoundedValidation) -> list[str]:
    if not seen.body or not reply.schemas:
        return []
    if seen.media_type not in reply.schemas:
        known = reply.schemas.keys() & {"*/*", f"{seen.media_type.partition('/')[0]}/*"}
        return [] if known else [f"{_MEDIA_TYPE} {seen.media_type[:60] or 'none'}"]
    schema = reply.schemas[seen.media_type]
    if schema is None or not seen.is_json:
        return []
    try:
        document = json.loads(seen.body, parse_constant=refuse_constant)
    except (ValueError, RecursionError):
        return []  # json_is_json tells it
    return [f"the body ({told(error)})" for error in judge.errors(schema, document)]
