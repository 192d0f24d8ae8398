"""The defects that can be seeded into the reference, each with what it breaks.

A check names the defect it ``catches``; the tests seed it and see the check fail, so no check can be green by
accident. The words are in the past or present of the *server*: what it wrongly does.
"""

from enum import StrEnum

from createflow.schemas.flow import Step


class Fault(StrEnum):
    """One seeded defect. The value is the name used on command lines and in settings."""

    # 1 https_request
    ANY_MEDIA_TYPE = "any_media_type"  # a text/plain body is parsed as JSON and accepted
    NO_ALLOW_HEADER = "no_allow_header"  # 405 does not say which methods there are
    UNBOUNDED_BODY = "unbounded_body"  # a body over the limit is read and judged by its content
    # 3 auth_check
    OPEN_DOOR = "open_door"  # a request without a token is served as a writer
    NO_CHALLENGE = "no_challenge"  # 401 without WWW-Authenticate
    MALFORMED_TOKEN_CRASHES = "malformed_token_crashes"  # noqa: S105 - a name; garbage token answers 500
    IGNORES_EXPIRY = "ignores_expiry"  # exp is not looked at
    SKIPS_SIGNATURE = "skips_signature"  # the signature is not verified
    ACCEPTS_ALG_NONE = "accepts_alg_none"  # unsigned tokens are trusted
    NO_RBAC = "no_rbac"  # roles are not looked at
    # 4 rate_limit
    NO_RATE_LIMIT = "no_rate_limit"  # nobody is ever refused
    RETRY_AFTER_MISSING = "retry_after_missing"  # 429 does not say when to come back
    SHARED_BUCKET = "shared_bucket"  # one bucket for all subjects
    # 5 validation
    NO_VALIDATION = "no_validation"  # bodies without a name are stored
    TYPES_UNCHECKED = "types_unchecked"  # a number is taken for a string
    LENGTH_OFF_BY_ONE = "length_off_by_one"  # one code point more than declared is accepted
    UNKNOWN_FIELDS_STORED = "unknown_fields_stored"  # fields outside the schema are accepted
    BROKEN_JSON_CRASHES = "broken_json_crashes"  # truncated JSON answers 500
    FIRST_ERROR_ONLY = "first_error_only"  # only one of several bad fields is named
    # 6 service_router
    DOWN_IS_500 = "down_is_500"  # no live instance answers 500
    BREAKER_NEVER_OPENS = "breaker_never_opens"  # every request waits for the dead dependency
    # 7 business_logic
    IDEMPOTENCY_IGNORED = "idempotency_ignored"  # the same key creates twice
    KEY_REUSE_ACCEPTED = "key_reuse_accepted"  # same key, other body: answered as if it were the same
    IF_MATCH_IGNORED = "if_match_ignored"  # a stale If-Match overwrites
    # 8 transaction
    ROW_KEPT_AFTER_REFUSAL = "row_kept_after_refusal"  # a refused create leaves a row
    NO_ROLLBACK = "no_rollback"  # the row is committed before the rest of the unit fails
    # 9 publish_event
    EVENT_LOST = "event_lost"  # no event for a create
    EVENT_TWICE = "event_twice"  # two events, two ids, for one create
    EVENT_WRONG_ACTOR = "event_wrong_actor"  # the event differs from the resource
    # 10 audit_log
    AUDIT_LOST = "audit_lost"  # no entry for a create
    AUDIT_ANONYMOUS = "audit_anonymous"  # the entry does not say who
    # 11 connection_pool
    POOL_LEAKS = "pool_leaks"  # connections are not given back
    # 12 write_primary
    DROPS_DESCRIPTION = "drops_description"  # the row lacks what the reply shows
    # 13 replicate
    READS_OLD_VERSION = "reads_old_version"  # a read shows the version before the reader's own write
    # 14 invalidate_cache
    CACHE_NOT_INVALIDATED = "cache_not_invalidated"  # an update leaves the old value in the cache
    CACHE_WRONG_BODY = "cache_wrong_body"  # the cached value differs from the row
    # 15 index_update
    INDEX_SKIPPED = "index_skipped"  # creates are not indexed
    INDEX_KEEPS_OLD = "index_keeps_old"  # updates are not indexed
    # 16 response
    OK_FOR_CREATED = "ok_for_created"  # 200 instead of 201
    NO_LOCATION = "no_location"  # 201 without Location
    LOCATION_WRONG = "location_wrong"  # Location names something else
    MISSING_FIELD = "missing_field"  # created_by is not in the reply
    LOCAL_TIME = "local_time"  # created_at without an offset, hours off
    CREATED_BY_FROM_BODY = "created_by_from_body"  # the actor is not the token's subject
    ETAG_DIFFERS = "etag_differs"  # the reply's ETag is not the representation's
    HTML_ERRORS = "html_errors"  # errors are HTML pages
    STACK_TRACE_LEAKS = "stack_trace_leaks"  # error bodies show the inside

    @property
    def step(self) -> Step:
        """The step whose stage the defect replaces."""
        return _STEPS[self]


def _steps() -> dict[Fault, Step]:
    """Faults stand above in the order of the flow; these are the first of each step."""
    firsts = {
        Fault.ANY_MEDIA_TYPE: Step.HTTPS_REQUEST,
        Fault.OPEN_DOOR: Step.AUTH_CHECK,
        Fault.NO_RATE_LIMIT: Step.RATE_LIMIT,
        Fault.NO_VALIDATION: Step.VALIDATION,
        Fault.DOWN_IS_500: Step.SERVICE_ROUTER,
        Fault.IDEMPOTENCY_IGNORED: Step.BUSINESS_LOGIC,
        Fault.ROW_KEPT_AFTER_REFUSAL: Step.TRANSACTION,
        Fault.EVENT_LOST: Step.PUBLISH_EVENT,
        Fault.AUDIT_LOST: Step.AUDIT_LOG,
        Fault.POOL_LEAKS: Step.CONNECTION_POOL,
        Fault.DROPS_DESCRIPTION: Step.WRITE_PRIMARY,
        Fault.READS_OLD_VERSION: Step.REPLICATE,
        Fault.CACHE_NOT_INVALIDATED: Step.INVALIDATE_CACHE,
        Fault.INDEX_SKIPPED: Step.INDEX_UPDATE,
        Fault.OK_FOR_CREATED: Step.RESPONSE,
    }
    steps: dict[Fault, Step] = {}
    step = Step.HTTPS_REQUEST
    for fault in Fault:
        step = firsts.get(fault, step)
        steps[fault] = step
    return steps


_STEPS = _steps()
