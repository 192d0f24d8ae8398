"""A report with every outcome, quoting a target that tries to break out of the page, the file or the log."""

from createflow.scenarios.text.curl_line import curl_line
from createflow.schemas.flow import Step
from createflow.schemas.report import CheckResult, Exchange, Finding, Level, Outcome, ProfilePlace, RunReport, Standing
from tests.scenarios.reports.conformance.made_report import known, report, result

NASTY = (
    "\x00\x1b[31m\ud7ff\ufffe\x0b\u202e]]></script></pre><script>alert(1)</script>'\"&%\r\n::error::x\n````\n# x | y"
)

EXCHANGE = Exchange(
    method="POST",
    url="https://h/api/resources?<script>",
    request_headers={"authorization": "Bearer $TOKEN", "x": NASTY},
    request_body=NASTY,
    status=200,
    response_headers={"x-<b>": NASTY},
    response_body=NASTY,
    elapsed_ms=12.5,
    curl=curl_line("POST", "https://h/api/resources", {"x": NASTY}, NASTY.encode(), variables={}),
)


def failed(name: str, level: Level = Level.MUST, step: Step = Step.AUTH_CHECK) -> CheckResult:
    """A failure in which every text is nasty."""
    finding = Finding(
        promised="A promise.",
        expected=f"good {NASTY}",
        seen=f"bad {NASTY}",
        source="RFC 9110 §15.5.2",
        exchanges=(EXCHANGE, EXCHANGE.model_copy(update={"status": None, "error": NASTY})),
        curl=EXCHANGE.curl,
        replay_id="0a1b2c3d",
    )
    return result(name, Outcome.FAILED, level=level, step=step).model_copy(update={"finding": finding})


HOSTILE: RunReport = report(
    failed("counts"),
    failed("advice", Level.SHOULD),
    failed("tolerated"),
    failed("expired"),
    result("stale", Outcome.PASSED),
    result("passed", Outcome.PASSED, power=f"0 of 9 {NASTY} differ", step=Step.REPLICATE),
    result("skipped", Outcome.SKIPPED, reason=NASTY, step=Step.INDEX_UPDATE),
    result("unsure", Outcome.INCONCLUSIVE, reason=NASTY, step=Step.RESPONSE),
    result("broken", Outcome.BROKEN, reason=NASTY, step=Step.RESPONSE).model_copy(update={"traceback": NASTY}),
    baseline=(
        known("tolerated", Standing.TOLERATED),
        known("expired", Standing.EXPIRED),
        known("stale", Standing.STALE),
    ),
    left_behind=(f"https://h/{NASTY}", "https://h/2"),
    place=ProfilePlace(
        file="deploy/create flow.toml", lines={"target": 1, "auth": 9, "baseline.auth_check.tolerated": 30}
    ),
)
