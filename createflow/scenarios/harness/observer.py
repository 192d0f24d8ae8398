"""How an observer is declared, and how what it saw becomes a result.

An observer looks at every exchange of a run, whoever sent it. It has id, level, source and promise as a check has, and
is selected, tolerated and reported like one. Where a run has sent nothing that it could look at, it makes requests of
its own; those are its function.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from createflow.scenarios.harness.check import Check, CheckFunction, Need, parameters_of, promise_of
from createflow.scenarios.outcome import Expectation, Inconclusive, NotDeclared
from createflow.scenarios.target.contract import Contract
from createflow.scenarios.target.traffic.observed import Observed
from createflow.schemas.flow import Step
from createflow.schemas.profile import Profile
from createflow.schemas.report import CheckResult, Exchange, Level, Outcome

SHOWN_EXCHANGES = 3
"""Of each cause; of a finding, twice as many."""
SHOWN_CAUSES = 8


@dataclass(frozen=True, slots=True)
class Deviation:
    """What one exchange shows against the promise."""

    cause: str
    """What was seen, without anything that differs from exchange to exchange: equal causes are merged."""
    expected: str
    reported_by: tuple[str, ...] = ()
    """The checks that test the same; if one of them failed, this is not told again."""
    naming: str = ""
    """What such a check must have named in its finding; it may have failed by something else."""
    unless_accused: bool = False
    """It is not told again when the check that sent the exchange failed: that check has judged it."""


Look = Callable[[Observed], Iterable[Deviation] | None]
"""The deviations in one exchange; ``None`` when the exchange has nothing to look at."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What an observer knows about the run."""

    profile: Profile
    contract: Contract
    secrets: tuple[str, ...]
    """Of the profile: tokens of the environment, header values, passwords of sinks."""


Watch = Callable[[Facts], Look]


@dataclass(frozen=True, slots=True)
class Observer(Check):
    """One observer. ``function`` makes the requests that it looks at when there were none."""

    watch: Watch = field(kw_only=True)
    enough: int = field(kw_only=True)
    """It makes requests of its own unless it could look at so many of the checks' exchanges."""


def observer(
    *,
    step: Step,
    source: str,
    traffic: CheckFunction,
    level: Level = Level.MUST,
    catches: str | tuple[str, ...] = (),
    needs: tuple[Need, ...] = (),
    enough: int = 10,
    must_with: Need | None = None,
) -> Callable[[Watch], Observer]:
    """Make an observer of a function that gets the facts of a run and returns what looks at each exchange.

    The function raises NotDeclared where the profile does not declare what it looks for. What looks at an exchange
    raises Inconclusive where it cannot tell; then the observer does not pass.

    Args:
        step: the step of the contract that is observed.
        source: as of a check.
        traffic: sends requests that show what it looks at; used when the run sent none.
        level: must only where a standard or the profile says so.
        catches: the seeded defects of the reference that make it fail.
        needs: keys of the profile without which it is skipped.
        must_with: the key of the profile with which a should becomes a must.
        enough: it sends ``traffic`` unless checks have sent so many exchanges that it looks at.
    """

    def record(watch: Watch) -> Observer:
        name, title, explanation = promise_of(watch)
        return Observer(
            id=f"{step.value}.{name}",
            step=step,
            level=level,
            source=source,
            title=title,
            explanation=explanation,
            function=traffic,
            catches=(catches,) if isinstance(catches, str) else catches,
            needs=needs,
            disturbs=True,
            lane=None,
            at_end=False,
            repeats=(),
            limit_s=60.0,
            must_with=must_with,
            parameters=parameters_of(traffic),
            watch=watch,
            enough=enough,
        )

    return record


