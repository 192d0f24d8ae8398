"""The ``Server-Timing`` field of a reply: how long each part of the server's work took (W3C Server Timing §3)."""

import re
from itertools import takewhile

MAX_METRICS = 64
"""More parts of one reply are left out."""
MAX_NAME_CHARACTERS = 64
_MAX_FIELD_BYTES = 8 * 1024
_MAX_MS = 3_600_000.0
_LINES = re.compile(rb"(?i)\r\nserver-timing:([^\r\n]*)")
_PIECES = re.compile(r'"(?:[^"\\]|\\.)*"?|[,;=]|[^,;="]+')
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_DURATION = re.compile(r"\d{1,9}(?:\.\d{1,9})?(?:[eE][+-]?\d)?")


def server_timing_in(head: bytes) -> dict[str, float]:
    """The durations in the head of a reply, in milliseconds, by name.

    A name that comes twice has the sum. A metric without a duration, as some caches send, is left out, and so is what
    is no metric: the field comes from the target.
    """
    found: dict[str, float] = {}
    for line in _LINES.findall(head.partition(b"\r\n\r\n")[0]):
        for name, ms in _metrics(line[:_MAX_FIELD_BYTES].decode("latin-1")):
            if name in found or len(found) < MAX_METRICS:
                found[name] = found.get(name, 0.0) + ms
    return found


def _metrics(text: str) -> list[tuple[str, float]]:
    metrics: list[tuple[str, float]] = []
    metric: list[str] = []
    for piece in (*_PIECES.findall(text), ","):
        if piece != ",":
            metric.append(piece)
            continue
        name, ms = "".join(metric[:1]).strip(), _duration(metric[1:])
        if ms is not None and len(name) <= MAX_NAME_CHARACTERS and _TOKEN.fullmatch(name):
            metrics.append((name, ms))
        metric = []
    return metrics


def _duration(pieces: list[str]) -> float | None:
    """The first ``dur`` of the parameters."""
    for at, piece in enumerate(pieces):
        if piece.strip().lower() == "dur" and pieces[at - 1 : at] == [";"] and pieces[at + 1 : at + 2] == ["="]:
            value = "".join(takewhile(lambda part: part != ";", pieces[at + 2 :])).strip().strip('"')
            ms = float(value) if _DURATION.fullmatch(value) else _MAX_MS + 1
            return ms if ms <= _MAX_MS else None
    return None
