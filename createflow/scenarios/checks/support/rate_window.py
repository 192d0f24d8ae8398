"""How much more than promised was admitted, in the worst of all stretches of time."""

from bisect import insort
from collections.abc import Iterable


def worst_window(admissions: Iterable[tuple[float, float]], rate_per_s: float) -> tuple[int, float]:
    """The number admitted and the length in seconds of the stretch in which most went beyond the rate.

    An admission is known to lie between sending and answer only: it counts in a stretch that holds both, so that a
    slow machine never makes it look like more than it was.

    Args:
        admissions: when each admitted request was sent and when it was answered, in seconds.
        rate_per_s: what a stretch earns; what is beyond it must fit into the burst.
    """
    answered: list[float] = []
    most, worst = -1.0, (0, 0.0)
    for sent_s, answered_s in sorted(admissions, reverse=True):
        insort(answered, answered_s)
        for count, end_s in enumerate(answered, 1):
            beyond = count - (end_s - sent_s) * rate_per_s
            if beyond > most:
                most, worst = beyond, (count, end_s - sent_s)
    return worst
