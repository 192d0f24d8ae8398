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
    OPTIONS_DIFFER = "options_differ"  # OPTIONS names a method that is refused
    UNBOUNDED_BODY = "unbounded_body"  # a body over the limit is read and judged by its content
    UNBOUNDED_HEADERS = "unbounded_headers"  # headers of any size are read
    EMPTY_CONDITION_DROPPED = "empty_condition_dropped"  # an If-Match that says nothing is no condition
    INFLATES_BODIES = "inflates_bodies"  # compressed bodies are unpacked without a limit
    # 3 auth_check
    OPEN_DOOR = "open_door"  # a request without a token is served as a writer
    NO_CHALLENGE = "no_challenge"  # 401 without WWW-Authenticate
    MALFORMED_TOKEN_CRASHES = "malformed_token_crashes"  # noqa: S105 - a name; garbage token answers 500
    IGNORES_EXPIRY = "ignores_expiry"  # exp is not looked at
    SKIPS_SIGNATURE = "skips_signature"  # the signature is not verified
    ACCEPTS_ALG_NONE = "accepts_alg_none"  # unsigned tokens are trusted
    NO_RBAC = "no_rbac"  # roles are not looked at
    SCHEME_IGNORED = "scheme_ignored"  # whatever stands before the token is passed over
    SCHEME_CASE_MATTERS = "scheme_case_matters"  # bearer is not taken for Bearer
    TOKEN_FROM_QUERY = "token_from_query"  # noqa: S105 - a name; access_token in the query string is honoured
    TAKES_LAST_CREDENTIAL = "takes_last_credential"  # of two Authorization fields one is believed
    LOOSE_TOKEN_SPELLING = "loose_token_spelling"  # noqa: S105 - a name; one token has several spellings
    VALIDATES_FIRST = "validates_first"  # strangers are told what is wrong with their body
    ERROR_CODE_WITHOUT_TOKEN = "error_code_without_token"  # noqa: S105 - a name; the challenge blames what is absent
    STRIPPED_SIGNATURE = "stripped_signature"  # an empty signature is not verified
    HMAC_WITH_PUBLIC_KEY = "hmac_with_public_key"  # the token's alg decides what the public key is used for
    WEAK_SECRET = "weak_secret"  # noqa: S105 - a name; the shared secret is in every dictionary
    TRUSTS_EMBEDDED_KEY = "trusts_embedded_key"  # the token brings its own key along
    FETCHES_KEY_URL = "fetches_key_url"  # the token says where its key is fetched
    KEY_ID_CRASHES = "key_id_crashes"  # a strange kid answers 500
    LONG_LEEWAY = "long_leeway"  # a token is good for half an hour after its end
    TIMELESS_TOKENS = "timeless_tokens"
    IGNORES_NOT_BEFORE = "ignores_not_before"  # nbf is not looked at
    IGNORES_ISSUED_AT = "ignores_issued_at"  # iat may be in the future
    IGNORES_AUDIENCE = "ignores_audience"  # a token for another service is good here
    IGNORES_CRIT = "ignores_crit"  # critical headers that are not understood are passed over
    ANY_TOKEN_TYPE = "any_token_type"  # noqa: S105 - a name; an ID token opens the API
    DERIVES_KEYS = "derives_keys"  # works as many rounds as the token asks for
    # 4 rate_limit
    NO_RATE_LIMIT = "no_rate_limit"  # nobody is ever refused
    RETRY_AFTER_MISSING = "retry_after_missing"  # 429 does not say when to come back
    SHARED_BUCKET = "shared_bucket"  # one bucket for all subjects
    BUCKET_BY_CLAIMED_ADDRESS = "bucket_by_claimed_address"  # X-Forwarded-For says whose bucket it is
    LIMIT_LOOKS_LIKE_OUTAGE = "limit_looks_like_outage"  # a 429 has the code of a 503
    COUNTS_ONE_OF_MANY = "counts_one_of_many"  # of requests that come at once one is counted
    # 5 validation
    NO_VALIDATION = "no_validation"  # bodies without a name are stored
    TYPES_UNCHECKED = "types_unchecked"  # a number is taken for a string
    LENGTH_OFF_BY_ONE = "length_off_by_one"  # one code point more than declared is accepted
    UNKNOWN_FIELDS_STORED = "unknown_fields_stored"  # fields outside the schema are accepted
    BROKEN_JSON_CRASHES = "broken_json_crashes"  # truncated JSON answers 500
    FIRST_ERROR_ONLY = "first_error_only"  # only one of several bad fields is named
    BLANK_ACCEPTED = "blank_accepted"  # a name of invisible characters is stored
    QUOTES_DOUBLED = "quotes_doubled"  # text is changed as if it became SQL
    EVALUATES_TEMPLATES = "evaluates_templates"  # what looks like a template is filled in
    LIMITS_BEFORE_NORMALISING = "limits_before_normalising"  # what is stored is longer than what was judged
    DEEP_JSON_CRASHES = "deep_json_crashes"  # deep nesting answers 500
    METADATA_UNBOUNDED = "metadata_unbounded"  # metadata may be of any size and depth
    UNKNOWN_NULL_PASSES = "unknown_null_passes"  # an unknown field is refused unless it is null
    LOSES_EMPTY_VALUES = "loses_empty_values"  # what is empty or zero is not stored
    NUMBERS_ROUNDED = "numbers_rounded"  # whole numbers become fractions
    STRANGE_KEY_CRASHES = "strange_key_crashes"  # a long Idempotency-Key answers 500
    # 6 service_router
    DOWN_IS_500 = "down_is_500"  # no live instance answers 500
    BREAKER_NEVER_OPENS = "breaker_never_opens"  # every request waits for the dead dependency
    # 7 business_logic
    IDEMPOTENCY_IGNORED = "idempotency_ignored"  # the same key creates twice
    KEY_REUSE_ACCEPTED = "key_reuse_accepted"  # same key, other body: answered as if it were the same
    IF_MATCH_IGNORED = "if_match_ignored"  # a stale If-Match overwrites
    KEY_SHARED = "key_shared"  # an Idempotency-Key of one subject is everybody's
    CONTENTION_CRASHES = "contention_crashes"  # two updates of one resource at once answer 500
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
    AUDIT_SPLITS_LINES = "audit_splits_lines"  # every line of a name is an entry
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

    ONE_CODE_FOR_ALL = "one_code_for_all"  # programs cannot tell one refusal from another
    MAY_BE_STORED = "may_be_stored"  # replies are open to shared caches
    VERSION_BANNER = "version_banner"  # replies tell the software's version
    ORIGIN_REFLECTED = "origin_reflected"  # every origin may use the reader's credentials
    MARKUP_ESCAPED_ON_READ = "markup_escaped_on_read"  # reads show other markup than the create
    NAME_IN_HEADER = "name_in_header"  # a field's text is copied into a header as it is
    DEFAULT_MISSING = "default_missing"  # what was not sent is not shown
    BYTE_ORDER_MARK = "byte_order_mark"  # JSON begins with a byte order mark
    ID_REPEATED = "id_repeated"  # two resources have one id
    LOCATION_FROM_HEADER = "location_from_header"  # the client's X-Forwarded-Host is where Location points
    TIME_OF_READING = "time_of_reading"  # created_at is when it was read

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
