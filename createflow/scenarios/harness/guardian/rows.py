"""What a load created, for its guardian: a row for each 201, in the batches in which the load processes tell them.

Compressed, since a load can create a million resources. Imports nothing that costs time.
"""

import json
import zlib
from collections.abc import Iterator, Sequence
from typing import Any

Row = tuple[int, str, str]
"""Number of the arrival, path of the Location, id of the body; see ``CreatedRow``."""


def is_row(told: object) -> bool:
    """Whether something that was told is a row."""
    return isinstance(told, list) and len(told) == 3 and [type(part) for part in told] == [int, str, str]


class Rows:
    """The rows that are told so far."""

    MOST_KEPT_BYTES = 64 * 1024 * 1024

    def __init__(self) -> None:
        self._batches: list[bytes] = []
        self._kept_bytes = 0
        self.count = 0
        self.tried = 0
        """So many, from the first, need no more work."""

    @property
    def remaining(self) -> int:
        """How many may still be there."""
        return self.count - self.tried

    def add(self, rows: Sequence[Any]) -> bool:
        """Keep a batch. False: there is no room for it, so what it names stays."""
        if self._kept_bytes > self.MOST_KEPT_BYTES:
            return False
        batch = zlib.compress(json.dumps(rows, separators=(",", ":")).encode(), 1)
        self._batches.append(batch)
        self._kept_bytes += len(batch)
        self.count += len(rows)
        return True

    def add_late(self, rows: Sequence[Any]) -> None:
        """Keep those of a batch that were not told before."""
        known = {k for batch in self.batches() for k, _, _ in batch}
        self.add([row for row in rows if row[0] not in known])

    def batches(self) -> Iterator[list[Row]]:
        """All rows, as they came."""
        for batch in self._batches:
            yield [(k, path, resource_id) for k, path, resource_id in json.loads(zlib.decompress(batch))]

    def to_try(self) -> Iterator[Row]:
        """Those that may still be there."""
        number = 0
        for batch in self.batches():
            for row in batch:
                number += 1
                if number > self.tried:
                    yield row
