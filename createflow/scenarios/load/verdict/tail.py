"""Where the time of the slowest replies went: parts of it beside those of all replies, and the stalls.

A part is a metric of ``Server-Timing``, or what is seen from outside. What the server's metrics do not cover until the
first byte is a part of its own: the network, TLS, and whatever works or waits where nothing measures.
"""

import math
import statistics
from collections.abc import Mapping, Sequence

from createflow.scenarios.load.accounting.tail_recorder import TailRow
from createflow.scenarios.load.host.machine_watch import MachineWatch
from createflow.scenarios.text import trace_context
from createflow.schemas.load_tail import SlowRequest, Stall, Tail, TailPart

WAIT = "wait to be sent"
CONNECT = "connect"
OTHER = "until the first byte, not measured"
WHOLE = "until the first byte"
BODY = "rest of the reply"
_SEEN = frozenset({WAIT, CONNECT, OTHER, WHOLE, BODY})
_SLOW_RATIO = 0.01
_MIN_SLOW = 10
_MAX_PARTS = 24
_MAX_SLOWEST = 10
_MAX_STALLS = 10
_STALL_MS = 50.0
_STALL_FACTOR = 3.0
"""A stalled request took so many times the median at least."""
_OVERLAP_RATIO = 1.05
_OVERLAP_MS = 0.2

Parts = Mapping[str, float]


def find_tail(
    rows: Sequence[TailRow], *, replies: int, run_id: str, is_traced: bool, t0_s: float, watch: MachineWatch | None
) -> Tail | None:
    """What can be said of the slowest 1 %; None where too few replies came.

    Args:
        rows: the replies that the workers kept.
        replies: how many came in the measured window.
        run_id: of the run, for the trace ids.
        is_traced: each request has a trace id of ours.
        t0_s: start of the run on ``time.monotonic``.
        watch: of the machine, meanwhile.
    """
    sample = [row for row in rows if row.is_sampled]
    slow = sorted((row for row in rows if not row.is_sampled), key=_took_ms, reverse=True)
    slow = slow[: math.ceil(replies * _SLOW_RATIO)]
    if len(slow) < _MIN_SLOW or not sample:
        return None
    has_server_timing = any(row.server_ms for row in slow)
    usual = _mean([parts_of(row, has_server_timing=has_server_timing) for row in sample])
    parts = [parts_of(row, has_server_timing=has_server_timing) for row in slow]
    slow_usual = _mean(parts)
    mean_ms, slow_mean_ms = (statistics.fmean(map(_took_ms, some)) for some in (sample, slow))
    stalls = _stalls(slow, parts, usual, median_ms=statistics.median(map(_took_ms, sample)))
    longest = sorted(stalls, key=lambda stall: stall.length_ms, reverse=True)[:_MAX_STALLS]
    return Tail(
        slow=len(slow),
        slow_ratio=len(slow) / replies,
        from_ms=_took_ms(slow[-1]),
        slow_mean_ms=slow_mean_ms,
        mean_ms=mean_ms,
        sampled=len(sample),
        has_server_timing=has_server_timing,
        overlaps=sum(map(_overlaps, slow)) > len(slow) / 10,
        parts=_compared(usual, slow_usual, excess_ms=slow_mean_ms - mean_ms),
        slowest=tuple(
            _slow_request(row, of_row, usual, run_id=run_id if is_traced else "")
            for row, of_row in zip(slow[:_MAX_SLOWEST], parts, strict=False)
        ),
        stall_count=len(stalls),
        stalls=tuple(
            stall.model_copy(update={"meanwhile": () if watch is None else _meanwhile(stall, watch, t0_s)})
            for stall in sorted(longest, key=lambda stall: stall.at_s)
        ),
    )


def parts_of(row: TailRow, *, has_server_timing: bool) -> dict[str, float]:
    """The parts of the time of one reply, in milliseconds; their sum is the response latency, unless they overlap."""
    times = row.times
    wait_ms, connect_ms, body_ms = (
        max(0.0, seconds) * 1000 for seconds in (times.sent_s - times.due_s, times.connect_s, times.body_s)
    )
    first_byte_ms = max(0.0, (times.done_s - times.sent_s) * 1000 - connect_ms - body_ms)
    parts = {WAIT: wait_ms, CONNECT: connect_ms, BODY: body_ms}
    if not has_server_timing:
        return {**parts, WHOLE: first_byte_ms}
    return {**parts, **row.server_ms, OTHER: max(0.0, first_byte_ms - sum(row.server_ms.values()))}


