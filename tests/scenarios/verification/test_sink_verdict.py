"""The verdict on each sink."""

import pytest

from createflow.scenarios.load.plan.write_log import Writes
from createflow.scenarios.text.trace_context import trace_id_of
from createflow.scenarios.verification.observed import list_arrivals
from createflow.scenarios.verification.search_rounds import SinkSearch
from createflow.scenarios.verification.sink_verdict import evaluate_sinks, find_verified
from createflow.schemas.load_finding import SinkVerdict
from tests.fake_clock import FakeClock
from tests.scenarios.verification.fakes import FakeSink, observed_of, writes_of


def searched(writes: Writes, name: str, counts: str, error: str = "") -> SinkSearch:
    """A finished search."""
    sink = FakeSink(name, FakeClock(), writes, str)
    return SinkSearch(sink, observed_of(writes, counts), error)


def judged(outcomes: str, **sinks: str) -> dict[str, SinkVerdict]:
    """The verdicts by sink."""
    writes = writes_of(outcomes)
    states = [searched(writes, name, counts) for name, counts in sinks.items()]
    return {one.sink: one for one in evaluate_sinks(writes, states, [f"id-{k}" for k in range(len(outcomes))])}


ONE = f"arrival 1 (load ab12 1, id id-1, trace {trace_id_of('ab12', 1)})"


def numbers(verdict: SinkVerdict) -> dict[str, int]:
    """The counts of findings that are not zero."""
    counts = {name: getattr(verdict, name) for name in ("missing", "duplicated", "phantom", "split")}
    return {name: count for name, count in counts.items() if count}


def test_a_healthy_run_has_no_findings() -> None:
    """Accepted writes once, refused ones never, unknown ones in all sinks or in none."""
    for verdict in judged("aaru-uo", primary="1101000", events="1101000").values():
        assert (numbers(verdict), verdict.found, verdict.examples) == ({}, 3, ())


@pytest.mark.parametrize(
    ("outcomes", "counts", "kind", "words"),
    [
        ("aaa", "101", "missing", f"{ONE} is missing in events"),
        ("aaa", "121", "duplicated", f"{ONE} is twice in events"),
        ("aua", "131", "duplicated", f"{ONE} is 3 times in events"),
        (
            "ara",
            "111",
            "phantom",
            f"{ONE} is in events, although it was refused",
        ),
        (
            "a-a",
            "111",
            "phantom",
            f"{ONE} is in events, although it was never sent",
        ),
        (
            "aoa",
            "111",
            "phantom",
            f"{ONE} is in events, although it was not a create",
        ),
    ],
)
def test_each_kind_of_finding_is_counted_and_described(outcomes: str, counts: str, kind: str, words: str) -> None:
    """Once, with its arrival."""
    verdict = judged(outcomes, events=counts)["events"]
    assert (numbers(verdict), verdict.examples) == ({kind: 1}, (words,))


def test_an_unknown_write_that_is_not_everywhere_is_split() -> None:
    """The example names the sink that lacks it and those that have it."""
    told = judged("au", primary="11", events="10", search="11")
    assert numbers(told["primary"]) == numbers(told["search"]) == {}
    assert numbers(told["events"]) == {"split": 1}
    assert told["events"].examples == (f"{ONE} had no reply: it is in primary and search, but missing in events",)


def test_an_unexpected_entry_is_a_phantom() -> None:
    """A name of the run that no arrival has."""
    writes = writes_of("a")
    state = searched(writes, "primary", "1")
    state.observed.add_name("load ab12 17")
    (verdict,) = evaluate_sinks(writes, [state], ["x"])
    assert (verdict.phantom, verdict.found) == (1, 1)
    assert verdict.examples == ("in primary: 'load ab12 17', which is the name of no arrival",)


def test_unsearchable_arrivals_are_not_missing() -> None:
    """The audit trail is searched by ids, and a row that the primary lost has none. It is not verified either."""
    writes = writes_of("aa")
    primary, audit = searched(writes, "primary", "01"), searched(writes, "audit", "01")
    audit.observed.unsearchable = 1
    first_told, second_told = evaluate_sinks(writes, [primary, audit], [None, "id-1"])
    assert (first_told.missing, second_told.missing) == (1, 0)
    assert first_told.examples == (f"arrival 0 (load ab12 0, trace {trace_id_of('ab12', 0)}) is missing in primary",)
    assert list_arrivals(find_verified(writes, [primary, audit]), 9) == [1]


def test_examples_are_limited_for_each_kind() -> None:
    """A lost table neither fills the report nor hides the one duplicate."""
    verdict = judged("a" * 50, events="0" * 49 + "2")["events"]
    assert len(verdict.examples) == 4
    assert "twice" in verdict.examples[3]


def test_only_writes_in_every_sink_exactly_once_are_verified() -> None:
    """One missing or duplicated entry is enough to fail."""
    writes = writes_of("aaaaur")
    states = [searched(writes, "primary", "111211"), searched(writes, "events", "101111")]
    assert list_arrivals(find_verified(writes, states), 9) == [0, 2]


def test_an_unreadable_sink_has_no_findings() -> None:
    """Without any readable sink nothing is verified."""
    writes = writes_of("aa")
    dead, alive = searched(writes, "audit", "00", "gone"), searched(writes, "primary", "10")
    told = {verdict.sink: verdict for verdict in evaluate_sinks(writes, [alive, dead], [None, None])}
    assert (told["audit"].error, numbers(told["audit"])) == ("gone", {})
    assert list_arrivals(find_verified(writes, [alive, dead]), 9) == [0]
    assert find_verified(writes, [dead]) == 0
