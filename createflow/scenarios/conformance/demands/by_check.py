"""Who demands what each check fails on."""

from typing import NamedTuple


class Demand(NamedTuple):
    """Of one check.

    ``must`` names sections of ``STANDARDS`` and keys of the profile, separated by semicolons; empty for a should.
    ``lesser`` says what is only a should, or why the whole check is one.
    """

    must: str
    lesser: str = ""


_SCHEMA = "target.schema_file; target.errors.statuses"
_SHOWN = "target.reply; target.fields.name"
_READ = "target.read_path; deadlines.read_s"
_OURS = "where `promises.contract` is not given"
_TOKEN = "auth; target.errors.statuses"  # noqa: S105 - keys of the profile
_KEY = "target.idempotency"
_UNAUTHENTICATED = "target.errors.statuses"
_NO_5XX = "target.errors"
_EVENTS = "sinks.events; deadlines.event_s"
_AUDIT = "sinks.audit; deadlines.audit_s"
_CACHE = "sinks.cache; deadlines.cache_s"
_INDEX = "sinks.search; deadlines.index_s"

DEMANDS: dict[str, Demand] = {
    "https_request.wrong_media_type_is_415": Demand("promises.media_types"),
    "https_request.unknown_method_is_405": Demand(
        "RFC 9110 §15.5.6; promises.unknown_methods", "that it is refused, without that promise (RFC 9110 §9.1)"
    ),
    "https_request.oversized_body_is_413": Demand("target.max_body_bytes"),
    "https_request.options_agree_with_405": Demand("", "RFC 9110 §9.3.7 is a SHOULD"),
    "https_request.huge_header_is_431": Demand("RFC 9110 §5.4", f"that it is refused, {_OURS}"),
    "https_request.compressed_bomb_is_refused": Demand("", "no standard limits what a body may become"),
    "https_request.date_is_given": Demand("RFC 9110 §6.6.1"),
    "https_request.replies_are_not_stored": Demand("", "advice of OWASP"),
    "https_request.no_version_is_told": Demand("", "RFC 9110 §10.2.4 is a SHOULD NOT"),
    "https_request.strange_origin_is_not_let_in": Demand("promises.contract", f"all of it, {_OURS}"),
    "https_request.https_is_insisted_on": Demand("", "RFC 6797 §7.1 is a SHOULD, and its REQUIRED max-age may be zero"),
    "https_request.bad_framing_is_refused": Demand(
        "RFC 9112 §5.1; RFC 9112 §6.3", "chunks that are none (RFC 9112 §2.2)"
    ),
    "https_request.smuggled_request_is_not_answered": Demand("RFC 9112 §6.1; RFC 9112 §6.3"),
    "https_request.host_is_required_once": Demand("RFC 9112 §3.2"),
    "https_request.plaintext_creates_nothing": Demand("target.base_url"),
    "https_request.fields_fit_their_grammar": Demand("RFC 9110 §2.2; RFC 9110 §5.3"),
    "https_request.authorised_replies_are_not_shared": Demand(
        "", "RFC 9111 §3.5 and RFC 9213 §2.2 are for caches; it is what they do"
    ),
    "load_balancer.old_tls_is_refused": Demand("RFC 9325 §3.1.1; target.base_url"),
    "load_balancer.certificate_lasts_two_weeks": Demand("", "no standard says how early to renew"),
    "load_balancer.no_gateway_is_503": Demand(
        "faults; target.errors.statuses", f"that it is a problem document, {_OURS}"
    ),
    "auth_check.missing_token_is_401": Demand(_TOKEN),
    "auth_check.refusal_carries_challenge": Demand("RFC 9110 §15.5.2; RFC 6750 §3"),
    "auth_check.malformed_token_is_401": Demand(_TOKEN),
    "auth_check.expired_token_is_401": Demand(f"RFC 7519 §4.1.4; {_UNAUTHENTICATED}"),
    "auth_check.tampered_token_is_401": Demand(f"RFC 8725 §3.3; {_UNAUTHENTICATED}"),
    "auth_check.foreign_key_is_401": Demand(f"RFC 8725 §3.3; RFC 8725 §3.8; {_UNAUTHENTICATED}"),
    "auth_check.alg_none_is_401": Demand(f"RFC 8725 §3.1; RFC 8725 §3.2; {_UNAUTHENTICATED}"),
    "auth_check.reader_is_403": Demand(_TOKEN),
    "auth_check.other_scheme_is_401": Demand(_TOKEN, f"a good token after another scheme or none, {_OURS}"),
    "auth_check.scheme_has_no_case": Demand("", "RFC 9110 §11.1 defines it, and demands nothing of a server"),
    "auth_check.token_in_query_is_401": Demand("", "RFC 6750 §2.3 is a SHOULD NOT; RFC 9700 §4.3.2 is for clients"),
    "auth_check.two_credentials_are_refused": Demand("", "RFC 6750 §2 is for clients, and §3.1 is a SHOULD"),
    "auth_check.loose_spelling_is_401": Demand(f"RFC 7519 §7.2; promises.one_spelling; {_UNAUTHENTICATED}"),
    "auth_check.identity_comes_before_content": Demand("promises.identity_first"),
    "auth_check.challenge_says_what_is_wrong": Demand("", "RFC 6750 §3 and §3.1 have SHOULDs for error codes"),
    "auth_check.stripped_signature_is_401": Demand(f"RFC 8725 §3.3; {_UNAUTHENTICATED}"),
    "auth_check.public_key_is_no_secret": Demand(f"RFC 8725 §3.1; {_UNAUTHENTICATED}"),
    "auth_check.guessed_secret_is_401": Demand(f"RFC 8725 §3.5; RFC 7518 §3.2; {_UNAUTHENTICATED}"),
    "auth_check.embedded_key_is_401": Demand(f"RFC 8725 §3.3; RFC 8725 §3.8; {_UNAUTHENTICATED}"),
    "auth_check.key_url_is_not_fetched": Demand(f"RFC 8725 §3.3; RFC 7515 §4.1.2; RFC 7515 §4.1.5; {_UNAUTHENTICATED}"),
    "auth_check.strange_key_id_is_401": Demand(f"RFC 8725 §3.3; {_UNAUTHENTICATED}", f"that it is quick, {_OURS}"),
    "auth_check.token_for_others_is_401": Demand(
        f"auth.issuer; auth.audience; RFC 7519 §4.1.3; RFC 9068 §4; {_UNAUTHENTICATED}"
    ),
    "auth_check.every_role_counts": Demand("promises.contract"),
    "auth_check.unknown_critical_header_is_401": Demand(
        f"RFC 7515 §4.1.11; RFC 8725 §3.3; {_UNAUTHENTICATED}", f"a malformed crit, {_OURS}"
    ),
    "auth_check.other_kind_of_token_is_401": Demand(
        f"promises.token_types; RFC 9068 §4; {_UNAUTHENTICATED}", "all of it, without that promise (RFC 8725 §3.11)"
    ),
    "auth_check.encrypted_token_is_401_quickly": Demand("", "a draft, which recommends it"),
    "auth_check.end_is_kept": Demand(
        f"RFC 7519 §4.1.4; {_UNAUTHENTICATED}", f"that a token is accepted until then, {_OURS}"
    ),
    "auth_check.seen_token_ends_as_others": Demand(f"RFC 7519 §4.1.4; {_UNAUTHENTICATED}"),
    "auth_check.end_must_be_a_time": Demand(f"RFC 7519 §4.1.4; promises.token_ends; {_UNAUTHENTICATED}"),
    "auth_check.early_token_is_401": Demand(f"RFC 7519 §4.1.5; {_UNAUTHENTICATED}"),
    "auth_check.token_from_the_future_is_401": Demand(f"promises.issue_times; {_UNAUTHENTICATED}"),
    "auth_check.others_resource_is_as_missing": Demand("target.private"),
    "auth_check.others_may_not_change": Demand("target.owned"),
    "auth_check.challenges_are_challenges": Demand("RFC 9110 §15.5.2; RFC 9110 §2.2"),
    "rate_limit.no_window_takes_more": Demand("", "a limiter may count by windows or by a bucket"),
    "rate_limit.excess_is_429": Demand("limits; target.errors.statuses"),
    "rate_limit.retry_after_is_given": Demand(
        "", "RFC 6585 §4 is a MAY. One that is no time is a must (RFC 9110 §2.2)"
    ),
    "rate_limit.other_subject_is_not_refused": Demand("limits"),
    "rate_limit.claimed_address_evades_nothing": Demand("limits"),
    "rate_limit.refusals_of_a_flood_are_429": Demand("limits; target.errors.statuses"),
    "rate_limit.who_keeps_the_rate_is_not_refused": Demand("limits"),
    "rate_limit.rate_limit_fields_tell_the_truth": Demand("", "a draft"),
    "validation.missing_name_is_400": Demand(_SCHEMA),
    "validation.wrong_types_are_400": Demand(_SCHEMA),
    "validation.length_bound_is_exact": Demand(_SCHEMA),
    "validation.unknown_field_is_400": Demand(_SCHEMA),
    "validation.broken_json_is_400": Demand(f"{_SCHEMA}; promises.strict_json"),
    "validation.duplicate_key_is_400": Demand("promises.unique_keys"),
    "validation.every_error_is_named": Demand("promises.error_places"),
    "validation.extreme_objects_are_answered": Demand(_NO_5XX, f"that it is quick, {_OURS}"),
    "validation.metadata_bounds_are_exact": Demand("promises.contract"),
    "validation.unknown_fields_are_treated_alike": Demand("", "an open schema says nothing of fields it does not name"),
    "validation.blank_name_is_400": Demand(_SCHEMA),
    "validation.sql_is_only_text": Demand(f"{_SHOWN}; target.schema_file", f"that it is quick, {_OURS}"),
    "validation.markup_is_treated_alike": Demand(_SHOWN),
    "validation.text_is_inert": Demand(_SHOWN, f"that nothing is fetched, {_OURS}"),
    "validation.line_breaks_stay_in_the_body": Demand("RFC 9110 §2.2"),
    "validation.stored_form_keeps_the_limit": Demand("", "a schema is of what is sent, not of what is stored"),
    "validation.listed_values_are_judged_by_the_schema": Demand(f"{_SCHEMA}; target.reply"),
    "validation.what_no_bound_covers_is_kept_or_refused": Demand(
        f"target.reply; {_NO_5XX}", f"numbers that a double cannot hold (RFC 7493 §2.2), {_OURS}"
    ),
    "validation.inner_duplicate_keys_are_400": Demand("promises.unique_keys; promises.contract"),
    "validation.strange_ids_are_4xx": Demand(_NO_5XX, f"that no other name is an id, {_OURS}"),
    "validation.strange_parameters_are_no_server_error": Demand(_NO_5XX),
    "validation.generated_bodies_come_back": Demand(f"{_SCHEMA}; target.reply"),
    "validation.generated_mistakes_are_400": Demand(_SCHEMA),
    "service_router.service_down_is_503": Demand("faults; target.errors.statuses", f"Retry-After, {_OURS}"),
    "service_router.breaker_opens_and_recovers": Demand("promises.contract"),
    "service_router.unknown_resource_is_404": Demand("", "a path that is not there may be refused otherwise"),
    "service_router.unanswered_create_is_made_once": Demand(
        "RFC 9110 §9.2.2; sinks.primary; faults; target.errors.statuses"
    ),
    "service_router.no_unexplained_server_error": Demand(_NO_5XX),
    "business_logic.same_key_creates_once": Demand(_KEY),
    "business_logic.keys_are_known_at_the_end": Demand("target.idempotency_kept_s"),
    "business_logic.key_outlives_a_restart": Demand("target.idempotency_kept_s"),
    "business_logic.reused_key_with_other_body_is_refused": Demand("promises.contract", f"all of it, {_OURS}"),
    "business_logic.key_is_the_senders_own": Demand(_KEY),
    "business_logic.replay_is_the_first_reply": Demand("target.idempotency_policy"),
    "business_logic.cut_off_create_is_made_once": Demand(_KEY),
    "business_logic.failed_create_is_made_once_at_most": Demand("", "a draft leaves open what a failed create keeps"),
    "business_logic.strange_key_is_answered": Demand("", "a draft"),
    "business_logic.stale_if_match_is_412": Demand(
        "RFC 9110 §13.1.1; target.versions", "that it is 412, without that key (RFC 9110 §13.1.1)"
    ),
    "business_logic.stale_delete_is_412": Demand(
        "RFC 9110 §13.1.1; target.versions", "that it is 412, without that key (RFC 9110 §13.1.1)"
    ),
    "business_logic.met_condition_is_no_refusal": Demand("RFC 9110 §13.1.1; target.update"),
    "business_logic.unmet_condition_is_no_write": Demand(
        "RFC 9110 §13.1.1; RFC 9110 §13.1.2", "412 to If-Match, without `target.versions` (RFC 9110 §13.1.1)"
    ),
    "business_logic.unmet_condition_changes_nothing": Demand(
        "RFC 9110 §13.1.1", f"an If-Match that has no entity tag, {_OURS}"
    ),
    "business_logic.unconditional_update_is_428": Demand("target.conditional_updates"),
    "business_logic.one_of_many_updates_wins": Demand(f"RFC 9110 §13.1.1; {_NO_5XX}"),
    "business_logic.one_of_updates_and_deletes_wins": Demand("RFC 9110 §13.1.1; target.delete"),
    "business_logic.contention_is_no_server_error": Demand(f"{_NO_5XX}; promises.contract; target.versions"),
    "business_logic.one_of_many_creates_of_a_name_wins": Demand("target.unique_name"),
    "business_logic.update_to_a_taken_name_is_refused": Demand("target.unique_name"),
    "business_logic.deleted_name_is_free": Demand("promises.contract", f"all of it, {_OURS}"),
    "business_logic.renamed_name_is_free": Demand("promises.contract", f"all of it, {_OURS}"),
    "business_logic.racing_delete_is_carried_out": Demand("target.delete"),
    "transaction.refused_create_leaves_nothing": Demand("sinks; target.errors.statuses"),
    "transaction.database_error_is_500_and_leaves_nothing": Demand(
        "sinks; faults; target.errors.statuses", f"the code in the body, {_OURS}"
    ),
    "transaction.no_refusal_left_anything": Demand("sinks"),
    "publish_event.every_create_has_an_event": Demand(_EVENTS),
    "publish_event.one_event_per_create": Demand(_EVENTS),
    "publish_event.event_equals_resource": Demand(f"{_EVENTS}; sinks.events.resource; sinks.events.envelope"),
    "publish_event.changes_are_published": Demand(
        f"{_EVENTS}; sinks.events.updated_subject; sinks.events.deleted_subject"
    ),
    "publish_event.events_match_writes_at_the_end": Demand(_EVENTS),
    "publish_event.late_commits_are_published": Demand(f"{_EVENTS}; faults"),
    "publish_event.killed_broker_loses_no_event": Demand("sinks.events; faults; deadlines.recovery_s"),
    "audit_log.one_entry_per_create": Demand(_AUDIT),
    "audit_log.entry_says_who_what_when": Demand(_AUDIT),
    "audit_log.changes_are_recorded": Demand("sinks.audit.changes; deadlines.audit_s"),
    "audit_log.entries_match_writes_at_the_end": Demand(_AUDIT),
    "audit_log.forged_line_is_no_entry": Demand("", "advice of OWASP"),
    "connection_pool.parallel_creates_all_answer": Demand(f"promises.saturation; {_NO_5XX}"),
    "connection_pool.refused_writes_leak_nothing": Demand(_SCHEMA),
    "connection_pool.failed_reads_leak_nothing": Demand(f"{_SCHEMA}; faults"),
    "write_primary.crash_loses_no_create": Demand("sinks.primary; faults"),
    "write_primary.row_equals_reply": Demand("sinks.primary"),
    "write_primary.rows_equal_writes": Demand("sinks.primary"),
    "write_primary.rows_match_writes_at_the_end": Demand("sinks.primary"),
    "replicate.every_replica_converges": Demand("sinks.replicas; deadlines.replica_s"),
    "replicate.replicas_match_writes_at_the_end": Demand("sinks.replicas; deadlines.replica_s"),
    "replicate.own_write_is_read": Demand("deadlines.read_s"),
    "replicate.own_write_is_read_after_a_restart": Demand("deadlines.read_s; faults"),
    "replicate.lagging_replica_is_not_read": Demand("deadlines.read_s; faults; sinks.replicas"),
    "replicate.cold_reads_are_not_old": Demand("deadlines.read_s; faults; sinks.replicas"),
    "invalidate_cache.never_stale_after_update": Demand("deadlines.read_s; target.update"),
    "invalidate_cache.cache_equals_row": Demand(_CACHE),
    "invalidate_cache.cached_values_equal_writes": Demand(_CACHE),
    "invalidate_cache.outage_and_restart_leave_nothing_old": Demand(f"{_CACHE}; deadlines.read_s; faults"),
    "invalidate_cache.cache_matches_writes_at_the_end": Demand(_CACHE),
    "index_update.refused_documents_are_tried_again": Demand(f"{_INDEX}; faults; deadlines.recovery_s"),
    "index_update.create_is_found": Demand(_INDEX),
    "index_update.update_is_found": Demand(_INDEX),
    "index_update.documents_equal_writes": Demand(_INDEX),
    "index_update.index_matches_writes_at_the_end": Demand(_INDEX),
    "index_update.outage_is_caught_up": Demand(f"{_INDEX}; faults; deadlines.recovery_s"),
    "response.create_is_201": Demand(
        "target.schema_file; target.fields.id; RFC 9110 §9.3.4",
        f"201 to a POST (RFC 9110 §9.3.3) and the media type, {_OURS}",
    ),
    "response.body_has_the_fields": Demand(f"target.fields; {_SHOWN}; promises.contract"),
    "response.location_is_given": Demand("target.read_path; RFC 9110 §2.2"),
    "response.location_answers_the_same": Demand(_READ),
    "response.created_at_is_now": Demand("target.fields.created_at; target.fields.created_at_format"),
    "response.created_by_is_the_subject": Demand("target.fields.created_by"),
    "response.etag_matches": Demand(
        "RFC 9110 §2.2; RFC 9110 §13.1.2; target.versions", "what an ETag is compared with, without that key"
    ),
    "response.any_matching_tag_is_304": Demand("RFC 9110 §13.1.2"),
    "response.condition_of_a_refused_request_is_ignored": Demand("RFC 9110 §13.2.1"),
    "response.head_is_as_a_read": Demand("RFC 9110 §8.6; RFC 9110 §9.3.2"),
    "response.errors_are_problem_json": Demand("promises.contract", f"all of it, {_OURS}"),
    "response.refusals_have_codes_of_their_own": Demand("promises.contract", f"all of it, {_OURS}"),
    "response.text_comes_back_as_sent": Demand(_SHOWN),
    "response.values_come_back_as_sent": Demand(_SHOWN),
    "response.defaults_are_filled_alike": Demand(f"{_SCHEMA}; target.reply", f"that defaults are shown, {_OURS}"),
    "response.protected_fields_are_not_taken": Demand("promises.contract", f"all of it, {_OURS}"),
    "response.json_is_plain_utf_8": Demand("RFC 8259 §8.1", f"another charset (RFC 8259 §11), {_OURS}"),
    "response.ids_are_unique": Demand("target.fields.id; promises.contract"),
    "response.uuid_is_a_legal_one": Demand("", "an id may be any text or number; RFC 7493 §2.2 is RECOMMENDED"),
    "response.location_is_ours": Demand("target.location_origins", f"that it has the id in it, {_OURS}"),
    "response.created_at_stays": Demand("target.fields.created_at"),
    "response.ordinary_writes_are_accepted": Demand(
        "target.schema_file; target.update; target.delete; RFC 9110 §9.3.4"
    ),
    "response.replies_show_what_was_sent": Demand(_SHOWN),
    "response.reads_show_writes": Demand(_READ),
    "response.deleted_is_not_found": Demand("target.delete"),
    "response.reads_match_writes_at_the_end": Demand(f"{_READ}; target.delete"),
    "response.six_refusals_are_told_apart": Demand(
        "target.errors.statuses; target.errors.codes", f"that they differ, {_OURS}"
    ),
    "response.statuses_are_of_the_contract": Demand("", "a server may use any status that fits"),
    "response.json_is_json": Demand("RFC 8259 §8.1; RFC 8259 §10"),
    "response.problem_status_is_that_of_the_reply": Demand("RFC 9457 §3.1.2"),
    "response.error_bodies_fit_their_schema": Demand("promises.contract", f"all of it, {_OURS}"),
    "response.replies_fit_the_openapi_document": Demand("target.openapi_file"),
    "response.no_secret_in_replies": Demand("promises.contract", f"all of it, {_OURS}"),
    "response.errors_show_no_internals": Demand("promises.contract", f"all of it, {_OURS}"),
    "response.successes_show_no_internals": Demand("promises.contract", f"all of it, {_OURS}"),
}
