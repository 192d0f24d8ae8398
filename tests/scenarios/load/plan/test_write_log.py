"""The names that identify a run's creates."""

import pytest

from createflow.scenarios.load.plan.write_log import PREFLIGHT, Outcome, Writes

WRITES = Writes("ab12", bytes([Outcome.ACCEPTED] * 20), bytes(20))


@pytest.mark.parametrize("k", [0, 7, 19])
def test_a_name_identifies_its_arrival(k: int) -> None:
    """In both directions."""
    assert WRITES.arrival_of(WRITES.name_of(k)) == k


@pytest.mark.parametrize(
    "name",
    [
        "load ab12 20",
        "load ab12 07",
        "load ab12 +7",
        "load ab12 7 ",
        "load ab12  7",
        "load ab12 ",
        "load ab12 1_0",
        "load ab12 \u0667",
        "load ab12 \u00b2",
        "load ab12 -2",
        "load ab12 " + "9" * 5000,
        "load ab123 7",
        "Load ab12 7",
        "7",
        "",
    ],
)
def test_a_changed_name_identifies_no_arrival(name: str) -> None:
    """A number out of range, another spelling, or another run: none of them may count as a write."""
    assert WRITES.arrival_of(name) is None


def test_the_preflight_is_recognized() -> None:
    """It is on the target and in no ledger."""
    assert WRITES.arrival_of("load ab12 -1") == PREFLIGHT
