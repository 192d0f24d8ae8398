"""The result of a load run within 80 columns."""

import io

from rich.console import Console

from createflow.cli.bench_live import line, live_view
from createflow.cli.bench_view import print_report
from createflow.scenarios.load.progress import Progress
from createflow.schemas.load_report import Ledger, LoadReport, Moment, Percentiles, SloVerdict, Validity


def _percentiles(factor: float) -> Percentiles:
    return Percentiles(
        count=9990,
        mean_ms=10 * factor,
        p50_ms=9 * factor,
        p90_ms=20 * factor,
        p95_ms=30 * factor,
        p99_ms=60 * factor,
        p999_ms=90 * factor,
        max_ms=1200 * factor,
    )


def load_report(**changes: object) -> LoadReport:
    """A report of an ordinary run."""
    report = LoadReport(
        createflow_version="0.1.0",
        run_id="0123abcd",
        started_at="2030-01-01T00:00:00Z",
        target="https://127.0.0.1:8443/api/resources",
        profile="the bundled stack",
        rate_per_s=500,
        duration_s=20,
        warmup_s=2,
        senders=250,
        principals=100,
        offered_per_s=500,
        sent_per_s=499.9,
        accepted_per_s=499.5,
        ledger=Ledger(scheduled=10000, completed=9990, transport_errors=4, timeouts=3, unfinished=2, not_sent=1),
        statuses={"201": 9988, "503": 2},
        errors={"connection_reset": 4},
        response=_percentiles(1),
        service=_percentiles(0.5),
        lag=_percentiles(0.1),
        pacing=_percentiles(0.05),
        generator_cpu_ratio=0.12,
        shape="500/s for 20 s",
        validity=Validity.VALID,
        slos=(SloVerdict(target="p99_ms <= 100", seen=60.0, held=True),),
        notes=("a note",),
    )
    return LoadReport.model_validate(report.model_dump() | changes)


def _drawn(report: LoadReport) -> str:
    console = Console(file=io.StringIO(), width=80)
    print_report(console, report)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_a_result_shows_everything_that_happened() -> None:
    """Rates, both latencies, replies, errors, the ledger, the generator, notes, targets, verdict."""
    text = _drawn(load_report())
    for part in (
        "500/s for 20 s after 2 s of warm-up, 100 users, 1 worker, at most 250 in flight",
        "offered 500.0   sent 499.9   accepted 499.5",
        "response     10.0  9.0  20.0  30.0  60.0   90.0  1,200",
        "9988 x 201, 2 x 503",
        "4 x connection_reset, 3 x timeout",
        "10000 due = 9990 answered + 4 broken + 3 timed out + 2 unfinished + 1 not sent",
        "12% of a core, woke up 3.0 ms late (p99)",
        "a note",
        "held       p99_ms <= 100            seen 60",
        "HELD: all 1 targets",
    ):
        assert part in text, text


def test_no_line_is_wider_than_a_terminal() -> None:
    """80 columns, but for the address, which must not be broken."""
    assert max(len(row) for row in _drawn(load_report()).splitlines()[1:]) <= 90


def test_an_infinite_percentile_is_put_in_words() -> None:
    """Nobody should have to know what inf ms means."""
    slo = SloVerdict(target="p99_ms <= 100", seen=float("inf"), held=False)
    assert "worse than measurable: too many failed" in _drawn(load_report(slos=[slo.model_dump()]))


def test_a_doubtful_run_says_why() -> None:
    """Inconclusive, with the reason on the same line."""
    assert "INCONCLUSIVE: no CPU" in _drawn(load_report(validity="invalid", reasons=("no CPU",)))


def _progress(elapsed_s: float = 12.0, **changes: object) -> Progress:
    moment = Moment(t_s=11.0, offered=1000, sent=1000, statuses={"2xx": 1000}, in_flight=250, backlog=1000)
    values: dict[str, object] = {
        "phase": "measuring",
        "elapsed_s": elapsed_s,
        "total_s": 22.0,
        "history": (moment,),
        "p50_ms": 1234.0,
        "p99_ms": 5678.0,
        "statuses": {"201": 9000, "503": 100},
        "failed": 10,
    }
    return Progress(**(values | changes))  # type: ignore[arg-type] # each of its own type


def test_the_moving_line_fits_a_terminal() -> None:
    """Even in trouble."""
    assert line(_progress()) == (
        "measuring  12/22 s  sent 1000/s  ok 1000/s  p50 1234  p99 5678 ms  open 1250  bad 110"
    )


def test_a_log_gets_a_line_every_five_seconds() -> None:
    """Not one a second for an hour."""
    console = Console(file=io.StringIO(), width=80, force_terminal=False)
    with live_view(console) as show:
        for second in range(12):
            show(_progress(float(second)))
    assert isinstance(console.file, io.StringIO)
    assert [row.split()[1] for row in console.file.getvalue().splitlines()] == ["0/22", "5/22", "10/22"]
