"""The verdict on each sink, from what the sinks showed: missing, altered, duplicated, phantom and split writes."""

from collections.abc import Sequence

from createflow.scenarios.load.plan.write_log import Outcome, Writes
from createflow.scenarios.text.power import power
from createflow.scenarios.text.trace_context import trace_id_of
from createflow.scenarios.verification.observed import (
    MORE_THAN_ONCE,
    PRIMARY,
    ArrivalSet,
    count_arrivals,
    list_arrivals,
    select_arrivals,
)
from createflow.scenarios.verification.search_rounds import SinkSearch
from createflow.schemas.load_finding import SinkVerdict

_MAX_EXAMPLES = 3
"""For each kind of finding."""
_SHOWN_CHARACTERS = 80
_WITHOUT_EFFECT = {
    Outcome.UNSENT: "it was never sent",
    Outcome.REFUSED: "it was refused",
    Outcome.OTHER: "it was not a create",
}


def evaluate_sinks(
    writes: Writes, searches: Sequence[SinkSearch], resource_ids: Sequence[str | None]
) -> tuple[SinkVerdict, ...]:
    """The verdict on each sink.

    Args:
        writes: the creates of the run.
        searches: the finished searches.
        resource_ids: the resource of each arrival, where it is known.
    """
    readable = [search for search in searches if not search.error]
    anywhere: ArrivalSet = 0
    for search in readable:
        anywhere |= search.observed.present
    # A copy of a row that is wrong itself is not accused as well.
    primarys_fault = next((search.observed.altered for search in readable if search.sink.name == PRIMARY), 0)
    return tuple(
        _verdict(writes, search, anywhere, readable, resource_ids, primarys_fault=primarys_fault) for search in searches
    )


def find_verified(writes: Writes, searches: Sequence[SinkSearch]) -> ArrivalSet:
    """The accepted writes that every readable sink shows exactly once, as sent; none if no sink is readable."""
    readable = [search for search in searches if not search.error]
    verified = select_arrivals(writes.outcomes, {Outcome.ACCEPTED}) if readable else 0
    for search in readable:
        verified &= select_arrivals(search.observed.counts, {1}) & ~search.observed.altered
    return verified


def _verdict(
    writes: Writes,
    search: SinkSearch,
    anywhere: ArrivalSet,
    readable: Sequence[SinkSearch],
    resource_ids: Sequence[str | None],
    *,
    primarys_fault: ArrivalSet,
) -> SinkVerdict:
    name = search.sink.name
    if search.error:
        return SinkVerdict(sink=name, found=0, missing=0, duplicated=0, phantom=0, error=search.error)
    observed = search.observed
    absent = ~(observed.present | observed.unsearchable)
    missing = select_arrivals(writes.outcomes, {Outcome.ACCEPTED}) & absent
    duplicated = select_arrivals(observed.counts, MORE_THAN_ONCE)
    altered = observed.altered if name == PRIMARY else observed.altered & ~primarys_fault
    phantom = select_arrivals(writes.outcomes, _WITHOUT_EFFECT) & observed.present
    split = select_arrivals(writes.outcomes, {Outcome.UNKNOWN}) & anywhere & absent

    def describe(k: int) -> str:
        resource_id = resource_ids[k]
        known = f", id {resource_id[:_SHOWN_CHARACTERS]}" if resource_id is not None else ""
        return f"arrival {k} ({writes.name_of(k)}{known}, trace {trace_id_of(writes.run_id, k)})"

    def holders(k: int) -> str:
        return " and ".join(other.sink.name for other in readable if other.observed.counts[k])

    examples = [f"{describe(k)} is missing in {name}" for k in list_arrivals(missing, _MAX_EXAMPLES)]
    examples += [
        f"{describe(k)} is {_times(observed.counts[k])} in {name}" for k in list_arrivals(duplicated, _MAX_EXAMPLES)
    ]
    examples += [f"{describe(k)} {observed.problem_of(k)}, in {name}" for k in list_arrivals(altered, _MAX_EXAMPLES)]
    examples += [
        f"{describe(k)} is in {name}, although {_WITHOUT_EFFECT[Outcome(writes.outcomes[k])]}"
        for k in list_arrivals(phantom, _MAX_EXAMPLES)
    ]
    examples += [f"in {name}: {description}" for description in observed.unexpected_examples[:_MAX_EXAMPLES]]
    examples += [
        f"{describe(k)} had no reply: it is in {holders(k)}, but missing in {name}"
        for k in list_arrivals(split, _MAX_EXAMPLES)
    ]
    compared = sum(observed.compared)
    return SinkVerdict(
        sink=name,
        found=count_arrivals(observed.present),
        missing=count_arrivals(missing),
        duplicated=count_arrivals(duplicated),
        phantom=count_arrivals(phantom) + observed.unexpected,
        split=count_arrivals(split),
        altered=count_arrivals(altered),
        compared=compared,
        power=power(compared, search.sink.things) if compared and not altered else "",
        examples=tuple(examples),
        waited_s=round(search.waited_s, 3),
        unasked=search.sink.limitation,
    )


def _times(count: int) -> str:
    return "twice" if count == 2 else f"{count} times"
