"""Several requests, or answers, as one message: a line that says the place and size of each, then all of them.

A message has a price of its own in the sender, the broker and the receiver, about as high as the work of a create.
"""

from collections.abc import Iterable, Iterator, Sequence

import orjson

Part = tuple[int, bytes]
"""The place of a request among those that travel together, and its content or its answer's."""

PARTS_MAX = 64
BYTES_MAX = 512 * 1024
"""Half of what the broker accepts: one part may be added before it is noticed."""


def join(parts: Sequence[Part]) -> bytes:
    """One message of all parts."""
    sizes = orjson.dumps([(place, len(content)) for place, content in parts])
    return b"\n".join([sizes, b"".join([content for _, content in parts])])


def split(message: bytes) -> list[Part]:
    """The parts of a message.

    Raises:
        ValueError: it is not one.
    """
    sizes, _, contents = message.partition(b"\n")
    parts: list[Part] = []
    begin = 0
    for place, size in orjson.loads(sizes):
        parts.append((place, contents[begin : begin + size]))
        begin += size
    if begin != len(contents):
        raise ValueError("sizes and contents differ")
    return parts


def portions(parts: Iterable[Part]) -> Iterator[list[Part]]:
    """The parts in handfuls that a message has room for."""
    portion: list[Part] = []
    size = 0
    for part in parts:
        if portion and (len(portion) == PARTS_MAX or size + len(part[1]) > BYTES_MAX):
            yield portion
            portion, size = [], 0
        portion.append(part)
        size += len(part[1])
    if portion:
        yield portion
