"""From what the sinks showed to verdicts: the set algebra, and the words for the first few of each kind."""

from collections.abc import Sequence

from createflow.scenarios.load.plan.write_log import Outcome, Writes
from createflow.scenarios.verification.arrival_set import first, how_many, marks
from createflow.scenarios.verification.observed import TWICE
from createflow.scenarios.verification.search_rounds import Searched
from createflow.schemas.load_finding import SinkVerdict

_EXAMPLES = 3
"""Of each kind of finding."""
_SHOWN_CHARACTERS = 80
_NO_EFFECT = {Outcome.UNSENT, Outcome.REFUSED, Outcome.OTHER}
_WHY_NONE = {
    Outcome.UNSENT: "it was never sent",
    Outcome.REFUSED: "it was refused",
    Outcome.OTHER: "it was no create",
}


def verdicts(writes: Writes, states: Sequence[Searched], resources: Sequence[str | None]) -> tuple[SinkVerdict, ...]:
    """What became of the run's creates in each sink."""
    asked = [state for state in states if not state.error]
    anywhere = 0
    for state in asked:
        anywhere |= state.seen.present
    return tuple(_verdict(writes, state, anywhere, asked, resources) for state in states)


def proved(writes: Writes, states: Sequence[Searched]) -> int:
    """The accepted writes that every sink which could be asked shows exactly once, as marks: none without a sink."""
    asked = [state for state in states if not state.error]
    found = marks(writes.outcomes, {Outcome.ACCEPTED}) if asked else 0
    for state in asked:
        found &= marks(state.seen.counts, {1})
    return found


def _verdict(
    writes: Writes, state: Searched, anywhere: int, asked: Sequence[Searched], resources: Sequence[str | None]
) -> SinkVerdict:
    name = state.sink.name
    if state.error:
        return SinkVerdict(sink=name, found=0, missing=0, duplicated=0, phantom=0, error=state.error)
    seen = state.seen
    absent = ~(seen.present | seen.blind)
    missing = marks(writes.outcomes, {Outcome.ACCEPTED}) & absent
    duplicated = marks(seen.counts, TWICE)
    phantom = marks(writes.outcomes, _NO_EFFECT) & seen.present
    split = marks(writes.outcomes, {Outcome.UNKNOWN}) & anywhere & absent

    def named(k: int) -> str:
        resource_id = resources[k]
        known = f", id {resource_id[:_SHOWN_CHARACTERS]}" if resource_id is not None else ""
        return f"arrival {k} ({writes.name_of(k)}{known})"

    def holders(k: int) -> str:
        return " and ".join(other.sink.name for other in asked if other.seen.counts[k])

    examples = [f"{named(k)} is missing on {name}" for k in first(missing, _EXAMPLES)]
    examples += [f"{named(k)} is {_times(seen.counts[k])} on {name}" for k in first(duplicated, _EXAMPLES)]
    examples += [
        f"{named(k)} is on {name}, although {_WHY_NONE[Outcome(writes.outcomes[k])]}" for k in first(phantom, _EXAMPLES)
    ]
    examples += [f"on {name}: {words}" for words in seen.stranger_words[:_EXAMPLES]]
    examples += [
        f"{named(k)} was never answered: it is on {holders(k)}, and missing on {name}" for k in first(split, _EXAMPLES)
    ]
    return SinkVerdict(
        sink=name,
        found=how_many(seen.present),
        missing=how_many(missing),
        duplicated=how_many(duplicated),
        phantom=how_many(phantom) + seen.strangers,
        split=how_many(split),
        examples=tuple(examples),
        waited_s=round(state.waited_s, 3),
        unasked=state.sink.unasked,
    )


def _times(count: int) -> str:
    return "twice" if count == 2 else f"{count} times"
