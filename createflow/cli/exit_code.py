"""Every exit status, with its reason. Scripts rely on these: they never change meaning."""

from collections.abc import Iterable
from enum import IntEnum


class ExitCode(IntEnum):
    """The exit statuses of the command."""

    OK = 0
    """Everything required holds."""
    FAILED = 1
    """A required check failed: the target breaks a promise."""
    USAGE = 2
    """You asked wrongly: an unknown option, a broken profile."""
    UNREACHABLE = 3
    """The target cannot be reached, or the tester itself broke."""
    INCONCLUSIVE = 4
    """The state to be tested was never reached, or the generator was the bottleneck."""
    SLO_MISSED = 5
    """The target was measured and is too slow."""
    STALE_BASELINE = 6
    """A known failure no longer fails, or its entry has expired."""
    INTERRUPTED = 130
    """Ctrl-C; what was found until then is reported."""


_PRECEDENCE = (
    ExitCode.FAILED,
    ExitCode.SLO_MISSED,
    ExitCode.UNREACHABLE,
    ExitCode.INCONCLUSIVE,
    ExitCode.STALE_BASELINE,
)


def worst(codes: Iterable[ExitCode]) -> ExitCode:
    """The one status for several findings: the proof of a broken promise goes before any doubt."""
    found = set(codes)
    return next((code for code in _PRECEDENCE if code in found), ExitCode.OK)
