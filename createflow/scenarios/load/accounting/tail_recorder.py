"""What a load worker keeps of single replies: the slowest ones, and a sample of all, with the parts of their time.

A histogram says how slow the slowest are, and not where their time went. To keep that of every reply would cost more
than the request itself: of most only two numbers are compared.
"""

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from createflow.scenarios.load.accounting.server_timing import server_timing_in
from createflow.scenarios.load.plan.schedule import Arrival
from createflow.schemas.operation import Operation

SLOW_MIN = 2_000
"""So many of the slowest are kept at least: the slowest 1 % of 200,000 replies."""
SLOW_MAX = 20_000
SLOW_RATIO = 0.02
"""Of all replies, more than are looked at in the end: how many there will be is not known before."""
SAMPLE_MAX = 4_000
ROWS_PER_MESSAGE = 1_000
_HEAD_BYTES = 8 * 1024
_OPERATIONS = tuple(Operation)


class Times(NamedTuple):
    """When one request was due, sent and answered, in seconds from the start of the run."""

    due_s: float
    sent_s: float
    done_s: float
    connect_s: float = 0.0
    """Of the time since it was sent: opening the connection, TLS included."""
    body_s: float = 0.0
    """Of the same time: from the first to the last byte of the reply."""

    @property
    def took_s(self) -> float:
        """The response latency: from when it was due."""
        return max(0.0, self.done_s - self.due_s)


@dataclass(frozen=True, slots=True)
class TailRow:
    """One reply that was kept."""

    k: int
    """Of the arrival."""
    operation: Operation
    status: int
    times: Times
    is_sampled: bool
    """It is one of the sample of all replies; else it was kept because it was slow."""
    server_ms: dict[str, float] = field(default_factory=dict)
    """What the reply says of the server's work, by name; see ``server_timing_in``."""


class _Kept(NamedTuple):
    took_s: float
    k: int
    operation: Operation
    status: int
    times: Times
    head: bytes


class TailRecorder:
    """Keeps single replies of one worker, those of the warm-up left out.

    Args:
        warmup_s: where the measured window starts.
    """

    def __init__(self, warmup_s: float) -> None:
        self._warmup_s = warmup_s
        self._seen = 0
        self._stride = 1
        self._sample: list[_Kept] = []
        self._slow: list[_Kept] = []
        self._slow_max = SLOW_MIN
        self._bound_s = 0.0
        """What took no longer is not among the slowest."""

    def keeps(self, arrival: Arrival, done_s: float) -> bool:
        """Count a reply. Returns whether ``keep`` is to be called for it: it is slow, or of the sample."""
        if arrival.due_s < self._warmup_s:
            return False
        self._seen += 1
        return done_s - arrival.due_s > self._bound_s or not self._seen % self._stride

    def keep(self, arrival: Arrival, status: int, times: Times, received: bytes) -> None:
        """Keep the reply that was counted last.

        Args:
            arrival: what was sent last for it.
            status: of the reply.
            times: of the reply.
            received: at least the head of the reply, as it came.
        """
        kept = _Kept(times.took_s, arrival.k, arrival.operation, status, times, received[:_HEAD_BYTES])
        if not self._seen % self._stride:
            self._sample.append(kept)
            if len(self._sample) == SAMPLE_MAX:
                self._stride *= 2
                # The even ones are those whose numbers the new stride divides.
                self._sample = self._sample[1::2]
        if kept.took_s <= self._bound_s:
            return
        if len(self._slow) < self._slow_max:
            heapq.heappush(self._slow, kept)
        else:
            heapq.heapreplace(self._slow, kept)
        self._slow_max = min(SLOW_MAX, max(SLOW_MIN, int(self._seen * SLOW_RATIO)))
        self._bound_s = self._slow[0].took_s if len(self._slow) >= self._slow_max else 0.0

    def to_wire(self) -> Iterator[dict[str, object]]:
        """All that was kept, in parts that are small enough for a message."""
        rows = [(one, False) for one in self._slow] + [(one, True) for one in self._sample]
        for start in range(0, len(rows), ROWS_PER_MESSAGE):
            names: dict[str, int] = {}
            part = [_to_wire(one, names, is_sampled=sampled) for one, sampled in rows[start : start + ROWS_PER_MESSAGE]]
            yield {"names": list(names), "rows": part}


def _to_wire(kept: _Kept, names: dict[str, int], *, is_sampled: bool) -> list[float]:
    row: list[float] = [kept.k, _OPERATIONS.index(kept.operation), kept.status, int(is_sampled)]
    row += [round(seconds, 6) for seconds in kept.times]
    for name, ms in server_timing_in(kept.head).items():
        row += [names.setdefault(name, len(names)), round(ms, 3)]
    return row


def rows_from_wire(names: Sequence[str], rows: Sequence[Sequence[float]]) -> list[TailRow]:
    """What ``to_wire`` gave. The numbers must have been looked at."""
    fixed = 4 + len(Times._fields)
    return [
        TailRow(
            k=int(row[0]),
            operation=_OPERATIONS[int(row[1])],
            status=int(row[2]),
            times=Times(*row[4:fixed]),
            is_sampled=bool(row[3]),
            server_ms={names[int(number)]: ms for number, ms in zip(row[fixed::2], row[fixed + 1 :: 2], strict=True)},
        )
        for row in rows
    ]
