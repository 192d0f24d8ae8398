"""What a load created, as its 201 replies say: sent by the workers as it comes, kept by the parent for the clean-up.

Only what stands here is deleted after a load. A worker holds what it created in the last second, and the parent keeps
all of it compressed, so a million resources need some 30 MB. Both have a bound: what is beyond it is counted, and stays
on the target.
"""

import json
import zlib
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from createflow.scenarios.load.plan.messages import Document

_MAX_PENDING_CHARACTERS = 16 * 1024 * 1024
_PER_MESSAGE = 2_000
_MAX_KEPT_BYTES = 64 * 1024 * 1024
_STEP_BYTES = 64 * 1024


class CreatedRow(NamedTuple):
    """One resource, as the 201 to its create names it."""

    k: int
    """The arrival that created it."""
    path: str
    """Path and query of the Location on the target; empty if there is none that can be used."""
    id: str
    """The id in the body; empty if there is none that can be used."""


class CreatedSince:
    """What a worker created since its last message."""

    def __init__(self) -> None:
        self._rows: list[CreatedRow] = []
        self._characters = 0
        self._beyond = 0

    def add(self, k: int, path: str, resource_id: str) -> None:
        """Keep one resource, if the reply names it."""
        self._characters += len(path) + len(resource_id)
        if self._characters > _MAX_PENDING_CHARACTERS or not (path or resource_id):
            self._beyond += 1
        else:
            self._rows.append(CreatedRow(k, path, resource_id))

    def to_documents(self, key: str = "created") -> Iterator[Document]:
        """As messages of a bounded size, with the rows under this key."""
        for start in range(0, len(self._rows), _PER_MESSAGE):
            yield {key: [list(row) for row in self._rows[start : start + _PER_MESSAGE]], "beyond": 0}
        if self._beyond:
            yield {key: [], "beyond": self._beyond}


class CreatedLog:
    """All that the workers of a load created."""

    def __init__(self) -> None:
        self._compressor = zlib.compressobj(1)
        self._parts: list[bytes] = []
        self._kept_bytes = 0
        self.count = 0
        """Resources that can be deleted."""
        self.beyond = 0
        """Resources that stay: the reply did not name them, or they were more than can be kept."""

    def add(self, rows: Iterable[CreatedRow], *, beyond: int = 0) -> None:
        """Add what a worker sent."""
        self.beyond += beyond
        for row in rows:
            if self._kept_bytes > _MAX_KEPT_BYTES:
                self.beyond += 1
                continue
            part = self._compressor.compress(json.dumps(row, separators=(",", ":")).encode() + b"\n")
            self.count += 1
            if part:
                self._parts.append(part)
                self._kept_bytes += len(part)

    def __iter__(self) -> Iterator[CreatedRow]:
        """All rows, in the order in which they came."""
        decompressor, line = zlib.decompressobj(), b""
        for part in (*self._parts, self._compressor.copy().flush()):
            rest = part
            while rest:
                lines = (line + decompressor.decompress(rest, _STEP_BYTES)).split(b"\n")
                rest, line = decompressor.unconsumed_tail, lines.pop()
                yield from (CreatedRow(*json.loads(whole)) for whole in lines)
        yield from (CreatedRow(*json.loads(whole)) for whole in (line + decompressor.flush()).splitlines())
