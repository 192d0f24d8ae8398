"""Every figure of the headline has the same window, whatever happened and in whatever format it is told."""

import json
import re
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from createflow.scenarios.load.accounting.recorder import Recorder, outcomes_from_wire
from createflow.scenarios.load.accounting.series import Series
from createflow.scenarios.load.fleet.fleet import Fleet
from createflow.scenarios.load.fleet.merge_workers import merge_writes
from createflow.scenarios.load.fleet.run import LoadResult
from createflow.scenarios.load.plan.created import CreatedLog
from createflow.scenarios.load.plan.messages import NodeState
from createflow.scenarios.load.plan.options import LoadOptions
from createflow.scenarios.load.plan.plan import LoadPlan, make_plan
from createflow.scenarios.load.plan.write_log import Outcome
from createflow.scenarios.load.verdict.findings import EvaluationContext, evaluate, select_objectives
from createflow.scenarios.load.verdict.report import build_report
from createflow.scenarios.reports.load import as_csv, as_html, as_junit, as_markdown
from createflow.schemas.load_finding import SinkVerdict, Verification
from createflow.schemas.load_report import LoadReport, Machine
from createflow.schemas.profile import Profile

WARMUP_S, WINDOW_S, RATE_PER_S = 2.0, 4.0, 10.0
LABELS = ("offered", "sent", "accepted", "verified")
Replies = list[tuple[float, float, int | None, bool]]
"""For each arrival: how late it was sent, how long it took, its status or none, and whether its write is found."""

replies = st.lists(
    st.tuples(st.floats(0, 6), st.floats(0.001, 6), st.sampled_from([201, 201, 201, 200, 503, None]), st.booleans()),
    min_size=60,
    max_size=60,
)


def _plan() -> LoadPlan:
    profile = Profile.model_validate({"target": {"base_url": "http://127.0.0.1:1"}})
    options = LoadOptions(rate_per_s=RATE_PER_S, duration_s=WINDOW_S, warmup_s=WARMUP_S)
    return make_plan(profile, options)


def _report(happened: Replies) -> LoadReport:
    """The report of a run in which this happened."""
    plan = _plan()
    recorder = Recorder(warmup_s=WARMUP_S, end_s=WARMUP_S + WINDOW_S)
    for arrival, (late_s, took_s, status, _) in zip(plan.schedule.share(0, 1), happened, strict=True):
        recorder.record_due(arrival, arrival.due_s)
        sent_s = arrival.due_s + late_s
        recorder.record_sent(arrival, sent_s)
        if status is None:
            recorder.record_timeout(arrival, sent_s, sent_s + took_s)
        else:
            recorder.record_reply(arrival, sent_s, sent_s + took_s, status, is_nameless=status == 200)
    fleet, series = Fleet(1, lambda _: None), Series()
    for part in recorder.outcomes_to_wire():
        fleet.nodes[0].outcomes.values += outcomes_from_wire(part)
    state = NodeState(0, "final", 1, 20.0, ledger=recorder.ledger.to_wire(), due_in_warmup=recorder.due_in_warmup)
    series.add(state)
    fleet.nodes[0].update(state)
    writes = merge_writes(fleet, plan)
    found = [
        is_found and outcome == Outcome.ACCEPTED
        for (*_, is_found), outcome in zip(happened, writes.outcomes, strict=True)
    ]
    accepted = [outcome == Outcome.ACCEPTED for outcome in writes.outcomes]
    result = LoadResult(
        plan=plan,
        started_at="2030-01-01T00:00:00Z",
        stopped_s=None,
        silence=None,
        ledger=series.ledger,
        series=series,
        writes=writes,
        created=CreatedLog(),
        to_read=CreatedLog(),
        states=(state,),
        kept=(),
        lost=(),
        rejected_hosts=(),
        t0_s=0.0,
    )
    verification = Verification(
        accepted=sum(accepted),
        unknown=0,
        verified=sum(found),
        accepted_measured=sum(one and bool(counts) for one, counts in zip(accepted, writes.measured, strict=True)),
        verified_measured=sum(one and bool(counts) for one, counts in zip(found, writes.measured, strict=True)),
        sinks=(SinkVerdict(sink="primary", found=sum(found), missing=0, duplicated=0, phantom=0),),
    )
    context = EvaluationContext(machine=Machine(), verification=verification)
    findings = evaluate(result, select_objectives((), plan.options), context)
    return build_report(result, findings, principals=1, profile_source="a test")


