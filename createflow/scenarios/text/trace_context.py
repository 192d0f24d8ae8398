"""The ``traceparent`` header (W3C Trace Context §3.2): each request begins a trace that the target can go on with.

A run asks to be recorded (the flag 01), since somebody will look for its failures. A load does not (00): where each
request of a load is recorded, the recording is measured too. The target's logs have its ids all the same.
"""

import secrets

HEADER = "traceparent"
_VERSION = "00"
_RECORDED, _NOT_RECORDED = "01", "00"
_SPREAD = 0x9E3779B97F4A7C15F39CC061
"""Odd, so that no two arrivals get the same number, nor one whose last 16 digits are all zero. Samplers look at the
last digits of a trace id, and expect any."""
_NUMBER_MASK = 2**96 - 1
_PARENT_MASK = 2**64 - 1


def new_traceparent() -> str:
    """A header value with a trace id that nobody else has."""
    return f"{_VERSION}-{secrets.token_hex(16)}-{secrets.token_hex(8)}-{_RECORDED}"


def trace_id_in(traceparent: str) -> str:
    """The trace id in a header value; empty if it is none."""
    parts = traceparent.strip().split("-")
    return parts[1] if len(parts) >= 4 and len(parts[1]) == 32 else ""


def template_of(run_id: str) -> str:
    """The header value of an arrival, to be filled with its ``trace_numbers``."""
    return f"{_VERSION}-{_run_part(run_id)}%024x-%016x-{_NOT_RECORDED}"


def trace_numbers(k: int) -> tuple[int, int]:
    """What fills the template for the arrival with this number."""
    number = (k + 1) * _SPREAD & _NUMBER_MASK
    return number, number & _PARENT_MASK


def trace_id_of(run_id: str, k: int) -> str:
    """The trace id of an arrival of a load."""
    return trace_id_in(template_of(run_id) % trace_numbers(k))


def _run_part(run_id: str) -> str:
    """Eight hexadecimal digits: the run id, as runs have it."""
    is_hex = len(run_id) == 8 and all(digit in "0123456789abcdef" for digit in run_id)
    return run_id if is_hex else run_id.encode().hex()[:8].ljust(8, "0")
