"""Sorts every arrival into its operation, phase and class; knows times only as seconds from the start of the run."""

import base64
import zlib
from typing import Any

from createflow.scenarios.load.accounting.ledger import Books
from createflow.scenarios.load.accounting.tally import Tally
from createflow.scenarios.load.plan.schedule import Arrival
from createflow.scenarios.load.plan.write_log import Outcome
from createflow.schemas.operation import Operation

_PROMISES_NO_EFFECT = frozenset({500, 503})
"""The seed's database error and open breaker; every other 5xx says nothing about what happened behind it."""


class Recorder:
    """The books of one node.

    The phase of an arrival is decided by its intended time, never by when it was answered, and nothing is reset
    between phases. Throughput is counted by when a request was sent and a reply came: counting it by intended time
    would show the schedule instead of the target.
    """

    def __init__(self, *, warmup_s: float, end_s: float, of: int = 1) -> None:
        self._warmup_s = warmup_s
        self._end_s = end_s
        self._of = of
        self.books = Books()
        self._warmup, self._measured = self.books.warmup, self.books.measured
        self.outcomes = bytearray()
        """One ``Outcome`` for each arrival of this node, in the order in which they were due."""
        self.due_in_warmup = 0
        """So many of them belong to the warm-up."""

    def due(self, arrival: Arrival, now_s: float) -> None:
        """The schedule says: now."""
        if arrival.due_s < self._warmup_s:
            self._warmup[arrival.operation].scheduled += 1
            self.due_in_warmup += 1
        else:
            self._measured[arrival.operation].scheduled += 1
            self.books.pacing.record(max(0.0, now_s - arrival.due_s))
        self.outcomes.append(Outcome.UNSENT if arrival.operation is Operation.CREATE else Outcome.OTHER)

    def sent(self, arrival: Arrival, sent_s: float) -> None:
        """A request leaves."""
        self.books.departed += 1
        if self._warmup_s <= sent_s < self._end_s:
            self._measured[arrival.operation].sent_in_window += 1

    def replied(self, arrival: Arrival, sent_s: float, done_s: float, status: int) -> None:
        """A whole reply arrived."""
        tally = self._tally(arrival)
        tally.completed += 1
        tally.statuses[status] += 1
        tally.service.record(done_s - sent_s)
        # A sleep can end a fraction early; a negative latency would be nonsense.
        due_s = arrival.due_s
        tally.replies[status].record(max(0.0, done_s - due_s))
        tally.lag.record(max(0.0, sent_s - due_s))
        if 200 <= status < 300:
            if self._warmup_s <= done_s < self._end_s:
                self._measured[arrival.operation].accepted_in_window += 1
            self._became(arrival, Outcome.ACCEPTED)
        elif status < 400 or (status >= 500 and status not in _PROMISES_NO_EFFECT):
            self._became(arrival, Outcome.UNKNOWN)
        else:
            self._became(arrival, Outcome.REFUSED)

    def failed(self, arrival: Arrival, sent_s: float, done_s: float, kind: str, *, maybe_sent: bool = True) -> None:
        """The connection failed before a whole reply arrived. ``kind`` names how."""
        tally = self._tally(arrival)
        tally.transport_errors += 1
        tally.errors[kind] += 1
        self._unanswered(tally, arrival, sent_s, done_s)
        if maybe_sent:
            self._became(arrival, Outcome.UNKNOWN)

    def timed_out(self, arrival: Arrival, sent_s: float, done_s: float) -> None:
        """No whole reply within the request's timeout."""
        tally = self._tally(arrival)
        tally.timeouts += 1
        self._unanswered(tally, arrival, sent_s, done_s)
        self._became(arrival, Outcome.UNKNOWN)

    def unfinished(self, arrival: Arrival, sent_s: float, now_s: float) -> None:
        """Still without a reply when the drain ended: its latency is at least this."""
        tally = self._tally(arrival)
        tally.unfinished += 1
        self._unanswered(tally, arrival, sent_s, now_s)
        self._became(arrival, Outcome.UNKNOWN)

    def not_sent(self, arrival: Arrival) -> None:
        """It waited for a free sender for too long, or the run ended first."""
        self._tally(arrival).not_sent += 1

    def dropped(self, arrival: Arrival) -> None:
        """No sender was free when it was due, and waiting is not wanted."""
        self._tally(arrival).dropped += 1

    def cut(self, now_s: float) -> None:
        """The run was stopped: the window ends here."""
        self._end_s = min(self._end_s, now_s)

    def outcomes_to_wire(self) -> dict[str, Any]:
        """What became of each arrival."""
        packed = base64.b64encode(zlib.compress(bytes(self.outcomes), 1)).decode()
        return {"outcomes": packed, "due_in_warmup": self.due_in_warmup}

    def _tally(self, arrival: Arrival) -> Tally:
        return (self._warmup if arrival.due_s < self._warmup_s else self._measured)[arrival.operation]

    def _became(self, arrival: Arrival, outcome: Outcome) -> None:
        if arrival.operation is Operation.CREATE:
            self.outcomes[arrival.k // self._of] = outcome

    @staticmethod
    def _unanswered(tally: Tally, arrival: Arrival, sent_s: float, done_s: float) -> None:
        tally.unanswered.record(max(0.0, done_s - arrival.due_s))
        tally.lag.record(max(0.0, sent_s - arrival.due_s))
