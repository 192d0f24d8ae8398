"""The parent's side of the load nodes: start them, listen to them, stop them, notice when one is lost."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from createflow.scenarios.load.fleet.child_process import Child
from createflow.scenarios.load.plan.message import Document, NodeConfig, NodeState
from createflow.schemas.error import TargetError

LOOPBACK = "127.0.0.1"
_MODULES = "createflow.scenarios.load.node"
_START_TIMEOUT_S = 30.0
_JOIN_TIMEOUT_S = 120.0
_GRACE_S = 2.0


class Node:
    """One load node as the parent sees it, wherever it runs."""

    def __init__(self, index: int, of: int) -> None:
        self.index = index
        self.of = of
        self.host = ""
        self.state: NodeState | None = None
        """The latest message; cumulative, so an older one is never needed."""
        self.missing = False
        """Its heartbeat stays away; it may come again."""
        self.lost_s: float | None = None
        """When it went away without its final books, on the clock of ``time.monotonic``."""
        self.why_lost = ""
        self.ready = asyncio.Event()
        self.done = asyncio.Event()

    @property
    def name(self) -> str:
        """For people."""
        where = f" on {self.host}" if self.host else ""
        return f"load worker {self.index + 1} of {self.of}{where}"

    def hear(self, state: NodeState) -> bool:
        """Take a message in. Whether it told something new."""
        if self.state is not None and state.seq <= self.state.seq:
            return False
        self.state = state
        self.ready.set()
        if state.kind == "final":
            self.done.set()
        return True

    def lose(self, why: str) -> None:
        """Nothing more will come from it."""
        if not self.done.is_set():
            self.lost_s = time.monotonic()
            self.why_lost = why
            self.ready.set()
            self.done.set()


class Fleet:
    """The nodes of one run, behind one process: the only node itself, or the master of several."""

    def __init__(self, of: int, on_state: Callable[[NodeState], None]) -> None:
        self.nodes = [Node(index, of) for index in range(of)]
        self.late: list[str] = []
        """Hosts of workers that came when all places were taken."""
        self.address = ""
        """Where workers join."""
        self.web_url = ""
        self._on_state = on_state
        self._head: Child | None = None
        self._local: dict[int, Child] = {}
        self._joined = asyncio.Event()
        self._listening = asyncio.Event()
        self._web = asyncio.Event()
        self._index_of_pid: dict[int, int] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._ending = False

    async def open_alone(self) -> None:
        """Start the only node."""
        self._head = await Child.start(f"{_MODULES}.node")
        self._listen(self._head)

    async def open_master(self, host: str, port: int, *, web_port: int | None) -> None:
        """Start a master; it listens on ``address`` then."""
        self._head = await Child.start(f"{_MODULES}.master")
        self._listen(self._head)
        self._tell({"listen": {"host": host, "port": port, "expected": len(self.nodes)}})
        await self._within(_START_TIMEOUT_S, self._listening, "the load master did not start")
        if web_port is not None:
            self._tell({"web": web_port})
            await self._within(_START_TIMEOUT_S, self._web, "the web page did not open")

    async def add_local_workers(self) -> None:
        """Start all workers on this machine."""
        host, _, port = self.address.rpartition(":")
        for _ in self.nodes:
            child = await Child.start(f"{_MODULES}.worker")
            child.tell({"master": {"host": host, "port": int(port)}})
            self._local[child.pid] = child
            self._tasks.append(asyncio.create_task(self._watch_worker(child)))

    async def joined(self) -> None:
        """Wait until as many workers as there are nodes have joined."""
        await self._within(_JOIN_TIMEOUT_S, self._joined, "not all load workers joined")

    async def configure(self, configs: Sequence[NodeConfig]) -> None:
        """Tell each node what to do, and wait until all are ready."""
        self._tell({"configs": [config.to_document() for config in configs]})
        for node in self.nodes:
            await self._within(_START_TIMEOUT_S, node.ready, f"{node.name} did not get ready")
            if node.lost_s is not None:
                raise TargetError(node.name, node.why_lost, hint="this is not the target's fault")

    def start(self, epoch_s: float) -> None:
        """All at once: the wall clock is what several machines share."""
        self._tell({"start": epoch_s})

    def stop(self) -> None:
        """Send nothing more, and wait for replies."""
        self._tell({"stop": True})

    def renew(self, credentials: Sequence[tuple[str, str]]) -> None:
        """Go on with younger tokens."""
        self._tell({"renew": list(credentials)})

    def kill(self, why: str) -> None:
        """Wait for nothing."""
        for child in (self._head, *self._local.values()):
            if child is not None:
                child.kill()
        for node in self.nodes:
            node.lose(why)

    def give_up(self, nodes: Sequence[Node], why: str) -> None:
        """Wait for some no longer."""
        for node in nodes:
            node.lose(why)
            for pid, index in self._index_of_pid.items():
                if index == node.index and pid in self._local:
                    self._local[pid].kill()

    async def done(self) -> None:
        """Wait until every node has sent its final books or is gone."""
        for node in self.nodes:
            await node.done.wait()

    @property
    def lost(self) -> list[Node]:
        """Nodes that went away too early."""
        return [node for node in self.nodes if node.lost_s is not None]

    def states(self) -> list[NodeState]:
        """The latest of each node that has said anything."""
        return [node.state for node in self.nodes if node.state is not None]

    async def close(self) -> None:
        """End every process of this machine's; none outlives this call."""
        self._ending = True
        self._tell({"end": True})
        children = [child for child in (self._head, *self._local.values()) if child is not None]
        await asyncio.gather(*(child.ended(_GRACE_S) for child in children))
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _tell(self, command: Document) -> None:
        if self._head is not None:
            self._head.tell(command)

    def _listen(self, head: Child) -> None:
        self._tasks.append(asyncio.create_task(self._hear_all(head)))

    async def _hear_all(self, head: Child) -> None:
        async for said in head.messages():
            self._hear(said)
        for node in self.nodes:
            node.lose(head.last_words)
        self._listening.set()
        self._joined.set()
        self._web.set()

    def _hear(self, said: Document) -> None:
        if "state" in said:
            state = NodeState(**said["state"])
            if 0 <= state.index < len(self.nodes) and self.nodes[state.index].hear(state):
                self._on_state(state)
        elif "listening" in said:
            self.address = f"{LOOPBACK}:{said['listening']}"
            self._listening.set()
        elif "joined" in said:
            who = said["joined"]
            self.nodes[who["index"]].host = "" if who["pid"] in self._local else str(who["host"])
            self._index_of_pid[who["pid"]] = who["index"]
            if len(self._index_of_pid) == len(self.nodes):
                self._joined.set()
        elif "late" in said:
            self.late.append(str(said["late"]))
        elif "missing" in said:
            for node in self.nodes:
                node.missing = node.index in said["missing"]
        elif "web" in said:
            self.web_url = str(said["web"])
            self._web.set()

    async def _watch_worker(self, child: Child) -> None:
        async for _ in child.messages():
            pass
        index = self._index_of_pid.get(child.pid)
        if self._ending:
            return
        for node in self.nodes if index is None else [self.nodes[index]]:
            node.lose(child.last_words)
        self._joined.set()

    async def _within(self, limit_s: float, event: asyncio.Event, trouble: str) -> None:
        try:
            async with asyncio.timeout(limit_s):
                await event.wait()
        except TimeoutError:
            raise TargetError("the load generator", trouble, hint="this is not the target's fault") from None
        lost = [node for node in self.nodes if node.lost_s is not None]
        if lost and event is not lost[0].ready:
            raise TargetError("the load generator", f"{trouble}: {lost[0].why_lost}")


