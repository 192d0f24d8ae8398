"""What a run looks like on a terminal, narrow and wide, and in a log."""

import io

import pytest
from rich.console import Console

from createflow.cli.run_view import live_progress, print_report
from createflow.scenarios.checks import CHECKS
from createflow.scenarios.text.power import power
from createflow.schemas.flow import Step
from createflow.schemas.report import Outcome
from tests.scenarios.reports.conformance.made_report import report, result

REPORT = report(
    result("missing_token_is_401", Outcome.FAILED),
    result(
        "a_check_with_a_rather_long_name_indeed", Outcome.PASSED, power=power(44, "rows"), step=Step.INVALIDATE_CACHE
    ),
    result("another", Outcome.PASSED, power=power(44, "rows"), step=Step.REPLICATE),
    result("create_is_found", Outcome.SKIPPED, reason="no SearchIndex configured", step=Step.INDEX_UPDATE),
    result("create_is_201", Outcome.BROKEN, reason="ZeroDivisionError: [bold]x", step=Step.RESPONSE),
)


def drawn(width: int) -> str:
    """The report on a terminal of this width, without its colours."""
    out = io.StringIO()
    print_report(Console(file=out, width=width, force_terminal=True, color_system=None), REPORT)
    return out.getvalue()


@pytest.mark.parametrize("width", [80, 120])
def test_the_report_fits_and_says_everything(width: int) -> None:
    """Only a curl line may be longer than the terminal: it is to be copied whole."""
    text = drawn(width)
    assert all(len(line) <= width for line in text.splitlines() if "curl" not in line)
    for words in (
        "invalidate_cache",
        "promised A create without a token",
        "expected 401 to a create",
        "seen     201",
        "curl -i -X POST https://h/api/resources",
        "skipped, no SearchIndex configured: index_update.create_is_found",
        "0 of 44 rows differ: below 6.6 % with 95 % confidence: ",
        "replicate.another",
        "ZeroDivisionError: [bold]x",
        "FAILED: a required check failed",
    ):
        assert words in text
    assert ("who is it, and may they" in text) is (width == 120)


def test_into_a_pipe_goes_plain_text() -> None:
    """No escapes, nothing broken into lines."""
    out = io.StringIO()
    print_report(Console(file=out, width=40), REPORT)
    assert "  failed       auth_check.missing_token_is_401\n" in out.getvalue()
    assert "\x1b" not in out.getvalue()


def test_progress_in_a_log_is_a_line_for_each_check() -> None:
    """Nothing moves there."""
    out = io.StringIO()
    with live_progress(Console(file=out, width=40)) as progress:
        progress.planned(CHECKS[:2])
        progress.started(CHECKS[0])
        progress.ended(result("x", Outcome.PASSED))
    assert out.getvalue() == "2 checks\npassed       auth_check.x (0 ms)\n"


def test_progress_on_a_terminal_says_how_far_it_is_and_what_runs() -> None:
    """What goes wrong is printed at once, above the moving line."""
    out = io.StringIO()
    with live_progress(Console(file=out, width=80, force_terminal=True, color_system=None)) as progress:
        progress.planned(CHECKS[:2])
        progress.started(CHECKS[0])
        failed = result("x", Outcome.FAILED).model_copy(update={"id": CHECKS[0].id})
        progress.ended(failed)
        progress.started(CHECKS[1])
    assert f"failed {CHECKS[0].id}" in out.getvalue()
    assert f"1/2 1 failed {CHECKS[1].id}" in out.getvalue()
