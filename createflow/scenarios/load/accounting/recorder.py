"""Counts every arrival by operation, phase and outcome. All times are seconds from the start of the run."""

import base64
import zlib
from collections.abc import Iterator

from createflow.scenarios.load.accounting.ledger import Counters, Ledger
from createflow.scenarios.load.plan.schedule import Arrival
from createflow.scenarios.load.plan.write_log import Outcome
from createflow.schemas.operation import Operation

OUTCOMES_PER_PART = 4_000_000
_STATUSES_WITHOUT_EFFECT = frozenset({500, 503})
"""The contract's database error and open circuit breaker. After any other 5xx the effect of the request is unknown."""


class Recorder:
    """The ledger of one load worker.

    The phase of an arrival depends on its intended time, never on when its reply came, and nothing is reset between
    phases. Rates are counted by when a request was sent and when its reply came: counted by intended time they would
    show the schedule instead of the target.

    Args:
        warmup_s: where the measured window starts.
        end_s: where the measured window ends.
        node_count: load workers that share the schedule.
    """

    def __init__(self, *, warmup_s: float, end_s: float, node_count: int = 1) -> None:
        self._warmup_s = warmup_s
        self._end_s = end_s
        self._node_count = node_count
        self.ledger = Ledger()
        self._warmup, self._measured = self.ledger.warmup, self.ledger.measured
        self.outcomes = bytearray()
        """One ``Outcome`` for each arrival of this worker, in the order of their due times."""
        self.due_in_warmup = 0
        """How many of these arrivals belong to the warm-up."""
        self.resent = 0
        """Requests that were sent once more."""
        self.renamed = 0
        """Creates among them that were sent under another name, since the first may be stored."""
        self._renamed: set[int] = set()
        self._last_reply = (0, 0.0, 0)

    @property
    def last_reply_k(self) -> int:
        """The arrival that was answered last."""
        return self._last_reply[0]

    @property
    def last_reply_s(self) -> float:
        """When it was; 0 before the first reply."""
        return self._last_reply[1]

    @property
    def sent_since_reply(self) -> int:
        """Requests that were sent after it."""
        return self.ledger.sent - self._last_reply[2]

    def record_due(self, arrival: Arrival, now_s: float) -> None:
        """An arrival is due. ``now_s`` is when the generator woke up for it."""
        if arrival.due_s < self._warmup_s:
            self._warmup[arrival.operation].scheduled += 1
            self.due_in_warmup += 1
        else:
            self._measured[arrival.operation].scheduled += 1
            self.ledger.pacing.record(max(0.0, now_s - arrival.due_s))
        self.outcomes.append(Outcome.UNSENT if arrival.operation is Operation.CREATE else Outcome.OTHER)

    def record_sent(self, arrival: Arrival, sent_s: float) -> None:
        """A request is sent."""
        self.ledger.sent += 1
        if self._warmup_s <= sent_s < self._end_s:
            self._measured[arrival.operation].sent_in_window += 1

    def record_resent(self, arrival: Arrival, *, is_renamed: bool) -> None:
        """A request is sent once more: its connection ended before any byte of a reply.

        Args:
            arrival: whose request it is.
            is_renamed: it is a create under another name. Whether the first one is stored stays unknown.
        """
        self.resent += 1
        if is_renamed:
            self.renamed += 1
            self._renamed.add(arrival.k)
            self.outcomes[arrival.k // self._node_count] = Outcome.UNKNOWN

    def record_reply(
        self, arrival: Arrival, sent_s: float, done_s: float, status: int, *, is_nameless: bool = False
    ) -> None:
        """A whole reply arrived.

        Args:
            arrival: whose request it answers.
            sent_s: when that was sent.
            done_s: when the last byte of the reply came.
            status: of the reply.
            is_nameless: a 2xx to a create that names nothing which was created: it is not accepted.
        """
        self._last_reply = (arrival.k, done_s, self.ledger.sent)
        counters = self._counters(arrival)
        counters.completed += 1
        counters.statuses[status] += 1
        counters.service.record(done_s - sent_s)
        # A timer may fire slightly early, and a latency is never negative.
        due_s = arrival.due_s
        histogram = counters.nameless if is_nameless else counters.replies[status]
        histogram.record(max(0.0, done_s - due_s))
        counters.lag.record(max(0.0, sent_s - due_s))
        if is_nameless:
            self._set_outcome(arrival, Outcome.UNKNOWN)
        elif 200 <= status < 300:
            outcome = Outcome.ACCEPTED_OUTSIDE
            if self._warmup_s <= done_s < self._end_s:
                self._measured[arrival.operation].accepted_in_window += 1
                outcome = Outcome.ACCEPTED
            self._set_outcome(arrival, outcome)
        elif status < 400 or (status >= 500 and status not in _STATUSES_WITHOUT_EFFECT):
            self._set_outcome(arrival, Outcome.UNKNOWN)
        else:
            self._set_outcome(arrival, Outcome.REFUSED)

    def record_failure(
        self, arrival: Arrival, sent_s: float, done_s: float, kind: str, *, maybe_sent: bool = True
    ) -> None:
        """The connection failed before a whole reply arrived.

        Args:
            arrival: whose request it was.
            sent_s: when it was sent.
            done_s: when the connection failed.
            kind: one of the kinds of ``load.http.errors``.
            maybe_sent: False when no byte of the request can have reached the target.
        """
        counters = self._counters(arrival)
        counters.transport_errors += 1
        counters.errors[kind] += 1
        self._record_unanswered(counters, arrival, sent_s, done_s)
        if maybe_sent:
            self._set_outcome(arrival, Outcome.UNKNOWN)

    def record_timeout(self, arrival: Arrival, sent_s: float, done_s: float) -> None:
        """No whole reply arrived within the request's timeout."""
        counters = self._counters(arrival)
        counters.timeouts += 1
        self._record_unanswered(counters, arrival, sent_s, done_s)
        self._set_outcome(arrival, Outcome.UNKNOWN)

    def record_unfinished(self, arrival: Arrival, sent_s: float, now_s: float) -> None:
        """There was no reply when the drain ended. The latency is at least the time until now."""
        counters = self._counters(arrival)
        counters.unfinished += 1
        self._record_unanswered(counters, arrival, sent_s, now_s)
        self._set_outcome(arrival, Outcome.UNKNOWN)

    def record_not_sent(self, arrival: Arrival) -> None:
        """The arrival waited too long for a free sender, or the run ended first."""
        self._counters(arrival).not_sent += 1

    def record_dropped(self, arrival: Arrival) -> None:
        """No sender was free when the arrival was due, and the policy is to drop it."""
        self._counters(arrival).dropped += 1

    def end_window(self, now_s: float) -> None:
        """The run was stopped, so the measured window ends now."""
        self._end_s = min(self._end_s, now_s)

    def outcomes_to_wire(self) -> Iterator[str]:
        """The outcomes of all arrivals, in parts that are small enough for a message."""
        for start in range(0, len(self.outcomes), OUTCOMES_PER_PART):
            part = bytes(self.outcomes[start : start + OUTCOMES_PER_PART])
            yield base64.b64encode(zlib.compress(part, 1)).decode()

    def _counters(self, arrival: Arrival) -> Counters:
        return (self._warmup if arrival.due_s < self._warmup_s else self._measured)[arrival.operation]

    def _set_outcome(self, arrival: Arrival, outcome: Outcome) -> None:
        if arrival.operation is Operation.CREATE and arrival.k not in self._renamed:
            self.outcomes[arrival.k // self._node_count] = outcome

    @staticmethod
    def _record_unanswered(counters: Counters, arrival: Arrival, sent_s: float, done_s: float) -> None:
        counters.unanswered.record(max(0.0, done_s - arrival.due_s))
        counters.lag.record(max(0.0, sent_s - arrival.due_s))


def outcomes_from_wire(part: object) -> bytes:
    """One part of what ``Recorder.outcomes_to_wire`` gave.

    Raises:
        ValueError: it is none.
    """
    if not isinstance(part, str):
        raise ValueError("outcomes that are not text")  # noqa: TRY004 - one error for all that is no part
    try:
        decoder = zlib.decompressobj()
        outcomes = decoder.decompress(base64.b64decode(part, validate=True), OUTCOMES_PER_PART)
    except (ValueError, zlib.error) as error:
        raise ValueError(f"outcomes that cannot be decoded: {error}") from None
    if not decoder.eof or decoder.unconsumed_tail or outcomes.translate(None, bytes(Outcome)):
        raise ValueError("outcomes that are too many, or none of ours")
    return outcomes
