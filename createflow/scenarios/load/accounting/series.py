"""A run second by second: the differences between the ledgers that the load workers send."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from createflow.scenarios.load.accounting.ledger import REFUSALS, Ledger
from createflow.scenarios.load.plan.messages import NodeState
from createflow.schemas.load_report import Moment

NAMELESS = "2xx without id"
"""The class of replies that are not accepted; see ``Counters.nameless``."""


@dataclass(slots=True)
class Second:
    """What all load workers together did in one second."""

    ledger: Ledger = field(default_factory=Ledger)
    in_flight: int = 0
    backlog: int = 0
    cpu_ratio: float = 0.0


class Series:
    """Collects the seconds of a run from the workers' messages, in any order and also if some are lost."""

    def __init__(self) -> None:
        self.seconds: dict[int, Second] = {}
        """By number. What a worker did while its messages were missing counts in the second of its next message."""
        self._ledgers: dict[int, Ledger] = {}
        self._states: dict[int, NodeState] = {}

    @property
    def ledger(self) -> Ledger:
        """The sum of what all workers have sent so far."""
        merged = Ledger()
        for ledger in self._ledgers.values():
            merged.add(ledger)
        return merged

    def ledger_of(self, index: int) -> Ledger:
        """The latest ledger of one worker; empty if it has sent none."""
        return self._ledgers.get(index, Ledger())

    def add(self, state: NodeState) -> None:
        """Add a message that is newer than the last one of its worker."""
        if state.ledger is None or state.kind == "ready":
            return
        ledger = Ledger.from_wire(state.ledger)
        before = self._states.get(state.index)
        number = max(0, round(state.now_s) - 1)
        second = self.seconds.setdefault(number, Second())
        second.ledger.add(ledger.since(self._ledgers.get(state.index, Ledger())))
        elapsed_s = state.now_s - (before.now_s if before else 0.0)
        cpu_s = state.cpu_s - (before.cpu_s if before else 0.0)
        # The final message comes as soon as the run has ended: the short time before it says little about the load.
        if state.kind != "final" or second.cpu_ratio == 0.0:
            second.in_flight += state.in_flight
            second.backlog += state.backlog
            second.cpu_ratio = max(second.cpu_ratio, cpu_s / max(elapsed_s, 0.1))
        self._ledgers[state.index] = ledger
        self._states[state.index] = state

    def moments(self, lags: Mapping[int, Mapping[str, float]], *, last: int = 0) -> tuple[Moment, ...]:
        """The seconds as a report holds them.

        Args:
            lags: by second, the lag of the sampled create to each sink, in milliseconds.
            last: return only this many, the newest; 0 for all.
        """
        numbers: Iterable[int] = sorted(self.seconds)[-last:]
        return tuple(_moment(number, self.seconds[number], lags.get(number, {})) for number in numbers)


def _moment(number: int, second: Second, lags: Mapping[str, float]) -> Moment:
    counters = second.ledger.total()
    latencies = counters.latencies()
    p50_ms, p90_ms, p95_ms, p99_ms, max_ms = latencies.percentiles_ms(0.5, 0.9, 0.95, 0.99, 1.0)
    (accepted_p99_ms,) = counters.accepted_latencies().percentiles_ms(0.99)
    (refused_p99_ms,) = counters.refused_latencies().percentiles_ms(0.99)
    (service_p99_ms,) = counters.service.percentiles_ms(0.99)
    (pacing_p99_ms,) = second.ledger.pacing.percentiles_ms(0.99)
    classes = Counter[str]()
    for status, count in counters.statuses.items():
        classes[str(status) if status in REFUSALS else f"{status // 100}xx"] += count
    if nameless := counters.nameless.count:
        classes["2xx"] -= nameless
        classes[NAMELESS] = nameless
    return Moment(
        t_s=float(number),
        offered=counters.scheduled,
        sent=second.ledger.sent,
        statuses=dict(sorted(classes.items())),
        failed=counters.failed,
        dropped=counters.dropped + counters.not_sent,
        p50_ms=p50_ms,
        p90_ms=p90_ms,
        p95_ms=p95_ms,
        p99_ms=p99_ms,
        max_ms=max_ms,
        accepted_p99_ms=accepted_p99_ms,
        refused_p99_ms=refused_p99_ms,
        service_p99_ms=service_p99_ms,
        in_flight=second.in_flight,
        backlog=second.backlog,
        pacing_p99_ms=pacing_p99_ms,
        cpu_ratio=second.cpu_ratio,
        sink_lag_ms=dict(lags),
    )
