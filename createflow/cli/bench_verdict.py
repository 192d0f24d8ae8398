"""The exit status of a finished load run."""

from createflow.cli.exit_code import ExitCode
from createflow.scenarios.reports.load.verdict import LoadVerdict, verdict
from createflow.schemas.load_report import LoadReport

_CODES = {
    LoadVerdict.INTERRUPTED: ExitCode.INTERRUPTED,
    LoadVerdict.FAILED: ExitCode.FAILED,
    LoadVerdict.INCONCLUSIVE: ExitCode.INCONCLUSIVE,
    LoadVerdict.MISSED: ExitCode.SLO_MISSED,
    LoadVerdict.WORSE: ExitCode.SLO_MISSED,
    LoadVerdict.UNCOMPARED: ExitCode.INCONCLUSIVE,
    LoadVerdict.HELD: ExitCode.OK,
}


def exit_code(report: LoadReport) -> ExitCode:
    """What the report says, in one number."""
    return _CODES[verdict(report)]