def _of_json(report: LoadReport) -> dict[str, float]:
    document = json.loads(report.model_dump_json())
    return {label: document[f"{label}_per_s"] for label in LABELS}


def _of_markdown(report: LoadReport) -> dict[str, float]:
    lines = as_markdown.render(report).splitlines()
    heading = next(number for number, line in enumerate(lines) if line.startswith("| verified/s"))
    labels, numbers = ([cell.strip() for cell in lines[at].strip("|").split("|")] for at in (heading, heading + 2))
    return {label.removesuffix("/s"): float(number) for label, number in zip(labels, numbers, strict=True)}


def _of_html(report: LoadReport) -> dict[str, float]:
    found = re.findall(r"<li><b>([0-9.,]+)</b> (\w+)/s</li>", as_html.render(report))
    return {label: float(number) for number, label in found}


@settings(max_examples=40)
@given(replies)
def test_no_rate_is_above_the_one_before_it(happened: Replies) -> None:
    """Verified, accepted, sent, offered: in the report itself and on every operation."""
    report = _report(happened)
    rates = _of_json(report)
    assert rates["verified"] <= rates["accepted"] <= rates["sent"] <= rates["offered"] == RATE_PER_S
    assert sum(one.accepted_per_s for one in report.operations) == pytest.approx(rates["accepted"])


FORMATS: dict[str, Callable[[LoadReport], dict[str, float]]] = {
    "markdown": _of_markdown,
    "html": _of_html,
}


@pytest.mark.parametrize("name", FORMATS)
def test_each_format_tells_the_same_rates(name: str) -> None:
    """Of a target that answers three seconds late."""
    report = _report([(0.0, 3.05, 201, bool(k % 3)) for k in range(60)])
    told, rates = FORMATS[name](report), _of_json(report)
    assert set(told) == set(LABELS)
    assert told == {label: pytest.approx(rates[label], abs=0.06) for label in LABELS}


def test_replies_of_the_warmup_that_come_late_make_no_rate() -> None:
    """Twenty of the warm-up come in the window: no more is accepted than was due in it, or was verified of it."""
    report = _report([(0.0, 2.5 if k < 20 else 0.1, 201, True) for k in range(60)])
    assert _of_json(report) == dict.fromkeys(LABELS, RATE_PER_S)


def test_the_seconds_never_get_ahead() -> None:
    """Summed up from the start, warm-up included: accepted <= sent <= offered in the CSV."""
    report = _report([(0.5, 1.0, 201, True) for _ in range(60)])
    (heading, *lines) = as_csv.render(report).splitlines()
    names = heading.split(",")
    offered = sent = accepted = 0
    for line in lines:
        cells = dict(zip(names, line.split(","), strict=True))
        offered += int(cells["offered"])
        sent += int(cells["sent"])
        accepted += int(cells["replies_2xx"])
        assert accepted <= sent <= offered


def test_a_2xx_that_names_nothing_is_no_create() -> None:
    """It is told apart everywhere, and counts as an error."""
    report = _report([(0.0, 0.1, 200 if k % 10 == 9 else 201, True) for k in range(60)])
    assert (report.nameless, report.statuses) == (4, {"200": 4, "201": 36})
    assert report.accepted == 36
    assert [slo.held for slo in report.slos] == [False]
    assert report.failure_aware.p95_ms == float("inf")
    assert "4 x 2xx with neither a Location nor an id" in as_markdown.render(report)
    assert as_junit.render(report).count("<failure") == 1


def test_where_every_2xx_names_nothing_there_is_no_verdict() -> None:
    """What the target does is not known, and the profile may not say where the id is."""
    report = _report([(0.0, 0.1, 200, False) for _ in range(60)])
    assert any("neither a Location nor an id" in reason for reason in report.reasons)
    assert report.validity.value == "invalid"
