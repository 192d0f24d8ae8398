"""The exit statuses, with their meanings. Scripts rely on them: they never change."""

from collections.abc import Iterable
from enum import IntEnum


class ExitCode(IntEnum):
    """The exit statuses of every command."""

    OK = 0
    FAILED = 1
    USAGE = 2
    UNREACHABLE = 3
    INCONCLUSIVE = 4
    SLO_MISSED = 5
    STALE_BASELINE = 6
    INTERRUPTED = 130


MEANINGS = {
    ExitCode.OK: "every required check passed, or every target was met",
    ExitCode.FAILED: "a required check failed, or a write is missing, altered, duplicated or late",
    ExitCode.USAGE: "invalid command line or profile",
    ExitCode.UNREACHABLE: "the target cannot be reached, takes no create or falls silent, or createflow itself failed",
    ExitCode.INCONCLUSIVE: "no verdict: a state was not reached, or the numbers are invalid",
    ExitCode.SLO_MISSED: "a target was missed, or the run is worse than its baseline",
    ExitCode.STALE_BASELINE: "a baseline entry no longer applies or has expired",
    ExitCode.INTERRUPTED: "interrupted; the partial report was written",
}

_PRECEDENCE = (
    ExitCode.FAILED,
    ExitCode.SLO_MISSED,
    ExitCode.UNREACHABLE,
    ExitCode.INCONCLUSIVE,
    ExitCode.STALE_BASELINE,
)


def worst(codes: Iterable[ExitCode]) -> ExitCode:
    """The one status for several results. Evidence against the target goes before doubt."""
    found = set(codes)
    return next((code for code in _PRECEDENCE if code in found), ExitCode.OK)
