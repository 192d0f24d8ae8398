"""Sorts every arrival into its phase and its class; knows times only as seconds from the start of the run."""

from typing import Any

from createflow.scenarios.load.histogram import Histogram
from createflow.scenarios.load.schedule import Arrival
from createflow.scenarios.load.tally import Tally


class Recorder:
    """The books of one node.

    The phase of an arrival is decided by its intended time, never by when it was answered, and nothing is reset
    between phases. Throughput is counted by when a request was sent and a reply came: counting it by intended time
    would show the schedule instead of the target.
    """

    def __init__(self, *, warmup_s: float, end_s: float) -> None:
        self._warmup_s = warmup_s
        self._end_s = end_s
        self.warmup = Tally()
        self.measured = Tally()
        self.pacing = Histogram()
        """How late the pacer itself woke up: the generator's own doing, free of any waiting for a sender."""
        self.sent_in_window = 0
        self.accepted_in_window = 0

    def due(self, arrival: Arrival, now_s: float) -> None:
        """The schedule says: now."""
        self._phase(arrival).scheduled += 1
        if arrival.due_s >= self._warmup_s:
            self.pacing.record(max(0.0, now_s - arrival.due_s))

    def sent(self, sent_s: float) -> None:
        """A request leaves."""
        self.sent_in_window += self._in_window(sent_s)

    def replied(self, arrival: Arrival, sent_s: float, done_s: float, status: int) -> None:
        """A whole reply arrived."""
        tally = self._phase(arrival)
        tally.completed += 1
        tally.statuses[str(status)] += 1
        tally.record("service", done_s - sent_s)
        self._latency(tally, str(status), arrival, sent_s, done_s)
        if 200 <= status < 300:
            self.accepted_in_window += self._in_window(done_s)

    def failed(self, arrival: Arrival, sent_s: float, done_s: float, kind: str) -> None:
        """The connection failed before a whole reply arrived. ``kind`` names how."""
        tally = self._phase(arrival)
        tally.transport_errors += 1
        tally.errors[kind] += 1
        self._latency(tally, "transport_error", arrival, sent_s, done_s)

    def timed_out(self, arrival: Arrival, sent_s: float, done_s: float) -> None:
        """No whole reply within the request's timeout."""
        tally = self._phase(arrival)
        tally.timeouts += 1
        self._latency(tally, "timeout", arrival, sent_s, done_s)

    def unfinished(self, arrival: Arrival, sent_s: float, now_s: float) -> None:
        """Still without a reply when the drain ended: its latency is at least this."""
        tally = self._phase(arrival)
        tally.unfinished += 1
        self._latency(tally, "unfinished", arrival, sent_s, now_s)

    def not_sent(self, arrival: Arrival) -> None:
        """It waited for a free sender for too long, or the run ended first."""
        self._phase(arrival).not_sent += 1

    def cut(self, now_s: float) -> None:
        """The run was stopped: the window ends here."""
        self._end_s = min(self._end_s, now_s)

    def assert_balanced(self) -> None:
        """Raise unless every arrival of either phase is in exactly one class."""
        self.warmup.assert_balanced()
        self.measured.assert_balanced()

    def to_json(self) -> dict[str, Any]:
        """Everything so far, cumulative."""
        return {
            "warmup": self.warmup.to_json(),
            "measured": self.measured.to_json(),
            "pacing": self.pacing.encode() if self.pacing.count else "",
            "sent_in_window": self.sent_in_window,
            "accepted_in_window": self.accepted_in_window,
        }

    def add_json(self, document: dict[str, Any]) -> None:
        """Add the books of another node."""
        self.warmup.add_json(document["warmup"])
        self.measured.add_json(document["measured"])
        if document["pacing"]:
            self.pacing.add_encoded(document["pacing"])
        self.sent_in_window += int(document["sent_in_window"])
        self.accepted_in_window += int(document["accepted_in_window"])

    def _phase(self, arrival: Arrival) -> Tally:
        return self.warmup if arrival.due_s < self._warmup_s else self.measured

    def _in_window(self, t_s: float) -> bool:
        return self._warmup_s <= t_s < self._end_s

    @staticmethod
    def _latency(tally: Tally, outcome: str, arrival: Arrival, sent_s: float, done_s: float) -> None:
        # A sleep can end a fraction early; a negative latency would be nonsense.
        tally.record_response(outcome, max(0.0, done_s - arrival.due_s))
        tally.record("lag", max(0.0, sent_s - arrival.due_s))
