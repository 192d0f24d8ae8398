"""The exit status of a finished load run."""

from createflow.cli.exit_code import ExitCode, worst
from createflow.schemas.load_finding import Change, SinkVerdict
from createflow.schemas.load_report import LoadReport, Validity


def exit_code(report: LoadReport) -> ExitCode:
    """What the report says, in one number.

    A broken 201 is a broken promise, whatever the load was like. A missed target, and a run that is slower than its
    baseline, accuse the target only when the numbers can be believed; and what could not be compared or verified is
    no success.
    """
    if report.interrupted:
        return ExitCode.INTERRUPTED
    found: set[ExitCode] = set()
    if report.verification is not None:
        if any(_broken(sink) for sink in report.verification.sinks):
            found.add(ExitCode.FAILED)
        if any(sink.error for sink in report.verification.sinks):
            found.add(ExitCode.INCONCLUSIVE)
    if report.validity is Validity.INVALID:
        found.add(ExitCode.INCONCLUSIVE)
    else:
        if not all(slo.held for slo in report.slos):
            found.add(ExitCode.SLO_MISSED)
        if report.comparison is not None:
            if report.comparison.refused:
                found.add(ExitCode.INCONCLUSIVE)
            if any(number.change is Change.WORSE for number in report.comparison.numbers):
                found.add(ExitCode.SLO_MISSED)
    return worst(found)


def _broken(sink: SinkVerdict) -> bool:
    return not sink.error and bool(sink.missing or sink.duplicated or sink.phantom)
