"""Every exchange of a run, told to whoever observes it; the faults meanwhile; and how full each bucket can be."""

import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

from createflow.scenarios.target.traffic.observed import CHECK_ID, SEARCH_FAULTS, Observed, Sending
from createflow.schemas.profile import Limits
from createflow.schemas.report import Exchange

_RECOVERED_WRITES = 16
"""Accepted in a row: behind a balancer, one instance may have recovered while another still refuses."""
Watcher = Callable[[Observed], None]


@dataclass(slots=True)
class _Fault:
    name: str
    since_s: float
    healed_at_s: float | None = None
    until_s: float | None = None
    accepted: int = 0
    """Writes in a row that were accepted since it was healed."""


@dataclass(slots=True)
class _Meter:
    """The requests of one bucket."""

    begun: int = 0
    ended: int = 0
    empty_at_s: float = 0.0
    """When those that have ended will have leaked out of it."""
    ended_at_s: deque[float] = field(default_factory=deque)
    """Those that have ended within the last window."""

    def in_window(self, now: float, window_s: float) -> int:
        """How many a limit by window can have counted in the one that holds now."""
        while self.ended_at_s and self.ended_at_s[0] < now - window_s:
            self.ended_at_s.popleft()
        return len(self.ended_at_s)


class Traffic:
    """The exchanges of one run, the faults that were injected meanwhile, and how full each bucket can be at most.

    The target counts a request at some time between its sending and its reply. A bucket can hold most if it counted
    each as late as possible, those that are under way have been counted, and so have those that were sent since. A
    limit may as well be kept by window: a fixed or sliding one, as long as the burst takes at the rate, holds whatever
    it has counted in that time, and nothing leaks out of it before it ends.
    """

    def __init__(self, limits: Limits | None, recovery_s: float) -> None:
        self._limits = limits
        self._recovery_s = recovery_s
        self._meters: dict[str, _Meter] = {}
        self._faults: list[_Fault] = []
        self._watchers: list[Watcher] = []
        self._under_way = 0
        self._unanswered = 0
        self.sent: Counter[str] = Counter()
        """Requests that were answered, by the id of the check that sent them."""
        self.created: Counter[str] = Counter()
        """Those that were answered 201."""
        self.raw_connections = 0
        """Connections that are kept busy with raw bytes, which may keep a small target from answering others."""
        self.resent = 0
        """Requests that went out once more, since a reused connection ended before any byte of the reply."""
        self.answered_creates = 0
        """Creates that got a whole reply, whatever it was."""
        self.lost_creates = 0
        """Creates that got none."""
        self.last_reply_s = 0.0
        """When the last reply came, on the monotonic clock; 0 before the first."""
        self.last_exchange = ""
        """Request and status of that reply, as text."""

    @property
    def is_waiting(self) -> bool:
        """A request is under way, or got no reply after the last one that got one."""
        return bool(self._under_way or self._unanswered)

    @property
    def is_disturbed(self) -> bool:
        """A fault, or we ourselves, may be why nothing is answered."""
        now = time.monotonic()
        return bool(self.raw_connections or self._fault_between(now, now))

    def watch(self, watcher: Watcher) -> None:
        """Tell it of every exchange from now on."""
        self._watchers.append(watcher)

    def begin(self, bucket: str, *, is_raw: bool = False) -> Sending:
        """A request is sent now."""
        now = time.monotonic()
        self._under_way += not is_raw
        if self._limits is None:
            return Sending(bucket, now, 0.0, 0)
        meter = self._meters.setdefault(bucket, _Meter())
        meter.begun += 1
        in_bucket = max(meter.empty_at_s - now, 0.0) * self._limits.rate_per_s
        counted = max(in_bucket, meter.in_window(now, self._limits.burst / self._limits.rate_per_s))
        return Sending(bucket, now, counted + meter.begun - meter.ended, meter.begun)

    def fail(self, sending: Sending) -> None:
        """No reply has come. The target may have counted the request."""
        self._under_way -= 1
        self._unanswered += 1
        self._count(sending, time.monotonic())

    def _count(self, sending: Sending, now: float) -> float:
        """Count a request that has ended. Returns the most that its bucket can have held when it was decided on."""
        if self._limits is None:
            return 0.0
        meter = self._meters[sending.bucket]
        meter.ended += 1
        meter.ended_at_s.append(now)
        meter.empty_at_s = max(meter.empty_at_s, now) + 1 / self._limits.rate_per_s
        return sending.level + meter.begun - sending.begun

    def end(
        self,
        sending: Sending,
        exchange: Exchange,
        *,
        url: str,
        request_headers: Mapping[str, str],
        content: bytes,
        status: int,
        headers: tuple[tuple[str, str], ...],
        body: bytes,
        is_paced: bool = True,
        is_raw: bool = False,
    ) -> None:
        """Its reply has come."""
        now = time.monotonic()
        self._under_way -= not is_raw
        self._unanswered = 0
        self.last_reply_s = now
        self.last_exchange = f"{exchange.method} {exchange.url} was answered {status}"
        self.sent[CHECK_ID.get()] += 1
        self.created[CHECK_ID.get()] += status == HTTPStatus.CREATED
        level = self._count(sending, now)
        if not self._watchers:
            return
        fault = self._fault_between(sending.at_s, now)
        self._note_recovery(sending.at_s, exchange.method, status)
        seen = Observed(
            exchange=exchange,
            method=exchange.method,
            url=url,
            request_headers=request_headers,
            content=content,
            status=status,
            headers=headers,
            body=body,
            sending=sending,
            level=level,
            received_at_s=now,
            check_id=CHECK_ID.get(),
            is_paced=is_paced,
            fault=fault,
            is_raw=is_raw,
        )
        for watcher in self._watchers:
            watcher(seen)

    def fault_begins(self, name: str) -> None:
        """A fault is about to be injected."""
        self._faults.append(_Fault(name, time.monotonic()))

    def fault_ends(self, name: str) -> None:
        """The fault was healed; what follows may still be due to it until writes are accepted again."""
        for fault in self._faults:
            if fault.name == name and fault.until_s is None:
                fault.healed_at_s = time.monotonic()
                fault.until_s = fault.healed_at_s + self._recovery_s

    def _note_recovery(self, sent_at_s: float, method: str, status: int) -> None:
        for fault in self._faults:
            if fault.healed_at_s is None or sent_at_s < fault.healed_at_s or method in {"GET", "HEAD", "OPTIONS"}:
                continue
            if 200 <= status < 300:
                fault.accepted += 1
            elif status >= 500:
                fault.accepted = 0
            if fault.accepted == _RECOVERED_WRITES:
                fault.until_s = sent_at_s

    def had_fault_since(self, sending: Sending) -> bool:
        """Whether there was a fault at any time since the request was sent."""
        return bool(self._fault_between(sending.at_s, time.monotonic()))

    def _fault_between(self, since_s: float, until_s: float) -> str:
        """The fault that can spoil most of those that there were then."""
        names = [
            fault.name
            for fault in self._faults
            if fault.since_s <= until_s and (fault.until_s is None or since_s <= fault.until_s)
        ]
        return min(names, key=SEARCH_FAULTS.__contains__, default="")
