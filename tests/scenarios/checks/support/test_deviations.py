"""All deviations of a check stand in one finding."""

import pytest

from createflow.scenarios.checks.support.deviations import Deviations
from createflow.scenarios.harness.about import crash_at
from createflow.scenarios.outcome import Expectation, Inconclusive
from tests.scenarios.checks.memory_target import reply


def test_nothing_tried_is_no_pass() -> None:
    """Silence says nothing."""
    with pytest.raises(Inconclusive):
        Deviations().judge()
    tried = Deviations()
    tried.count()
    tried.judge()


def test_all_are_listed_to_a_limit() -> None:
    """In an order that does not depend on which came first."""
    texts = []
    for order in (range(14), reversed(range(14))):
        found = Deviations()
        for number in order:
            found.count()
            found.note("a 4xx" if number else "no 5xx", f"case {number:02}", reply(500))
        with pytest.raises(Expectation) as caught:
            found.judge()
        texts.append((caught.value.expected, caught.value.seen))
        assert len(caught.value.exchanges) == 6
    assert texts[0] == texts[1]
    assert texts[0][0] == "a 4xx; no 5xx"
    assert texts[0][1].startswith("case 01; case 02; ")
    assert texts[0][1].endswith("; and 2 more")


@pytest.mark.parametrize(
    ("seen", "about"),
    [
        (["500 to description = a blank", "503 to tags = 7"], {crash_at("description"), crash_at("tags")}),
        (["500 to description = a blank", "tags = 7 shown as 8 in the read"], set()),
    ],
)
def test_server_errors_are_about_their_fields(seen: list[str], about: set[str]) -> None:
    """Only where each deviation is one: what else deviates is of its own."""
    deviations = Deviations()
    for one in seen:
        deviations.count()
        deviations.note("no server error to any value", one)
    with pytest.raises(Expectation) as raised:
        deviations.judge()
    assert raised.value.about == about
