"""What can go wrong at a create endpoint, one line each, and the checks that look for it.

``python -m createflow.scenarios.conformance.coverage docs/coverage.md`` writes the table of the documentation.
"""

import sys
from pathlib import Path
from typing import NamedTuple

from createflow.scenarios.conformance.catalogue import CATALOGUE


class Line(NamedTuple):
    """One line: its name, the checks, and what they leave out, or why there are none."""

    name: str
    checks: str
    """Ids, separated by spaces; empty for none."""
    left_out: str = ""


_BENCH = "measured by `createflow bench`"
_FAULTS_UNDER_TRAFFIC = "needs faults under traffic, which a run does not inject"
LINES = (
    Line("auth.missing-token", "auth_check.missing_token_is_401 transaction.no_refusal_left_anything"),
    Line("auth.challenge", "auth_check.refusal_carries_challenge auth_check.challenges_are_challenges"),
    Line("auth.malformed-token", "auth_check.malformed_token_is_401"),
    Line("auth.scheme", "auth_check.other_scheme_is_401 auth_check.scheme_has_no_case"),
    Line("auth.signature-tampered", "auth_check.tampered_token_is_401"),
    Line("auth.signature-stripped", "auth_check.stripped_signature_is_401"),
    Line("auth.alg-none", "auth_check.alg_none_is_401"),
    Line("auth.alg-confusion", "auth_check.public_key_is_no_secret"),
    Line("auth.weak-secret", "auth_check.guessed_secret_is_401"),
    Line(
        "auth.foreign-key",
        "auth_check.foreign_key_is_401 auth_check.embedded_key_is_401 auth_check.key_url_is_not_fetched",
    ),
    Line("auth.kid-injection", "auth_check.strange_key_id_is_401", "no comparison of latencies"),
    Line("auth.crit", "auth_check.unknown_critical_header_is_401"),
    Line("auth.expired", "auth_check.expired_token_is_401 auth_check.end_is_kept auth_check.end_must_be_a_time"),
    Line("auth.not-before", "auth_check.early_token_is_401 auth_check.token_from_the_future_is_401"),
    Line("auth.audience-issuer", "auth_check.token_for_others_is_401"),
    Line("auth.token-kind", "auth_check.other_kind_of_token_is_401 auth_check.encrypted_token_is_401_quickly"),
    Line("auth.format-strict", "auth_check.loose_spelling_is_401"),
    Line("auth.one-location", "auth_check.token_in_query_is_401 auth_check.two_credentials_are_refused"),
    Line("rbac.forbidden", "auth_check.reader_is_403"),
    Line("rbac.mass-assignment", "response.protected_fields_are_not_taken validation.unknown_field_is_400"),
    Line("rbac.actor-binding", "response.created_by_is_the_subject audit_log.entry_says_who_what_when"),
    Line("rbac.object-level", "auth_check.others_may_not_change auth_check.others_resource_is_as_missing"),
    Line("gate.auth-first", "auth_check.identity_comes_before_content"),
    Line("gate.all-six-reachable", "response.six_refusals_are_told_apart response.refusals_have_codes_of_their_own"),
    Line(
        "create.status",
        "response.create_is_201 response.ordinary_writes_are_accepted response.statuses_are_of_the_contract",
    ),
    Line("create.shape", "response.body_has_the_fields response.replies_show_what_was_sent"),
    Line(
        "create.fidelity",
        "response.text_comes_back_as_sent response.values_come_back_as_sent response.reads_show_writes "
        "validation.what_no_bound_covers_is_kept_or_refused",
    ),
    Line("create.defaults", "response.defaults_are_filled_alike"),
    Line("create.id-unique", "response.ids_are_unique write_primary.rows_equal_writes"),
    Line(
        "create.id-format",
        "response.uuid_is_a_legal_one",
        "ids in sequence are not reported",
    ),
    Line("create.timestamp", "response.created_at_is_now response.created_at_stays"),
    Line("create.media-type", "response.create_is_201 response.json_is_plain_utf_8 response.json_is_json"),
    Line("location.present", "response.location_is_given"),
    Line("location.valid", "response.location_is_given response.location_is_ours"),
    Line("location.authority", "response.location_is_ours"),
    Line("location.dereference", "response.location_answers_the_same response.reads_match_writes_at_the_end"),
    Line("location.same-body", "response.location_answers_the_same response.reads_show_writes"),
    Line("location.validators", "response.etag_matches"),
    Line("valid.required", "validation.missing_name_is_400 validation.listed_values_are_judged_by_the_schema"),
    Line("valid.type", "validation.wrong_types_are_400 validation.listed_values_are_judged_by_the_schema"),
    Line(
        "valid.length",
        "validation.length_bound_is_exact validation.listed_values_are_judged_by_the_schema "
        "validation.what_no_bound_covers_is_kept_or_refused",
    ),
    Line("valid.blank", "validation.blank_name_is_400"),
    Line("valid.syntax", "validation.broken_json_is_400 validation.listed_values_are_judged_by_the_schema"),
    Line("valid.encoding", "validation.broken_json_is_400 validation.what_no_bound_covers_is_kept_or_refused"),
    Line("valid.duplicate-keys", "validation.duplicate_key_is_400 validation.inner_duplicate_keys_are_400"),
    Line("valid.unknown-fields", "validation.unknown_field_is_400 validation.unknown_fields_are_treated_alike"),
    Line("valid.metadata-limits", "validation.metadata_bounds_are_exact validation.extreme_objects_are_answered"),
    Line("valid.field-errors", "validation.every_error_is_named"),
    Line(
        "error.problem-json",
        "response.errors_are_problem_json response.problem_status_is_that_of_the_reply "
        "response.error_bodies_fit_their_schema",
    ),
    Line(
        "error.no-internals",
        "response.errors_show_no_internals response.successes_show_no_internals response.no_secret_in_replies",
    ),
    Line("sanitise.sqli", "validation.sql_is_only_text", "no comparison of latencies"),
    Line("sanitise.markup", "validation.markup_is_treated_alike"),
    Line("sanitise.inert", "validation.text_is_inert"),
    Line("sanitise.crlf", "validation.line_breaks_stay_in_the_body"),
    Line("sanitise.log-forging", "audit_log.forged_line_is_no_entry", "log files are not read"),
    Line("sanitise.normalise-order", "validation.stored_form_keeps_the_limit"),
    Line("rate.enforced", "rate_limit.excess_is_429 rate_limit.refusals_of_a_flood_are_429"),
    Line("rate.retry-after", "rate_limit.retry_after_is_given"),
    Line("rate.accuracy", "rate_limit.no_window_takes_more rate_limit.rate_limit_fields_tell_the_truth"),
    Line(
        "rate.per-principal",
        "rate_limit.other_subject_is_not_refused rate_limit.claimed_address_evades_nothing "
        "rate_limit.who_keeps_the_rate_is_not_refused",
    ),
    Line("idem.replay", "business_logic.same_key_creates_once business_logic.replay_is_the_first_reply"),
    Line("idem.parallel", "business_logic.same_key_creates_once"),
    Line("idem.mismatch", "business_logic.reused_key_with_other_body_is_refused"),
    Line("idem.scope", "business_logic.key_is_the_senders_own"),
    Line("idem.after-timeout", "business_logic.cut_off_create_is_made_once"),
    Line("idem.after-5xx", "business_logic.failed_create_is_made_once_at_most"),
    Line("idem.malformed", "business_logic.strange_key_is_answered"),
    Line("conc.unique-name", "business_logic.one_of_many_creates_of_a_name_wins"),
    Line("conc.no-5xx", "business_logic.contention_is_no_server_error service_router.no_unexplained_server_error"),
    Line(
        "conc.if-match",
        "business_logic.stale_if_match_is_412 business_logic.stale_delete_is_412 "
        "business_logic.unmet_condition_changes_nothing",
    ),
    Line("conc.lost-update", "business_logic.one_of_many_updates_wins", "no checker of whole histories"),
    Line("conc.precondition-required", "business_logic.unconditional_update_is_428"),
    Line(
        "tx.refused-no-trace",
        "transaction.refused_create_leaves_nothing transaction.no_refusal_left_anything "
        "write_primary.rows_match_writes_at_the_end audit_log.entries_match_writes_at_the_end",
    ),
    Line("tx.rollback-db", "transaction.database_error_is_500_and_leaves_nothing"),
    Line("tx.rollback-audit", "transaction.database_error_is_500_and_leaves_nothing"),
    Line(
        "tx.rollback-event", "transaction.database_error_is_500_and_leaves_nothing transaction.no_refusal_left_anything"
    ),
    Line("tx.rollback-cache-index", "transaction.database_error_is_500_and_leaves_nothing"),
    Line(
        "tx.ack-durable",
        "write_primary.row_equals_reply write_primary.rows_match_writes_at_the_end",
        "services are killed, the database is not",
    ),
    Line("tx.indeterminate", "business_logic.cut_off_create_is_made_once", f"split writes are {_BENCH}"),
    Line("audit.one-per-create", "audit_log.one_entry_per_create audit_log.entries_match_writes_at_the_end"),
    Line("audit.who-what-when", "audit_log.entry_says_who_what_when audit_log.changes_are_recorded"),
    Line("audit.denials", "", "the contract promises no entries of refusals"),
    Line("audit.no-secrets", "", "the query of the audit trail returns no free text to search"),
    Line("event.published", "publish_event.every_create_has_an_event publish_event.changes_are_published"),
    Line("event.no-duplicates", "publish_event.one_event_per_create publish_event.events_match_writes_at_the_end"),
    Line("event.not-before-commit", "", "the row is not looked up at the moment an event comes"),
    Line(
        "event.payload",
        "publish_event.event_equals_resource",
        "attributes of CloudEvents only where `sinks.events.envelope` names them",
    ),
    Line("event.outage", "", _FAULTS_UNDER_TRAFFIC),
    Line("cache.no-negative", "", "no read before the create"),
    Line("cache.equals-db", "invalidate_cache.cache_equals_row invalidate_cache.cached_values_equal_writes"),
    Line(
        "cache.no-stale-refill",
        "invalidate_cache.never_stale_after_update",
        "nothing is evicted: a cold key is one that nobody has read",
    ),
    Line("cache.degrades", "", _FAULTS_UNDER_TRAFFIC),
    Line("cache.http", "https_request.replies_are_not_stored https_request.authorised_replies_are_not_shared"),
    Line("replica.read-your-writes", "replicate.own_write_is_read replicate.lagging_replica_is_not_read"),
    Line("replica.monotonic", "", "no checker of whole histories"),
    Line("replica.lag", "replicate.every_replica_converges", f"the distribution is {_BENCH}"),
    Line("replica.converges", "replicate.every_replica_converges replicate.replicas_match_writes_at_the_end"),
    Line("replica.failover", "", _FAULTS_UNDER_TRAFFIC),
    Line("search.indexed", "index_update.create_is_found index_update.documents_equal_writes"),
    Line("search.matches", "index_update.documents_equal_writes index_update.index_matches_writes_at_the_end"),
    Line("search.no-regress", "index_update.update_is_found index_update.index_matches_writes_at_the_end"),
    Line("search.outage", "index_update.outage_is_caught_up"),
    Line("resil.opens", "service_router.breaker_opens_and_recovers"),
    Line(
        "resil.fast-fail",
        "service_router.breaker_opens_and_recovers",
        "what the database sees meanwhile is not counted",
    ),
    Line("resil.retry-after", "service_router.service_down_is_503 rate_limit.retry_after_is_given"),
    Line("resil.recovers", "service_router.breaker_opens_and_recovers"),
    Line("resil.not-tripped-by-4xx", "service_router.no_unexplained_server_error"),
    Line(
        "resil.bounded",
        "connection_pool.parallel_creates_all_answer connection_pool.refused_writes_leak_nothing",
        "a slow database is not provoked",
    ),
    Line("http.405-allow", "https_request.unknown_method_is_405 https_request.options_agree_with_405"),
    Line("http.415", "https_request.wrong_media_type_is_415"),
    Line(
        "http.413-431",
        "https_request.oversized_body_is_413 https_request.huge_header_is_431 https_request.compressed_bomb_is_refused",
    ),
    Line(
        "http.framing",
        "https_request.bad_framing_is_refused https_request.smuggled_request_is_not_answered "
        "https_request.host_is_required_once https_request.fields_fit_their_grammar",
    ),
    Line("http.date", "https_request.date_is_given"),
    Line("tls.handshake", "load_balancer.old_tls_is_refused load_balancer.certificate_lasts_two_weeks"),
    Line("tls.no-plaintext", "https_request.plaintext_creates_nothing https_request.https_is_insisted_on"),
    Line(
        "sec.headers",
        "https_request.no_version_is_told https_request.strange_origin_is_not_let_in "
        "https_request.replies_are_not_stored",
    ),
    Line("slo.latency", "", _BENCH),
    Line("slo.errors", "", _BENCH),
    Line("slo.correct-under-load", "", f"{_BENCH}: presence, doubles and phantoms, not values"),
    Line("slo.generator-valid", "", _BENCH),
)


def table() -> str:
    """The page of the documentation, in Markdown."""
    covered = {check for line in LINES for check in line.checks.split()}
    others = [check.id for check in CATALOGUE if check.id not in covered]
    rows = [f"| {line.name} | {_linked(line.checks)} | {line.left_out} |" for line in LINES]
    return "\n".join(
        [
            "# What is covered",
            "",
            "Each line is something that can be wrong at a create endpoint. Beside it are the checks of",
            "`createflow run` that look for it (`createflow checks ID` explains one), and what they leave out.",
            "",
            "This page is generated: `python -m createflow.scenarios.conformance.coverage docs/coverage.md`.",
            "",
            "| what | checks | left out |",
            "|---|---|---|",
            *rows,
            "",
            "Checks beyond these lines: " + ", ".join(f"`{name}`" for name in others) + ".",
            "",
        ]
    )


def _linked(checks: str) -> str:
    return ", ".join(f"`{name}`" for name in checks.split())


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(table(), encoding="utf-8")
