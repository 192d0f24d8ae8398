"""Whatever a target says can be written down."""

from createflow.scenarios.reports.saved import to_json
from createflow.scenarios.text.valid_utf8 import wellformed
from createflow.schemas.report import Outcome
from tests.scenarios.reports.conformance.made_report import report, result


def test_a_lone_surrogate_becomes_its_escape_and_all_else_stays() -> None:
    """UTF-8 cannot hold it, and JSON of it cannot be written."""
    made = wellformed(report(result("a", Outcome.SKIPPED, reason="\ud83d é 😀 \x00")))
    assert made.results[0].reason == "\\ud83d é 😀 \x00"
    assert to_json(made).encode()