@asynccontextmanager
async def running_fleet(
    of: int,
    on_state: Callable[[NodeState], None],
    *,
    master: tuple[str, int] | None = None,
    web_port: int | None = None,
    tell: Callable[[str], None] = lambda _: None,
) -> AsyncIterator[Fleet]:
    """Nodes that wait for their configuration; none of this machine's outlives this block, nor the parent if killed.

    Args:
        of: how many.
        on_state: told every new message of a node.
        master: where workers of other machines join; ``None`` starts all of them here.
        web_port: where Locust's web page is shown.
        tell: told in words what is waited for, and where the web page is.

    Raises:
        TargetError: a process could not start, or workers did not join in time.
    """
    fleet = Fleet(of, on_state)
    try:
        if of == 1 and master is None and web_port is None:
            await fleet.open_alone()
        else:
            host, port = master or (LOOPBACK, 0)
            await fleet.open_master(host, port, web_port=web_port)
            if fleet.web_url:
                tell(f"Locust's page: {fleet.web_url}")
            if master is None:
                await fleet.add_local_workers()
            else:
                port = int(fleet.address.rpartition(":")[2])
                tell(f"waiting for {of} load workers: createflow bench --worker {host}:{port}")
            await fleet.joined()
        yield fleet
    finally:
        await fleet.close()
