"""Defects of step 2: the configuration of HAProxy, and its certificate."""

from createflow.reference_server.defects.defect import Defect
from createflow.reference_server.defects.seeds import ChangeBalancer, ChangeCertificate
from createflow.schemas.flow import Step

_SET_BY_BALANCER = "    http-request set-header X-Forwarded-Proto https\n"


def _with_rule(rule: str) -> ChangeBalancer:
    """Add a rule to the frontend of the API."""
    return ChangeBalancer(_SET_BY_BALANCER, f"{_SET_BY_BALANCER}    {rule}\n")


DEFECTS = (
    Defect(
        "balancer_repeats_creates",
        Step.LOAD_BALANCER,
        "The balancer sends a POST again when the gateway that had it is gone.",
        ChangeBalancer("    retry-on conn-failure\n", "    retry-on all-retryable-errors\n"),
    ),
    Defect(
        "balancer_drops_none_match",
        Step.LOAD_BALANCER,
        "The balancer does not pass If-None-Match on.",
        _with_rule("http-request del-header If-None-Match"),
    ),
    Defect(
        "balancer_drops_condition_of_delete",
        Step.LOAD_BALANCER,
        "The balancer does not pass the If-Match of a DELETE on.",
        _with_rule("http-request del-header If-Match if { method DELETE }"),
    ),
    Defect(
        "balancer_answers_deletes",
        Step.LOAD_BALANCER,
        "The balancer answers one DELETE in ten with 204 itself.",
        _with_rule("http-request return status 204 if { method DELETE } { rand(10) eq 0 }"),
    ),
    Defect(
        "balancer_caps_bodies",
        Step.LOAD_BALANCER,
        "The balancer refuses bodies above 32 KiB.",
        _with_rule("http-request deny deny_status 413 if { req.hdr_val(content-length) gt 32768 }"),
    ),
    Defect(
        "balancer_drops_condition",
        Step.LOAD_BALANCER,
        "The balancer does not pass If-Match on.",
        _with_rule("http-request del-header If-Match"),
    ),
    Defect(
        "balancer_drops_key",
        Step.LOAD_BALANCER,
        "The balancer does not pass Idempotency-Key on.",
        _with_rule("http-request del-header Idempotency-Key"),
    ),
    Defect(
        "balancer_drops_etag",
        Step.LOAD_BALANCER,
        "The balancer removes the ETag of replies.",
        _with_rule("http-response del-header ETag"),
    ),
    Defect(
        "balancer_drops_retry_after",
        Step.LOAD_BALANCER,
        "The balancer removes Retry-After from replies.",
        _with_rule("http-response del-header Retry-After"),
    ),
    Defect(
        "balancer_drops_date",
        Step.LOAD_BALANCER,
        "The balancer removes the Date of replies.",
        _with_rule("http-response del-header Date"),
    ),
    Defect(
        "balancer_shows_inner_host",
        Step.LOAD_BALANCER,
        "Location shows the host behind the balancer.",
        _with_rule("http-response replace-header Location ^/ http://gateway-1.internal:8080/"),
    ),
    Defect(
        "balancer_renames_request",
        Step.LOAD_BALANCER,
        "The reply has another request id than the audit entry.",
        _with_rule("http-response set-header X-Request-ID %[uuid()]"),
    ),
    Defect(
        "balancer_turns_503_into_502",
        Step.LOAD_BALANCER,
        "A 503 of a gateway becomes a 502.",
        _with_rule("http-response set-status 502 if { status 503 }"),
    ),
    Defect(
        "balancer_forbids_put",
        Step.LOAD_BALANCER,
        "The balancer answers one PUT in ten with 403.",
        _with_rule("http-request deny deny_status 403 if { method PUT } { rand(10) eq 0 }"),
    ),
    Defect(
        "balancer_loses_one_in_fifty",
        Step.LOAD_BALANCER,
        "The balancer answers one POST in fifty with 201 itself.",
        _with_rule(
            "http-request return status 201 content-type application/json string {} if { method POST }"
            " { rand(50) eq 0 }"
        ),
    ),
    Defect(
        "balancer_answers_in_html",
        Step.LOAD_BALANCER,
        "Without a gateway the balancer answers with a page in HTML.",
        ChangeBalancer("    http-error status 503 ", "    # http-error status 503 "),
    ),
    Defect(
        "balancer_has_no_hsts",
        Step.LOAD_BALANCER,
        "Replies have no Strict-Transport-Security.",
        ChangeBalancer("    http-response set-header Strict-Transport-Security max-age=31536000\n", ""),
    ),
    Defect(
        "old_tls_allowed",
        Step.LOAD_BALANCER,
        "TLS 1.1 is accepted.",
        ChangeBalancer(
            "ssl-default-bind-options ssl-min-ver TLSv1.2 no-tls-tickets",
            "ssl-default-bind-ciphers DEFAULT:@SECLEVEL=0\n"
            "    ssl-default-bind-options ssl-min-ver TLSv1.1 no-tls-tickets",
        ),
    ),
    Defect(
        "certificate_ends_soon",
        Step.LOAD_BALANCER,
        "The certificate ends in three days.",
        ChangeCertificate(3),
    ),
)
