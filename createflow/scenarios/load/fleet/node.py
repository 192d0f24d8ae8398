"""One load worker as the parent sees it."""

import asyncio
import time

from createflow.scenarios.load.fleet.worker_messages import Arrivals, KeptReplies
from createflow.scenarios.load.plan.messages import NodeState


class Node:
    """One load worker as the parent sees it, on this machine or another."""

    def __init__(self, index: int, node_count: int) -> None:
        self.index = index
        self.node_count = node_count
        self.host = ""
        """Empty for this machine."""
        self.state: NodeState | None = None
        """The latest message. Messages are cumulative, so older ones are not needed."""
        self.outcomes = Arrivals()
        """Of its arrivals; complete with its final message."""
        self.kept = KeptReplies()
        """Single replies, with the parts of their time; complete with its final message."""
        self.is_missing = False
        """It sends no heartbeat; it may come back."""
        self.lost_s: float | None = None
        """When it was lost before its final ledger, on ``time.monotonic``."""
        self.lost_reason = ""
        self.ready = asyncio.Event()
        self.done = asyncio.Event()

    @property
    def name(self) -> str:
        """The worker in messages to the user."""
        where = f" on {self.host}" if self.host else ""
        return f"load worker {self.index + 1} of {self.node_count}{where}"

    def update(self, state: NodeState) -> bool:
        """Take in a message. Returns False if it is older than the latest one."""
        if self.lost_s is not None or (self.state is not None and state.seq <= self.state.seq):
            return False
        self.outcomes.require_complete(state)
        self.state = state
        self.ready.set()
        if state.kind == "final":
            self.done.set()
        return True

    def mark_lost(self, reason: str) -> None:
        """Expect no more messages, unless the worker has finished already."""
        if not self.done.is_set():
            self.lost_s = time.monotonic()
            self.lost_reason = reason
            self.ready.set()
            self.done.set()
