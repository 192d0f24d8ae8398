"""The page of levels: each check, its level, and who demands it.

``python -m createflow.scenarios.conformance.demands.page docs/levels.md`` writes it.
"""

import sys
from pathlib import Path

from createflow.scenarios.conformance.catalogue import CATALOGUE
from createflow.scenarios.conformance.demands.by_check import DEMANDS
from createflow.scenarios.conformance.demands.standards import STANDARDS
from createflow.scenarios.harness.check import Check
from createflow.schemas.report import Level

_HEAD = """# Levels

A check fails at *must* level only where a standard says MUST (or MUST NOT, REQUIRED) or where the [profile](profile.md)
declares the promise by a key. Everything else is a *should*. Some parts of a check can be weaker than the rest of it:
such a failure has the level *should* in the report. `promises.contract = true` declares the whole of [the
contract](contract.md); the profile that `createflow up` writes has it, and by-URL runs do not.

Where a standard says that a token MUST be rejected, that the status is 401 is only a SHOULD there (RFC 6750 §3.1,
RFC 9110 §11.4). The profile makes it a must: `target.errors.statuses` has the statuses of refusals, 401 unless it says
otherwise.

This page is generated: `python -m createflow.scenarios.conformance.demands.page docs/levels.md`.

| check | level | demanded by | only a should |
|---|---|---|---|
"""
_WORDS = """
## The words

What the standards say, shortened. `standards.py` says with what text each was compared, and when.

| section | words |
|---|---|
"""


def page() -> str:
    """The page as Markdown."""
    rows = [
        f"| `{check.id}` | {_level(check)} | {_demanded(check)} | {DEMANDS[check.id].lesser} |" for check in CATALOGUE
    ]
    words = [f"| {section} | {text} |" for section, text in STANDARDS.items()]
    return _HEAD + "\n".join(rows) + "\n" + _WORDS + "\n".join(words) + "\n"


def demands_of(check_id: str) -> list[str]:
    """The sections and keys that demand what a check fails on."""
    return [part.strip() for part in DEMANDS[check_id].must.split(";") if part.strip()]


def _level(check: Check) -> str:
    if check.must_with is not None and check.level is not Level.MUST:
        return f"{check.level.value}; must with `{check.must_with.value}`"
    return check.level.value


def _demanded(check: Check) -> str:
    return "; ".join(part if part in STANDARDS else f"`{part}`" for part in demands_of(check.id))


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(page(), encoding="utf-8")
