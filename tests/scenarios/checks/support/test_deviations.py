"""All deviations of a check stand in one finding."""

import pytest

from createflow.scenarios.checks.support.deviations import Deviations
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
