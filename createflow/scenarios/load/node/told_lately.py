"""The messages of the last seconds, kept to be told again: whoever should have read them may have been killed."""

import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence

from createflow.scenarios.load.plan.messages import Document


class ToldLately:
    """What was told within a time.

    Args:
        kept_s: how long a message is kept.
        now_s: the clock.
    """

    def __init__(self, kept_s: float, now_s: Callable[[], float] = time.monotonic) -> None:
        self._kept_s = kept_s
        self._now_s = now_s
        self._told: deque[tuple[float, Document]] = deque()

    def keep(self, documents: Sequence[Document]) -> Sequence[Document]:
        """Keep messages before the first of them is sent: a send that fails loses none of them then."""
        now_s = self._now_s()
        while self._told and self._told[0][0] < now_s - self._kept_s:
            self._told.popleft()
        self._told.extend((now_s, document) for document in documents)
        return documents

    def drain(self, take_new: Callable[[], Sequence[Document]]) -> Iterator[Document]:
        """All kept messages, and then what is new. More may be kept between two of them, and comes too."""
        while True:
            if not self._told:
                self.keep(take_new())
            if not self._told:
                return
            yield self._told.popleft()[1]
