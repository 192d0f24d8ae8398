"""What is said of each sink."""

import pytest

from createflow.scenarios.load.plan.write_log import Writes
from createflow.scenarios.verification.observed import first_arrivals
from createflow.scenarios.verification.search_rounds import SinkSearch
from createflow.scenarios.verification.sink_verdict import sink_verdicts, verified_arrivals
from createflow.schemas.load_finding import SinkVerdict
from tests.fake_clock import FakeClock
from tests.scenarios.verification.fakes import FakeSink, observed_of, writes_of


def searched(writes: Writes, name: str, counts: str, error: str = "") -> SinkSearch:
    """A search that ended so."""
    sink = FakeSink(name, FakeClock(), writes, str)
    return SinkSearch(sink, observed_of(writes, counts), error)


def judged(outcomes: str, **sinks: str) -> dict[str, SinkVerdict]:
    """The verdicts by sink."""
    writes = writes_of(outcomes)
    states = [searched(writes, name, counts) for name, counts in sinks.items()]
    return {one.sink: one for one in sink_verdicts(writes, states, [f"id-{k}" for k in range(len(outcomes))])}


def numbers(verdict: SinkVerdict) -> dict[str, int]:
    """The counts that accuse."""
    counts = {name: getattr(verdict, name) for name in ("missing", "duplicated", "phantom", "split")}
    return {name: count for name, count in counts.items() if count}


def test_a_healthy_run_accuses_nobody() -> None:
    """Accepted once, refused never, unknown in all or in none."""
    for verdict in judged("aaru-uo", primary="1101000", events="1101000").values():
        assert (numbers(verdict), verdict.found, verdict.examples) == ({}, 3, ())


@pytest.mark.parametrize(
    ("outcomes", "counts", "kind", "words"),
    [
        ("aaa", "101", "missing", "arrival 1 (load ab12 1, id id-1) is missing in events"),
        ("aaa", "121", "duplicated", "arrival 1 (load ab12 1, id id-1) is twice in events"),
        ("aua", "131", "duplicated", "arrival 1 (load ab12 1, id id-1) is 3 times in events"),
        ("ara", "111", "phantom", "arrival 1 (load ab12 1, id id-1) is in events, although it was refused"),
        ("a-a", "111", "phantom", "arrival 1 (load ab12 1, id id-1) is in events, although it was never sent"),
        ("aoa", "111", "phantom", "arrival 1 (load ab12 1, id id-1) is in events, although it was not a create"),
    ],
)
def test_each_kind_is_counted_and_named(outcomes: str, counts: str, kind: str, words: str) -> None:
    """Once, for the one arrival that it is about."""
    verdict = judged(outcomes, events=counts)["events"]
    assert (numbers(verdict), verdict.examples) == ({kind: 1}, (words,))


def test_an_unknown_write_that_is_not_everywhere_is_split() -> None:
    """The sinks that lack it are told, with the ones that have it."""
    told = judged("au", primary="11", events="10", search="11")
    assert numbers(told["primary"]) == numbers(told["search"]) == {}
    assert numbers(told["events"]) == {"split": 1}
    assert told["events"].examples == (
        "arrival 1 (load ab12 1, id id-1) had no reply: it is in primary and search, but missing in events",
    )


def test_an_unexpected_entry_is_a_phantom() -> None:
    """A name of the run that no arrival carries."""
    writes = writes_of("a")
    state = searched(writes, "primary", "1")
    state.observed.add_name("load ab12 17")
    (verdict,) = sink_verdicts(writes, [state], ["x"])
    assert (verdict.phantom, verdict.found) == (1, 1)
    assert verdict.examples == ("in primary: 'load ab12 17', which is the name of no arrival",)


def test_what_cannot_be_looked_for_is_not_called_missing() -> None:
    """The audit trail is asked by ids, and what the primary lost has none; it is not verified either."""
    writes = writes_of("aa")
    primary, audit = searched(writes, "primary", "01"), searched(writes, "audit", "01")
    audit.observed.unsearchable = 1
    first_told, second_told = sink_verdicts(writes, [primary, audit], [None, "id-1"])
    assert (first_told.missing, second_told.missing) == (1, 0)
    assert first_told.examples == ("arrival 0 (load ab12 0) is missing in primary",)
    assert first_arrivals(verified_arrivals(writes, [primary, audit]), 9) == [1]


def test_examples_are_few_of_each_kind() -> None:
    """A lost table does not fill the report, nor hide the one duplicate."""
    verdict = judged("a" * 50, events="0" * 49 + "2")["events"]
    assert len(verdict.examples) == 4
    assert "twice" in verdict.examples[3]


def test_only_what_is_everywhere_exactly_once_is_verified() -> None:
    """Missing or doubled in one sink is enough."""
    writes = writes_of("aaaaur")
    states = [searched(writes, "primary", "111211"), searched(writes, "events", "101111")]
    assert first_arrivals(verified_arrivals(writes, states), 9) == [0, 2]


def test_a_sink_that_could_not_be_asked_proves_and_accuses_nothing() -> None:
    """Its counts say nothing, and without any sink nothing is verified."""
    writes = writes_of("aa")
    dead, alive = searched(writes, "audit", "00", "gone"), searched(writes, "primary", "10")
    told = {verdict.sink: verdict for verdict in sink_verdicts(writes, [alive, dead], [None, None])}
    assert (told["audit"].error, numbers(told["audit"])) == ("gone", {})
    assert first_arrivals(verified_arrivals(writes, [alive, dead]), 9) == [0]
    assert verified_arrivals(writes, [dead]) == 0
