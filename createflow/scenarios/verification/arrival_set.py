"""Sets of arrivals as one big integer, a byte for each arrival: unions and differences of a million cost nothing."""

from collections.abc import Iterable

_BYTE = 8


def marks(values: bytes | bytearray, chosen: Iterable[int]) -> int:
    """The arrivals whose value is one of the chosen."""
    wanted = frozenset(chosen)
    table = bytes(value in wanted for value in range(256))
    return int.from_bytes(values.translate(table), "little")


def how_many(marked: int) -> int:
    """The number of arrivals in the set."""
    return marked.bit_count()


def first(marked: int, most: int) -> list[int]:
    """The lowest arrivals of the set."""
    raw = marked.to_bytes(marked.bit_length() // _BYTE + 1, "little")
    found: list[int] = []
    place = raw.find(1)
    while place >= 0 and len(found) < most:
        found.append(place)
        place = raw.find(1, place + 1)
    return found
