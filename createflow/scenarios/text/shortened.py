"""Lists that are shown in part: how many more there are is always said."""

from collections.abc import Sequence


def first_of(items: Sequence[str], most: int) -> list[str]:
    """The first items; behind them, where there are more, how many."""
    more = len(items) - most
    return [*items[:most], f"and {more} more"] if more > 0 else [*items]


def listed(items: Sequence[str], most: int) -> str:
    """The first items in one line: ``a, b and 3 more``."""
    more = len(items) - most
    return f"{', '.join(items[:most])} and {more} more" if more > 0 else ", ".join(items)
