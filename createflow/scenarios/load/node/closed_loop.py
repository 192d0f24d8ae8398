"""A closed model: each sender is a client that asks again as soon as it was answered.

It shows how much so many clients get through, and nothing of how long a user waits: a target that stalls is asked less,
so that few of its slow replies are ever measured (coordinated omission, Gil Tene, "How NOT to Measure Latency", 2013).
"""

from collections.abc import Iterator
from itertools import count

from createflow.scenarios.load.accounting.recorder import Recorder
from createflow.scenarios.load.node.dispatch import Dispatch
from createflow.scenarios.load.plan.message import NodeConfig
from createflow.scenarios.load.plan.mix import in_pattern
from createflow.scenarios.load.plan.schedule import Arrival


class ClosedLoop(Dispatch):
    """An arrival is due when a client is free to send it, from the start of the run to its end."""

    def __init__(self, config: NodeConfig, recorder: Recorder) -> None:
        super().__init__(recorder)
        self._arrivals = in_pattern(self._turns(config.index, config.of), config.pattern)
        self._end_s = config.schedule.duration_s
        self._running = False

    def start(self, t0: float) -> None:
        """Wake all clients at ``t0``."""
        self._t0 = t0
        self._at(0.0, self._begin)

    def next_arrival(self) -> Arrival | None:
        """At once, until the end."""
        return self._turn() if self._running else self._wait()

    def _begin(self) -> None:
        self._running = True
        clients, self._idle = self._idle, []
        for client in clients:
            client.switch(self._turn())
        self._at(self._end_s, self._end)

    def _end(self) -> None:
        self._running = False
        super()._end()

    def _turn(self) -> Arrival:
        arrival = next(self._arrivals)
        self._recorder.due(arrival, arrival.due_s)
        return arrival

    def _turns(self, index: int, of: int) -> Iterator[Arrival]:
        for number in count():
            yield Arrival(index + number * of, self.now_s())
