"""The few lines that stand above everything: what was asked, and what it came to."""

from createflow.scenarios.reports.format.one_line import one_line
from createflow.scenarios.reports.load.figure import count, ms, per_s
from createflow.schemas.load_report import LoadReport


def rates(report: LoadReport) -> list[tuple[str, str]]:
    """Label and number a second. Writes that were proved go first where there are any: they are what counts."""
    verified = [("verified", per_s(report.verified_per_s))] if report.verified_per_s is not None else []
    return [
        *verified,
        ("accepted", per_s(report.accepted_per_s)),
        ("sent", per_s(report.sent_per_s)),
        ("offered", per_s(report.offered_per_s)),
    ]


def asked(report: LoadReport) -> str:
    """The load that was asked for, in one line."""
    parts = [
        f"{one_line(report.shape)} after {report.warmup_s:g} s of warm-up",
        *([f"Poisson (seed {report.seed})"] if report.poisson else []),
        count(report.principals, "user"),
        count(report.workers, "worker"),
        f"at most {count(report.senders)} in flight" + (", the rest dropped" if report.drop else ""),
    ]
    return ", ".join(parts)


def where(report: LoadReport) -> str:
    """Target, profile and run, in one line."""
    return f"{one_line(report.target)} ({one_line(report.profile)}, run {one_line(report.run_id)})"


def not_accepted(report: LoadReport) -> int:
    """The arrivals of the measured window without a 2xx."""
    return report.ledger.scheduled - sum(number for status, number in report.statuses.items() if status.startswith("2"))


def latency_gap(report: LoadReport) -> str:
    """Why response and service differ, when they do."""
    response, service = report.response.p99_ms, report.service.p99_ms
    if response - service < max(1.0, service / 10):
        return ""
    late = report.pacing.p99_ms if report.pacing else 0.0
    own = late >= (response - service) / 2
    why = f"the generator woke up {ms(late)} ms late (p99)" if own else "no sender was free"
    return (
        f"Response p99 is {ms(response)} ms where service p99 is {ms(service)} ms: requests waited to be sent (lag), "
        f"because {why}. A user waits that long too, so response is judged; most tools show service alone."
    )
