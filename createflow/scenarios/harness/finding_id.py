"""Identifies findings across runs, by the text in them that does not change from run to run."""

import hashlib
import re

from createflow.schemas.report import Finding

_CHANGING_TEXT = (
    re.compile(r"(?<=\d )of \d+ [a-z ]+: .*", re.DOTALL),  # how many of the writes of a run differ, with examples
    re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)?"),
    re.compile(r"createflow-[0-9a-f]{8}-\d+"),  # subjects that a run mints for its checks
    re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE),
    re.compile(r"\b[a-z]?[0-9a-f]{8,}\b", re.IGNORECASE),  # nonces and request ids
    re.compile(r"\b\d+ of \d+ (?=exchanges)"),  # counts
    re.compile(r"\d+\.\d+"),  # measured seconds and the like
    re.compile(r"\d{4,}"),  # ports, counters; a status has three digits and stays
)
_QUOTED = re.compile(r"""'[^']*'|"(?:[^"\\]|\\.)*\"""")
_NUMBER = re.compile(r"\d+")


def fingerprint(check_id: str, finding: Finding) -> str:
    """Identifies the expectation that was not met, whatever was observed (SARIF): 16 hexadecimal digits."""
    return _digest(check_id, _constant_text(finding.expected))[:16]


def finding_id(check_id: str, finding: Finding) -> str:
    """Identifies the expectation and the observation: 8 hexadecimal digits. Reports call it ``replay_id``."""
    return _digest(check_id, _constant_text(finding.expected), _constant_text(finding.seen))[:8]


def _constant_text(text: str) -> str:
    for pattern in _CHANGING_TEXT:
        text = pattern.sub("#", text)
    # Numbers in quotes come from the target and may be counters; numbers outside, such as a status, are significant.
    return _QUOTED.sub(lambda quoted: _NUMBER.sub("#", quoted[0]), text)


def _digest(*parts: str) -> str:
    return hashlib.sha256("\x00".join(parts).encode("utf-8", "backslashreplace")).hexdigest()
