"""Choosing checks by the beginning of their id."""

import difflib
from collections.abc import Sequence

from createflow.scenarios.harness.check import Check
from createflow.schemas.error import UserError


def select(checks: Sequence[Check], only: Sequence[str], skip: Sequence[str] = ()) -> tuple[Check, ...]:
    """The checks whose id starts with one of ``only`` (all when there are none) and with none of ``skip``.

    Raises:
        UserError: a prefix that no check starts with, with the ids that look like it; or nothing is left.
    """
    for prefix in (*only, *skip):
        if not any(check.id.startswith(prefix) for check in checks):
            raise UserError(f"no check starts with {prefix!r}", hint=near(checks, prefix))
    wanted = [check for check in checks if not only or check.id.startswith(tuple(only))]
    left = tuple(check for check in wanted if not check.id.startswith(tuple(skip)))
    if not left:
        raise UserError("every check that was chosen is skipped", hint="leave out a --skip")
    return left


def near(checks: Sequence[Check], word: str) -> str:
    """A hint with the ids that look like the word."""
    words = {check.id: check.id for check in checks} | {check.step.value: check.step.value for check in checks}
    words |= {check.id.partition(".")[2]: check.id for check in checks}
    found = [words[match] for match in difflib.get_close_matches(word, words, n=3, cutoff=0.5)]
    found += [check.id for check in checks if word in check.id and word]
    unique = list(dict.fromkeys(found))[:3]
    return f"did you mean {' or '.join(unique)}?" if unique else "createflow checks lists them all"
