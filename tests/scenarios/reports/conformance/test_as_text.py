"""The plain text of a report."""

from createflow.scenarios.reports.conformance import as_text
from createflow.scenarios.text.power import power
from createflow.schemas.flow import Step
from createflow.schemas.report import Level, Outcome
from tests.scenarios.reports.conformance.made_report import report, result


def test_the_whole_screen() -> None:
    """One line a check by tier, then what went wrong with all that is needed to see it oneself, then the verdict."""
    text = as_text.render(
        report(
            result("missing_token_is_401", Outcome.FAILED),
            result("own_write_is_read", Outcome.PASSED, power=power(300, "reads"), step=Step.REPLICATE),
            result("create_is_found", Outcome.SKIPPED, reason="no SearchIndex configured", step=Step.INDEX_UPDATE),
            result("etag_matches", Outcome.INCONCLUSIVE, level=Level.SHOULD, reason="no luck", step=Step.RESPONSE),
        )
    )
    assert (
        text
        == """\
createflow run r1: https://h/api/resources (createflow.toml)

api tier
  failed       auth_check.missing_token_is_401
  inconclusive response.etag_matches (should)
data tier
  passed       replicate.own_write_is_read: 0 of 300 reads differ: below 0.99 % with 95 % confidence
  skipped      index_update.create_is_found: no SearchIndex configured

FAILED auth_check.missing_token_is_401
  promised: A create without a token is refused with 401.
  expected: 401 to a create without a token
  seen:     201 with '{}'
  source:   RFC 9110 §15.5.2 (must)
  curl:     curl -i -X POST https://h/api/resources

INCONCLUSIVE response.etag_matches
  promised: A create without a token is refused with 401.
  reason:   no luck

not required, so not part of the verdict: response.etag_matches
FAILED: a required check failed (1 passed, 1 failed, 1 skipped, 1 inconclusive; 1.5 s)
"""
    )
