"""Chance that can be repeated: what a check generates follows from the run's seed and the check's id alone."""

import random
from contextvars import ContextVar

_SEED_AND_CHECK: ContextVar[tuple[int, str]] = ContextVar("createflow_seed_and_check")


def cast(seed: int, check_id: str) -> None:
    """From here on, in this task, dice are this check's in a run with this seed."""
    _SEED_AND_CHECK.set((seed, check_id))


def dice() -> random.Random:
    """Fresh dice of the running check; the same seed throws the same.

    Not for names and keys of resources: those must be new each time, or a second run meets the first one's.

    Raises:
        LookupError: no check is running.
    """
    seed, check_id = _SEED_AND_CHECK.get()
    return random.Random(f"{seed}:{check_id}")  # noqa: S311 - nothing is kept secret by it