def _overlaps(row: TailRow) -> bool:
    whole_ms = (row.times.done_s - row.times.sent_s) * 1000
    return sum(row.server_ms.values()) > whole_ms * _OVERLAP_RATIO + _OVERLAP_MS


def _took_ms(row: TailRow) -> float:
    return row.times.took_s * 1000


def _mean(all_parts: Sequence[Parts]) -> dict[str, float]:
    """The mean of each part; a reply that does not name it spent nothing in it."""
    names = dict.fromkeys(name for parts in all_parts for name in parts)
    return {name: sum(parts.get(name, 0.0) for parts in all_parts) / len(all_parts) for name in names}


def _compared(usual: Parts, slow: Parts, *, excess_ms: float) -> tuple[TailPart, ...]:
    names = dict.fromkeys((*usual, *slow))
    compared = [
        TailPart(
            name=name,
            is_server=name not in _SEEN,
            mean_ms=usual.get(name, 0.0),
            slow_mean_ms=slow.get(name, 0.0),
            excess_ratio=(slow.get(name, 0.0) - usual.get(name, 0.0)) / excess_ms if excess_ms > 0 else 0.0,
        )
        for name in names
    ]
    compared = [part for part in compared if part.mean_ms or part.slow_mean_ms]
    return tuple(sorted(compared, key=lambda part: part.slow_mean_ms - part.mean_ms, reverse=True)[:_MAX_PARTS])


def _worst(parts: Parts, usual: Parts) -> str:
    """The part that is longer than usual by most."""
    return max(parts, key=lambda name: parts[name] - usual.get(name, 0.0))


def _slow_request(row: TailRow, parts: Parts, usual: Parts, *, run_id: str) -> SlowRequest:
    worst = _worst(parts, usual)
    return SlowRequest(
        at_s=row.times.due_s,
        operation=row.operation,
        status=row.status,
        took_ms=_took_ms(row),
        part=worst,
        part_ms=parts[worst],
        trace_id=trace_context.trace_id_of(run_id, row.k) if run_id else "",
    )


def _stalls(slow: Sequence[TailRow], parts: Sequence[Parts], usual: Parts, *, median_ms: float) -> list[Stall]:
    """Slow requests whose times overlap are of one stall."""
    bound_ms = max(_STALL_MS, _STALL_FACTOR * median_ms)
    groups: list[list[tuple[TailRow, Parts]]] = []
    until_s = -math.inf
    for row, of_row in sorted(zip(slow, parts, strict=True), key=lambda pair: pair[0].times.due_s):
        if _took_ms(row) < bound_ms:
            continue
        if row.times.due_s > until_s:
            groups.append([])
        groups[-1].append((row, of_row))
        until_s = max(until_s, row.times.done_s)
    return [_stall(group, usual) for group in groups]


def _stall(pairs: Sequence[tuple[TailRow, Parts]], usual: Parts) -> Stall:
    group = [row for row, _ in pairs]
    mean = _mean([parts for _, parts in pairs])
    worst = _worst(mean, usual)
    excess_ms = sum(max(0.0, mean[name] - usual.get(name, 0.0)) for name in mean)
    at_s = group[0].times.due_s
    return Stall(
        at_s=at_s,
        length_ms=(max(row.times.done_s for row in group) - at_s) * 1000,
        requests=len(group),
        longest_ms=max(map(_took_ms, group)),
        part=worst,
        part_ratio=(mean[worst] - usual.get(worst, 0.0)) / excess_ms if excess_ms else 0.0,
    )


def _meanwhile(stall: Stall, watch: MachineWatch, t0_s: float) -> tuple[str, ...]:
    return watch.describe(t0_s + stall.at_s, t0_s + stall.at_s + stall.length_ms / 1000)
