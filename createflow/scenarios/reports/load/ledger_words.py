"""Where every arrival ended, as an equation that can be checked by eye."""

from collections.abc import Mapping

from createflow.scenarios.reports.format.one_line import one_line
from createflow.scenarios.reports.load.figure import count
from createflow.schemas.load_report import Ledger


def equation(ledger: Ledger) -> str:
    """``10,000 due = 9,990 answered + 10 not sent``: every class that is not empty."""
    classes = {
        "answered": ledger.completed,
        "broken off": ledger.transport_errors,
        "timed out": ledger.timeouts,
        "unfinished": ledger.unfinished,
        "not sent": ledger.not_sent,
        "dropped": ledger.dropped,
    }
    terms = " + ".join(f"{count(number)} {name}" for name, number in classes.items() if number or name == "answered")
    sign = "=" if ledger.scheduled == sum(classes.values()) else "DOES NOT EQUAL"
    return f"{count(ledger.scheduled)} due {sign} {terms}"


def counted(counts: Mapping[str, int]) -> str:
    """``9,988 x 201, 2 x 503``."""
    return ", ".join(f"{count(number)} x {one_line(name)}" for name, number in counts.items()) or "none"
