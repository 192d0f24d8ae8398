"""What a failure is about. Where another check reports on just that, it tells the cause, and this one names it."""

import re
from collections.abc import Iterator, Sequence
from enum import StrEnum

from createflow.scenarios.outcome import Expectation
from createflow.scenarios.sinks.copy_problem import GONE, NO_ROW
from createflow.scenarios.target.write_record import WriteRecord, Written
from createflow.schemas.profile_target import Fields
from createflow.schemas.report import Exchange

_NOT_THERE = frozenset({404, 410})
_OTHER_VERSION = 412
_OUTAGES = {502: "502 to", 503: "503 to", 504: "504 to"}
"""As the observer of server errors tells them."""
_OTHER_REFUSAL = re.compile(r"\d{3} told as \d{3}")
_CRASHES = "server error to a value of "
_OF_ITSELF = re.compile(rf"{_OTHER_REFUSAL.pattern}|{_CRASHES}.*", re.DOTALL)
"""What is told by the first check that met it."""


class About(StrEnum):
    """What the checks of every copy and change depend on."""

    IDS = "ids"
    """Creates that have nothing in common get the same."""
    PRESENCE = "presence"
    """What was accepted is not there, or not where its reply says."""
    ABSENCE = "absence"
    """What was deleted is there."""
    VERSIONS = "versions"
    """A reply names another version than that of the resource, or an update makes no new one."""
    CREATORS = "creators"
    CREATION_TIMES = "creation times"


TELLERS: dict[str, tuple[str, ...]] = {
    About.IDS: ("response.ids_are_unique",),
    About.PRESENCE: (
        "write_primary.row_equals_reply",
        "write_primary.rows_equal_writes",
        "write_primary.rows_match_writes_at_the_end",
        "response.location_answers_the_same",
        "replicate.own_write_is_read",
        "response.ordinary_writes_are_accepted",
    ),
    About.ABSENCE: ("write_primary.rows_equal_writes", "response.deleted_is_not_found"),
    About.VERSIONS: ("response.etag_matches",),
    About.CREATORS: (
        "response.body_has_the_fields",
        "response.created_by_is_the_subject",
        "response.replies_show_what_was_sent",
    ),
    About.CREATION_TIMES: (
        "response.body_has_the_fields",
        "response.created_at_is_now",
        "response.created_at_stays",
    ),
}
TELLERS |= dict.fromkeys(_OUTAGES.values(), ("service_router.no_unexplained_server_error",))
"""The checks that report on it, the one that says most first. One that failed by something else does not tell it."""
ASK_NOTHING_ELSE = frozenset(
    {"response.etag_matches", "response.created_by_is_the_subject", "response.created_at_is_now"}
)
"""Whatever they saw is about what they tell."""


def crash_at(field: str) -> str:
    """What failures are about where a target answers valid or invalid values of one field with a 5xx."""
    return f"{_CRASHES}{field}"


def about(failure: Expectation, exchanges: Sequence[Exchange], fields: Fields, record: WriteRecord) -> frozenset[str]:
    """What a failure is about: members of ``About`` or a status; empty for something of its own.

    Args:
        failure: of a check.
        exchanges: that show it.
        fields: of the profile.
        record: of the run.
    """
    met = list(_met(exchanges, record))
    if record.repeated_ids and (not met or any(one.id in record.repeated_ids for one in met)):
        return frozenset({About.IDS})
    if met and all(_has_kept_its_version(one) for one in met):
        return frozenset({About.VERSIONS})
    if met and all(_has_another_creator(one, fields.created_by) for one in met):
        return frozenset({About.CREATORS})
    if failure.about:
        known = {
            fields.id: About.IDS,
            fields.created_by: About.CREATORS,
            fields.created_at: About.CREATION_TIMES,
            "etag": About.VERSIONS,
            "location": About.PRESENCE,
            NO_ROW: About.PRESENCE,
            GONE: About.ABSENCE,
        }
        named = [one if _OF_ITSELF.fullmatch(one) else known.get(one, "") for one in failure.about]
        return frozenset(named) if all(named) else frozenset()
    return _by_status(exchanges)


def _by_status(exchanges: Sequence[Exchange]) -> frozenset[str]:
    """What it is about when a request was refused, or a read or change of what should be there."""
    refusals = {exchange.status for exchange in exchanges if exchange.status is not None and exchange.status >= 400}
    if not exchanges or exchanges[-1].status not in refusals:
        return frozenset()
    if refusals <= _OUTAGES.keys():
        return frozenset(_OUTAGES[status] for status in refusals)
    if exchanges[-1].method == "POST":
        return frozenset()
    if refusals <= _NOT_THERE:
        return frozenset({About.PRESENCE})
    return frozenset({About.VERSIONS}) if refusals == {_OTHER_VERSION} else frozenset()


def _met(exchanges: Sequence[Exchange], record: WriteRecord) -> Iterator[Written]:
    """The resources that the exchanges are about."""
    texts = [f"{exchange.url}\n{exchange.response_body}" for exchange in exchanges]
    return (one for one in record.resources.values() if any(one.id in text for text in texts))


def _has_kept_its_version(written: Written) -> bool:
    """Whether two writes of other contents were answered with the same entity tag."""
    writes = [(written.sent, written.reply), *((one.sent, one.reply) for one in written.changes)]
    first: dict[str, object] = {}
    for sent, reply in writes:
        etag = reply.headers.get("etag") if reply is not None else None
        if etag is not None and first.setdefault(etag, sent) != sent:
            return True
    return False


def _has_another_creator(written: Written, field: str) -> bool:
    """Whether the reply to a change shows another creator than that to the create."""
    replies = [one.reply.representation for one in written.changes if one.reply is not None]
    return any(shown and field in shown and shown[field] != written.shown.get(field) for shown in replies)