@dataclass(slots=True)
class _Found:
    """The exchanges that show one cause."""

    expected: str
    reported_by: tuple[str, ...]
    naming: str
    unless_accused: bool
    by_check: dict[str, int] = field(default_factory=dict)
    shown: list[tuple[str, Exchange]] = field(default_factory=list)

    def add(self, seen: Observed) -> None:
        self.by_check[seen.check_id] = self.by_check.get(seen.check_id, 0) + 1
        if sum(check_id == seen.check_id for check_id, _ in self.shown) < SHOWN_EXCHANGES:
            self.shown.append((seen.check_id, seen.exchange))

    def without(self, failed: Mapping[str, str]) -> tuple[int, list[Exchange]]:
        """How many exchanges are left without those that failed checks report, and the first of them."""
        if any(self.naming in failed[one] for one in self.reported_by if one in failed):
            return 0, []
        left = {name: count for name, count in self.by_check.items() if not (self.unless_accused and name in failed)}
        return sum(left.values()), [exchange for name, exchange in self.shown if name in left][:SHOWN_EXCHANGES]


class Watching:
    """One observer in one run."""

    def __init__(self, observer: Observer, facts: Facts) -> None:
        self.observer = observer
        self.looked_at = 0
        """The exchanges that had something to look at."""
        self.of_checks = 0
        """Those of them that a check sent, or the observer itself."""
        self.absence = ""
        """Why it is skipped; otherwise empty."""
        self.error = ""
        self.doubt = ""
        """Why some exchanges could not be judged; empty when all were."""
        self._found: dict[str, _Found] = {}
        missing = [need for need in observer.needs if not need.met_by(facts.profile)]
        self._look: Look = lambda _: None
        if missing:
            self.absence = missing[0].absence
            return
        try:
            self._look = observer.watch(facts)
        except NotDeclared as absence:
            self.absence = str(absence)

    def see(self, seen: Observed) -> None:
        """Look at one exchange. A mistake of the observer's must not disturb the check that sent it."""
        if self.absence or self.error:
            return
        try:
            deviations = self._look(seen)
            if deviations is None:
                return
            self.looked_at += 1
            self.of_checks += seen.is_own
            for deviation in deviations:
                found = self._found.get(deviation.cause)
                if found is None:
                    found = _Found(
                        deviation.expected, deviation.reported_by, deviation.naming, deviation.unless_accused
                    )
                    self._found[deviation.cause] = found
                found.add(seen)
        except Inconclusive as doubt:
            self.doubt = str(doubt)
        except Exception as error:  # noqa: BLE001 - as above
            self.error = f"{type(error).__name__}: {error}"

    def accusation(self, results: Mapping[str, CheckResult]) -> Expectation | None:
        """All causes as one statement, without what failed checks report; ``None`` when there is nothing to say."""
        failed = {
            name: f"{result.finding.expected} {result.finding.seen}" if result.finding is not None else ""
            for name, result in results.items()
            if result.outcome is Outcome.FAILED
        }
        left = [(cause, found.expected, *found.without(failed)) for cause, found in self._found.items()]
        # By the text, not by the count: the finding keeps its id from run to run.
        told = sorted((one for one in left if one[2]), key=lambda one: one[:2])
        if not told:
            return None
        shown = told[:SHOWN_CAUSES]
        texts = [f"{cause} ({count} of {self.looked_at} exchanges)" for cause, _, count, _ in shown]
        if len(told) > len(shown):
            texts.append(f"and {len(told) - len(shown)} more")
        return Expectation(
            "; ".join(dict.fromkeys(expected for _, expected, _, _ in shown)),
            "; ".join(texts),
            exchanges=_first_of_each([exchanges for *_, exchanges in shown]),
        )


def _first_of_each(groups: Sequence[Sequence[Exchange]]) -> list[Exchange]:
    """A few exchanges, the first of every cause before the second of any."""
    longest = max(map(len, groups), default=0)
    ordered = [group[place] for place in range(longest) for group in groups if place < len(group)]
    return ordered[: 2 * SHOWN_EXCHANGES][::-1]
