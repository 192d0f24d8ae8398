"""What no deviation among so many says."""

_CONFIDENCE = 0.95


def power(count: int, what: str) -> str:
    """How rare a defect would still have been seen, as text.

    The highest rate at which so many in a row are still right with a probability of 5 %: ``1 - 0.05 ** (1 / count)``,
    which the rule of three puts at ``3 / count``.

    Args:
        count: how many were compared, at least one.
        what: they are, in the plural.
    """
    most = 100 * (1 - (1 - _CONFIDENCE) ** (1 / count))
    return f"0 of {count:,} {what} differ: below {most:.2g} % with 95 % confidence"
