"""The load workers of one run: start them, receive their messages, stop them, and notice when one is lost."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

from createflow.scenarios.load.fleet.child_process import MASTER_MODULE, WORKER_MODULE, ChildProcess
from createflow.scenarios.load.fleet.node import Node
from createflow.scenarios.load.fleet.worker_messages import count_arrivals, created_rows, node_state
from createflow.scenarios.load.plan.created import CreatedLog, CreatedRow
from createflow.scenarios.load.plan.messages import Document, MessageRefused, NodeConfig, NodeState, decode
from createflow.schemas.error import TargetError

LOOPBACK = "127.0.0.1"
_START_TIMEOUT_S = 30.0
_JOIN_TIMEOUT_S = 120.0
_GRACE_S = 2.0
_NOT_THE_TARGET = "the load generator failed, not the target"


class Fleet:
    """The workers of one run behind one head process: the only worker itself, or the master of several.

    Args:
        node_count: number of workers.
        on_state: called with every new message of a worker.
        on_created: called with what a worker created.
        late_pipes: open files, one for each worker of this machine, for what it tells after its parent is gone.
    """

    def __init__(
        self,
        node_count: int,
        on_state: Callable[[NodeState], None],
        on_created: Callable[[Sequence[CreatedRow]], None] = lambda _: None,
        late_pipes: Sequence[int] = (),
    ) -> None:
        self.nodes = [Node(index, node_count) for index in range(node_count)]
        self.rejected_hosts: list[str] = []
        """Hosts of workers that joined when there were enough already."""
        self.address = ""
        """Where workers join the master."""
        self.web_url = ""
        self.created = CreatedLog()
        """What the workers have created, if the clean-up needs it."""
        self.to_read = CreatedLog()
        """What they have created of the sample that is read after the load."""
        self._started_s: float | None = None
        self._on_state = on_state
        self._on_created = on_created
        self._late_pipes = late_pipes
        self._head: ChildProcess | None = None
        self._local: dict[int, ChildProcess] = {}
        self._joined = asyncio.Event()
        self._listening = asyncio.Event()
        self._web = asyncio.Event()
        self._index_of_pid: dict[int, int] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._ending = False

    async def start_alone(self) -> None:
        """Start the only worker."""
        self._head = await ChildProcess.start(WORKER_MODULE, *self._late_pipes)
        self._listen_to(self._head)

    async def start_master(self, host: str, port: int, *, web_port: int | None) -> None:
        """Start a master and wait until it listens on ``address``."""
        self._head = await ChildProcess.start(MASTER_MODULE)
        self._listen_to(self._head)
        self._send({"listen": {"host": host, "port": port, "expected": len(self.nodes)}})
        await self._wait_for(self._listening, _START_TIMEOUT_S, "the load master did not start")
        if web_port is not None:
            self._send({"web": web_port})
            await self._wait_for(self._web, _START_TIMEOUT_S, "the web page did not open")

    async def start_local_workers(self) -> None:
        """Start all workers on this machine."""
        host, _, port = self.address.rpartition(":")
        for node in self.nodes:
            child = await ChildProcess.start(WORKER_MODULE, *self._late_pipes[node.index : node.index + 1])
            child.send({"master": {"host": host, "port": int(port)}})
            self._local[child.pid] = child
            self._tasks.append(asyncio.create_task(self._watch_worker(child)))

    async def wait_joined(self) -> None:
        """Wait until all workers have joined the master."""
        await self._wait_for(self._joined, _JOIN_TIMEOUT_S, "not all load workers joined")

    async def configure(self, configs: Sequence[NodeConfig]) -> None:
        """Configure the workers, and wait until all are ready.

        Raises:
            TargetError: a worker was lost, or did not get ready in time.
        """
        for node, config in zip(self.nodes, configs, strict=True):
            node.outcomes.limit = count_arrivals(config)
        self._send({"configs": [config.to_document() for config in configs]})
        for node in self.nodes:
            await self._wait_for(node.ready, _START_TIMEOUT_S, f"{node.name} did not get ready")
            if node.lost_s is not None:
                raise TargetError(node.name, node.lost_reason, hint=_NOT_THE_TARGET)

    def start(self, epoch_s: float) -> None:
        """Start all workers at this time on the wall clock, which several machines share."""
        self._started_s = time.monotonic()
        self._send({"start": epoch_s})

    def stop(self, drain_s: float | None = None) -> None:
        """Send no more requests, and wait for replies; if ``drain_s`` is given, no longer than that."""
        self._send({"stop": True} if drain_s is None else {"stop": True, "drain_s": drain_s})

    def set_credentials(self, credentials: Sequence[tuple[str, ...]]) -> None:
        """Use renewed tokens from now on."""
        self._send({"credentials": list(credentials)})

    def kill(self, reason: str) -> None:
        """End all workers at once, without waiting for replies. They still tell what they created."""
        for child in (self._head, *self._local.values()):
            if child is not None:
                child.end()
        for node in self.nodes:
            node.mark_lost(reason)

    def give_up(self, nodes: Sequence[Node], reason: str) -> None:
        """Stop waiting for these workers."""
        for node in nodes:
            node.mark_lost(reason)
            for pid, index in self._index_of_pid.items():
                if index == node.index and pid in self._local:
                    self._local[pid].kill()

    async def wait_done(self) -> None:
        """Wait until every worker has sent its final ledger or is lost."""
        for node in self.nodes:
            await node.done.wait()

    @property
    def lost(self) -> list[Node]:
        """Workers that were lost before their final ledger."""
        return [node for node in self.nodes if node.lost_s is not None]

    def states(self) -> list[NodeState]:
        """The latest message of each worker that has sent one."""
        return [node.state for node in self.nodes if node.state is not None]

    async def close(self) -> None:
        """End every load process of this machine."""
        self._ending = True
        children = [child for child in (self._head, *self._local.values()) if child is not None]
        if all(node.done.is_set() and node.lost_s is None for node in self.nodes):
            for child in children:
                child.send({"end": True})
        await asyncio.gather(*(child.stop(_GRACE_S) for child in children))
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _send(self, command: Document) -> None:
        if self._head is not None:
            self._head.send(command)

    def _listen_to(self, head: ChildProcess) -> None:
        self._tasks.append(asyncio.create_task(self._receive_all(head)))

    async def _receive_all(self, head: ChildProcess) -> None:
        reason = ""
        try:
            async for message in head.messages():
                self._handle(message)
        except MessageRefused as refusal:
            reason = f"it sent {refusal}"
            head.kill()
        for node in self.nodes:
            node.mark_lost(reason or head.exit_reason)
        self._listening.set()
        self._joined.set()
        self._web.set()

    def _handle(self, message: Document) -> None:
        if "from" in message:
            self._handle_worker(self.nodes[message["from"]], message)
        elif "index" in message:
            self._receive(self.nodes[0], message)
        elif "listening" in message:
            self.address = f"{LOOPBACK}:{message['listening']}"
            self._listening.set()
        elif "joined" in message:
            worker = message["joined"]
            self.nodes[worker["index"]].host = "" if worker["pid"] in self._local else str(worker["host"])
            self._index_of_pid[worker["pid"]] = worker["index"]
            if len(self._index_of_pid) == len(self.nodes):
                self._joined.set()
        elif "rejected" in message:
            self.rejected_hosts.append(str(message["rejected"]))
        elif "missing" in message:
            for node in self.nodes:
                node.is_missing = node.index in message["missing"]
        elif "web" in message:
            self.web_url = str(message["web"])
            self._web.set()

    def _handle_worker(self, node: Node, message: Document) -> None:
        """A message that the master passes on. One that is not valid costs only the worker that sent it."""
        try:
            if "refused" in message:
                raise MessageRefused(str(message["refused"]))  # noqa: TRY301 - one place for all refusals
            self._receive(node, decode(str(message["text"]).encode()))
        except MessageRefused as refusal:
            node.mark_lost(f"it sent {refusal}")

    def _receive(self, node: Node, message: Document) -> None:
        """Take in what a worker says about its part of the run.

        Raises:
            MessageRefused: it is not valid.
        """
        if message.get("index") != node.index:
            raise MessageRefused("a message in the name of another worker")
        if "state" in message:
            now_s = 0.0 if self._started_s is None else time.monotonic() - self._started_s
            state = node_state(message["state"], node.index, now_s=now_s)
            if node.update(state):
                self._on_state(state)
        elif "created" in message:
            rows, beyond = created_rows(message)
            if message.get("late"):
                known = {row.k for row in self.created}
                rows = [row for row in rows if row.k not in known]
            self.created.add(rows, beyond=beyond)
            self._on_created(rows)
        elif "read_back" in message:
            rows, beyond = created_rows(message, "read_back")
            self.to_read.add(rows, beyond=beyond)
        elif "outcomes" in message:
            node.outcomes.add(message["outcomes"])
        elif "tail" in message:
            node.kept.add(message["tail"])
        else:
            raise MessageRefused("a message of no known kind")

    async def _watch_worker(self, child: ChildProcess) -> None:
        async for message in child.messages():
            if "late" in message and (index := self._index_of_pid.get(child.pid)) is not None:
                self._handle_worker(self.nodes[index], {"text": json.dumps(message)})
        index = self._index_of_pid.get(child.pid)
        if self._ending:
            return
        for node in self.nodes if index is None else [self.nodes[index]]:
            node.mark_lost(child.exit_reason)
        self._joined.set()

    async def _wait_for(self, event: asyncio.Event, timeout_s: float, problem: str) -> None:
        try:
            async with asyncio.timeout(timeout_s):
                await event.wait()
        except TimeoutError:
            raise TargetError("the load generator", problem, hint=_NOT_THE_TARGET) from None
        lost = [node for node in self.nodes if node.lost_s is not None]
        if lost and event is not lost[0].ready:
            raise TargetError("the load generator", f"{problem}: {lost[0].lost_reason}")


@asynccontextmanager
async def open_fleet(
    node_count: int,
    on_state: Callable[[NodeState], None],
    *,
    master: tuple[str, int] | None = None,
    web_port: int | None = None,
    on_message: Callable[[str], None] = lambda _: None,
    on_created: Callable[[Sequence[CreatedRow]], None] = lambda _: None,
    late_pipes: Sequence[int] = (),
) -> AsyncIterator[Fleet]:
    """Start workers that wait for their configuration. None on this machine outlives the block or a killed parent.

    Args:
        node_count: number of workers.
        on_state: called with every new message of a worker.
        master: address where workers of other machines join. None: start all workers here.
        web_port: port of Locust's web page. None: no web page.
        on_message: called with messages for the user: what is waited for, and where the web page is.
        on_created: called with what a worker created.
        late_pipes: open files, one for each worker of this machine.

    Raises:
        TargetError: a process could not start, or workers did not join in time.
    """
    fleet = Fleet(node_count, on_state, on_created, late_pipes)
    try:
        if node_count == 1 and master is None and web_port is None:
            await fleet.start_alone()
        else:
            host, port = master or (LOOPBACK, 0)
            await fleet.start_master(host, port, web_port=web_port)
            if fleet.web_url:
                on_message(f"Locust's web page: {fleet.web_url}")
            if master is None:
                await fleet.start_local_workers()
            else:
                port = int(fleet.address.rpartition(":")[2])
                on_message(f"waiting for {node_count} load workers: createflow bench --worker {host}:{port}")
            await fleet.wait_joined()
        yield fleet
    finally:
        await fleet.close()
