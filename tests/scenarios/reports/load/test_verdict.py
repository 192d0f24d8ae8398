"""The verdict of a load: evidence goes before doubt."""

from collections.abc import Callable

import pytest

from createflow.scenarios.load.verdict.findings import NOBODY
from createflow.scenarios.reports.load import as_html, as_junit, as_markdown
from createflow.scenarios.reports.load.content import Severity
from createflow.scenarios.reports.load.verdict import LoadVerdict, severity_of, summarize, verdict_of
from createflow.schemas.load_finding import CacheSample
from createflow.schemas.load_report import LoadReport, SloVerdict
from createflow.schemas.slo import parse_target
from tests.scenarios.reports.load.made_load_report import ALL, load_report, lossy, verification, verified

UNREAD = "2 of 40 reads by the writer did not show the write"
EXPECTED = {
    "load_report": (LoadVerdict.MEASURED, "MEASURED, NOT VERIFIED (--no-verify): all 3 targets were met"),
    "verified": (LoadVerdict.HELD, "HELD: all 3 targets were met"),
    "lossy": (
        LoadVerdict.FAILED,
        f"FAILED: primary: 2 altered; search: 8 missing; events: 3 duplicated, 1 unexpected; {UNREAD}",
    ),
    "stalled": (LoadVerdict.MISSED, "MISSED: 3 of 3 targets"),
    "starved": (LoadVerdict.INCONCLUSIVE, "INCONCLUSIVE: a load worker used 97% of a core: use more --workers"),
    "suspect": (
        LoadVerdict.MEASURED,
        "MEASURED, NOT VERIFIED (--no-verify): all 3 targets were met (SUSPECT: 6% of the CPU time was stolen)",
    ),
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


@pytest.mark.parametrize("render", [as_markdown.render, as_junit.render, as_html.render])
def test_the_cache_is_called_a_sample(render: Callable[[LoadReport], str]) -> None:
    """Whatever it showed, with its size."""
    cache = CacheSample(sampled=200, held=150, wrong=3, examples=("arrival 7 has a = 1 instead of 2, in the cache",))
    report = load_report(verification=verification(cache=cache.model_dump()), unverified="")
    told = "ache sample: of 200 resources looked up 150 were cached, 3 of them differ from the row"
    assert told in render(report)
    assert told in summarize(report)


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
    assert summarize(report) == "MEASURED, NOT VERIFIED (--no-verify): no targets were set"


@pytest.mark.parametrize("unverified", ["", "the profile declares no sink to find the writes in"])
def test_what_verified_nothing_is_never_held(unverified: str) -> None:
    """Unless the user declined, nobody knows whether the accepted writes exist. A report of an old run says nothing."""
    report = load_report(unverified=unverified)
    assert verdict_of(report) is LoadVerdict.UNVERIFIED
    assert summarize(report).startswith("NOT VERIFIED: ")
    assert severity_of(report) is Severity.UNSURE


def test_a_target_above_the_offered_rate_is_told_as_it_was_tested() -> None:
    """Never "held rate>=500/s" at 100/s."""
    target = parse_target("rate>=500/s")
    slo = SloVerdict.of(target, seen=99.9, held=True, adjusted_bound=99.0, note="the bound was lowered")
    report = verified().model_copy(update={"slos": (slo,)})
    told = "rate>=99/s (only 100/s were offered: rate>=500/s was not tested)"
    assert summarize(report) == f"HELD: the target was met, one as {told}"
    assert slo.applied == "rate>=99/s"
    for text in (as_markdown.render(report), as_junit.render(report), as_html.render(report)):
        assert "rate&gt;=99/s" in text or "rate>=99/s" in text or "rate\\>=99/s" in text


def test_nobodys_objective_is_told() -> None:
    """On the verdict and beside the targets, in every format."""
    slo = SloVerdict.of(parse_target("errors<0.1%"), seen=0.0, held=True)
    report = verified().model_copy(update={"slos": (slo,), "slo_source": NOBODY})
    assert summarize(report) == f"HELD: {NOBODY} (errors<0.1%)"
    for text in (as_markdown.render(report), as_html.render(report)):
        assert "judged by errors and verification only" in text


@pytest.mark.parametrize("render", [as_markdown.render, as_junit.render, as_html.render])
def test_the_source_of_the_objectives_is_in_the_report(render: Callable[[LoadReport], str]) -> None:
    """Who set them."""
    assert "default of the bundled stack" in render(verified())
