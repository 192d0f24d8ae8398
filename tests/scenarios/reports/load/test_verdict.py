"""The verdict of a load: evidence goes before doubt."""

import pytest

from createflow.scenarios.reports.load.content import Severity
from createflow.scenarios.reports.load.verdict import LoadVerdict, severity_of, summarize, verdict_of
from createflow.schemas.load_report import LoadReport
from tests.scenarios.reports.load.made_load_report import ALL, load_report, lossy, verification

UNREAD = "2 of 40 reads by the writer did not show the write"
EXPECTED = {
    "load_report": (LoadVerdict.HELD, "HELD: all 3 targets were met"),
    "verified": (LoadVerdict.HELD, "HELD: all 3 targets were met"),
    "lossy": (
        LoadVerdict.FAILED,
        f"FAILED: primary: 2 altered; search: 8 missing; events: 3 duplicated, 1 unexpected; {UNREAD}",
    ),
    "stalled": (LoadVerdict.MISSED, "MISSED: 3 of 3 targets"),
    "starved": (LoadVerdict.INCONCLUSIVE, "INCONCLUSIVE: a load worker used 97% of a core: use more --workers"),
    "suspect": (LoadVerdict.HELD, "HELD: all 3 targets were met (SUSPECT: 6% of the CPU time was stolen)"),
    "refused": (
        LoadVerdict.UNCOMPARED,
        "NOT COMPARED with the baseline: another machine: 8 cores, now 2; another load: 1000/s, now 500/s",
    ),
    "compared": (LoadVerdict.WORSE, "WORSE than the baseline: p99"),
    "interrupted": (LoadVerdict.INTERRUPTED, "INTERRUPTED: the results are incomplete"),
    "mixed": (LoadVerdict.INCONCLUSIVE, "INCONCLUSIVE: the results are incomplete: worker 1 was lost"),
}


@pytest.mark.parametrize("name", ALL)
def test_every_kind_of_run_has_its_verdict(name: str) -> None:
    """With the reasons in one line."""
    assert (verdict_of(ALL[name]), summarize(ALL[name])) == EXPECTED[name]


def test_a_lost_write_fails_even_when_the_generator_was_slow() -> None:
    """A busy load process loses no row on the target."""
    report = lossy().model_copy(update={"validity": ALL["starved"].validity, "reasons": ("slow",)})
    assert verdict_of(report) is LoadVerdict.FAILED


def test_a_sink_that_could_not_be_searched_is_no_pass() -> None:
    """It is no failure of the target either."""
    sinks = [sink.model_dump() | {"error": "refused"} for sink in verification().sinks]
    report = load_report(verification=verification(sinks=sinks))
    assert verdict_of(report) is LoadVerdict.INCONCLUSIVE
    assert "primary could not be searched: refused" in summarize(report)


def test_a_late_sample_breaks_a_promise() -> None:
    """The deadline is declared in the profile."""
    lags = [lag.model_dump() | {"late": 2} for lag in verification().lags]
    assert "search: 2 of 20 sampled creates arrived after the deadline" in summarize(
        load_report(verification=verification(lags=lags))
    )


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("load_report", Severity.GOOD),
        ("suspect", Severity.UNSURE),
        ("lossy", Severity.BAD),
        ("starved", Severity.UNSURE),
    ],
)
def test_only_what_is_good_looks_good(name: str, expected: Severity) -> None:
    """Suspect numbers are not green."""
    assert severity_of(ALL[name]) is expected


def test_a_run_without_targets_holds_nothing() -> None:
    """It was measured."""
    report: LoadReport = load_report(slos=())
    assert summarize(report) == "MEASURED: no targets were set"
