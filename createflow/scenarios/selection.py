"""Choosing checks by the beginning of their id."""

import difflib
from collections.abc import Sequence

from createflow.scenarios.declare import Check
from createflow.schemas.error import UserError


def select(checks: Sequence[Check], prefixes: Sequence[str]) -> tuple[Check, ...]:
    """The checks whose id starts with one of the prefixes; all when there are none.

    Raises:
        UserError: a prefix that selects nothing, with the ids that look like it.
    """
    for prefix in prefixes:
        if not any(check.id.startswith(prefix) for check in checks):
            raise UserError(f"no check starts with {prefix!r}", hint=_hint(checks, prefix))
    return tuple(check for check in checks if not prefixes or check.id.startswith(tuple(prefixes)))


def _hint(checks: Sequence[Check], prefix: str) -> str:
    words = {check.id: check.id for check in checks} | {check.step.value: check.step.value for check in checks}
    words |= {check.id.partition(".")[2]: check.id for check in checks}
    near = [words[word] for word in difflib.get_close_matches(prefix, words, n=3, cutoff=0.5)]
    near += [check.id for check in checks if prefix in check.id and prefix]
    unique = list(dict.fromkeys(near))[:3]
    return f"did you mean {' or '.join(unique)}?" if unique else "createflow checks lists them all"
