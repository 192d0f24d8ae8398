"""When two findings are the same one: in all that does not change from run to run."""

import hashlib
import re

from createflow.schemas.report import Finding

_CHANGING = (
    re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:?\d\d)?"),
    re.compile(r"createflow-[0-9a-f]{8}-\d+"),  # the subjects that a run makes for its checks
    re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE),
    re.compile(r"\b[a-z]?[0-9a-f]{8,}\b", re.IGNORECASE),  # nonces and request ids
    re.compile(r"\d+\.\d+"),  # measured seconds and the like
    re.compile(r"\d{4,}"),  # ports, counters; a status has three digits and stays
)
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")
_NUMBER = re.compile(r"\d+")


def facet(check_id: str, finding: Finding) -> str:
    """Which promise of the check is broken, whatever was seen instead: 16 hexadecimal digits."""
    return _digest(check_id, _lasting(finding.expected))[:16]


def replay_id(check_id: str, finding: Finding) -> str:
    """The promise and what was seen instead: 8 hexadecimal digits."""
    return _digest(check_id, _lasting(finding.expected), _lasting(finding.seen))[:8]


def _lasting(text: str) -> str:
    for pattern in _CHANGING:
        text = pattern.sub("#", text)
    # What a target says in quotes may count; what we say outside of them, a status for example, may not change.
    return _QUOTED.sub(lambda quoted: _NUMBER.sub("#", quoted[0]), text)


def _digest(*parts: str) -> str:
    return hashlib.sha256("\x00".join(parts).encode("utf-8", "backslashreplace")).hexdigest()
