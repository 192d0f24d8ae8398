"""What a failure is about. Where another check reports on just that, it tells the cause, and this one names it."""

import re
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum

from createflow.scenarios.outcome import Expectation
from createflow.scenarios.sinks.copy_problem import ACTOR, GONE, NO_ROW, NOT_MISSING, OLD, OTHER_ID, OTHER_VALUE
from createflow.scenarios.target.write_record import Change, WriteRecord, Written
from createflow.schemas.profile_target import Fields
from createflow.schemas.report import Exchange

_NOT_THERE = frozenset({404, 410})
_OTHER_VERSION = 412
_CRASHED = 500
_OUTAGES = {502: "502 to", 503: "503 to", 504: "504 to"}
"""As the observer of server errors tells them."""
_OTHER_REFUSAL = re.compile(r"\d{3} told as \d{3}")
_CRASHES = "server error to a value of "
_OF_ITSELF = re.compile(rf"{_OTHER_REFUSAL.pattern}|{_CRASHES}.*|{OTHER_VALUE}.*", re.DOTALL)
"""What is told by the first check that met it."""


class About(StrEnum):
    """What the checks of every copy and change depend on."""

    IDS = "ids"
    """Creates that have nothing in common get the same."""
    ANSWERS = "answers"
    """A create gets the answer of another."""
    READS = "reads"
    """A read or a cached value is that before the last update."""
    PRESENCE = "presence"
    """What was accepted is not there, or not where its reply says."""
    ABSENCE = "absence"
    """What was deleted is there."""
    VERSIONS = "versions"
    """A reply names another version than that of the resource, or an update makes no new one."""
    CREATORS = "creators"
    CREATION_TIMES = "creation times"
    KEYS = "keys"
    """Creates with one idempotency key get several resources."""
    REQUEST_IDS = "request ids"
    """Copies name another request than the reply does."""
    REFUSED_UPDATES = "refused updates"
    """An update that is refused is carried out."""
    MISSING = "missing"
    """What is not there is answered with a server error."""


TELLERS: dict[str, tuple[str, ...]] = {
    About.IDS: ("response.ids_are_unique",),
    About.ANSWERS: ("response.body_has_the_fields", "response.replies_show_what_was_sent"),
    About.READS: (
        "invalidate_cache.cache_equals_row",
        "invalidate_cache.cached_values_equal_writes",
        "invalidate_cache.cache_matches_writes_at_the_end",
        "replicate.own_write_is_read",
        "invalidate_cache.never_stale_after_update",
        "response.reads_show_writes",
    ),
    About.PRESENCE: (
        "write_primary.row_equals_reply",
        "write_primary.rows_equal_writes",
        "write_primary.rows_match_writes_at_the_end",
        "response.location_answers_the_same",
        "replicate.own_write_is_read",
        "response.ordinary_writes_are_accepted",
    ),
    About.ABSENCE: (
        "write_primary.rows_equal_writes",
        "invalidate_cache.cached_values_equal_writes",
        "invalidate_cache.cache_matches_writes_at_the_end",
        "response.deleted_is_not_found",
    ),
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
    About.KEYS: ("business_logic.same_key_creates_once",),
    About.REQUEST_IDS: (
        "audit_log.entry_says_who_what_when",
        "audit_log.changes_are_recorded",
        "publish_event.event_equals_resource",
        "publish_event.changes_are_published",
    ),
    About.REFUSED_UPDATES: ("business_logic.unmet_condition_changes_nothing",),
    About.MISSING: (
        "service_router.unknown_resource_is_404",
        "validation.strange_ids_are_4xx",
        "response.deleted_is_not_found",
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


def other_in_reads(field: str) -> str:
    """What failures are about where reads show another value of a field than was written."""
    return f"{OTHER_VALUE}{field}"


def tellers_of(subject: str, in_order: Sequence[str]) -> Sequence[str]:
    """The checks that may tell it, the one that says most first.

    Args:
        subject: what a failure is about.
        in_order: the checks that failed, in the order of the flow.
    """
    if subject.startswith(OTHER_VALUE):
        return [*TELLERS[About.READS], *in_order]
    return [*TELLERS.get(subject, ()), *(() if isinstance(subject, About) else in_order)]


def about(failure: Expectation, exchanges: Sequence[Exchange], fields: Fields, record: WriteRecord) -> frozenset[str]:
    """What a failure is about: members of ``About`` or a status; empty for something of its own.

    Args:
        failure: of a check.
        exchanges: that show it.
        fields: of the profile.
        record: of the run.
    """
    known = _of_resources(list(_met(exchanges, record)), fields, record)
    if known is not None:
        return frozenset({known})
    each = [_of_one(exchange, record) for exchange in failure.deciding]
    if each and all(each):
        found = frozenset[str]().union(*each)
    else:
        found = _of_names(failure, fields) if failure.about else _by_status(exchanges)
    sharper: Mapping[str, str] = {
        other_in_reads(fields.created_by): About.CREATORS,
        other_in_reads(fields.created_at): About.CREATION_TIMES,
    }
    return frozenset(sharper.get(one, one) for one in found)


def _of_resources(met: Sequence[Written], fields: Fields, record: WriteRecord) -> About | None:
    """What the run knows of the resources that a failure met, and explains it."""
    if any(one.id in record.answers_of_others for one in met):
        return About.ANSWERS
    if record.repeated_ids and (not met or any(one.id in record.repeated_ids for one in met)):
        return About.IDS
    if met and all(_has_kept_its_version(one) for one in met):
        return About.VERSIONS
    if met and all(_has_another_creator(one, fields.created_by) for one in met):
        return About.CREATORS
    return None


def _of_one(exchange: Exchange, record: WriteRecord) -> frozenset[str]:
    """What one exchange shows, where it alone is the failure."""
    written = record.at(exchange.url)
    is_there = written is not None and None not in written.states()
    is_read = exchange.method == "GET" and exchange.status is not None and 200 <= exchange.status < 300
    if is_read and written is not None and not is_there:
        return frozenset({About.ABSENCE})
    wrong = next((fields for one, fields in record.wrong_reads if one is exchange), None)
    if wrong is not None:
        return frozenset(map(other_in_reads, wrong)) or frozenset({About.READS})
    if exchange.method == "POST":
        return frozenset()
    return frozenset({About.MISSING}) if exchange.status == _CRASHED and not is_there else frozenset()


def _of_names(failure: Expectation, fields: Fields) -> frozenset[str]:
    """What the fields that differ say, and what the check itself has named; nothing where one of them says nothing."""
    known = {
        fields.id: About.IDS,
        fields.created_by: About.CREATORS,
        fields.created_at: About.CREATION_TIMES,
        "etag": About.VERSIONS,
        "location": About.PRESENCE,
        NO_ROW: About.PRESENCE,
        GONE: About.ABSENCE,
        NOT_MISSING: About.MISSING,
        OTHER_ID: About.KEYS,
        ACTOR: About.CREATORS,
        OLD: About.READS,
        "request_id": About.REQUEST_IDS,
    }
    named = [one if _is_own(one) else known.get(one, "") for one in failure.about]
    return frozenset(named) if all(named) else frozenset()


def _is_own(subject: str) -> bool:
    return subject in set(About) or _OF_ITSELF.fullmatch(subject) is not None


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
    updates = [(one.sent, one.reply) for one in written.changes if one.change is Change.UPDATE]
    writes = [(written.sent, written.reply), *updates]
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
