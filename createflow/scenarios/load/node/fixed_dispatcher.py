"""Deals out the senders of a run once: Locust would move them about whenever a worker comes or goes."""

from typing import Any, ClassVar

from locust import User
from locust.dispatch import UsersDispatcher
from locust.runners import WorkerNode


class FixedSenders(UsersDispatcher):
    """Each worker has the same number from the first to the last.

    A sender that is taken from a worker in the middle of a request leaves a write whose outcome nobody knows, and one
    that is given to another sends nothing, as the schedule has been divided before.
    """

    per_worker: ClassVar[int] = 0

    def __init__(self, worker_nodes: list[WorkerNode], user_classes: list[type[User]]) -> None:
        super().__init__(worker_nodes, user_classes)
        self._workers = [worker.id for worker in worker_nodes]
        self._name = user_classes[0].__name__
        self._dealt = False

    @property
    def dispatch_in_progress(self) -> bool:
        """Dealing takes no time."""
        return False

    def new_dispatch(self, *_: Any, **__: Any) -> None:
        """Deal; Locust's numbers are not needed."""
        self._dealt = False

    def add_worker(self, worker_node: WorkerNode) -> None:
        """One that comes too late gets nothing."""

    def remove_worker(self, worker_node: WorkerNode) -> None:
        """What a lost one had goes to nobody."""

    def __next__(self) -> dict[str, dict[str, int]]:
        if self._dealt:
            raise StopIteration
        self._dealt = True
        return {worker: {self._name: self.per_worker} for worker in self._workers}
