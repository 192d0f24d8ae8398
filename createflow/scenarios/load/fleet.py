"""The parent's side of the nodes: start them together, listen to them, stop them, notice when one is lost."""

import asyncio
import contextlib
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections import deque
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import TypeVar

from createflow.scenarios.load.message import NodeConfig, NodeState, encode
from createflow.schemas.error import TargetError

_Stream = TypeVar("_Stream")
_MODULE = "createflow.scenarios.load.node"
_START_TIMEOUT_S = 30.0
_LINE_LIMIT_BYTES = 64 * 1024 * 1024
_GRACE_S = 2.0
_KEPT_LINES = 20


class Node:
    """One load process as the parent sees it."""

    def __init__(self, config: NodeConfig, process: Process) -> None:
        self._stdin = _piped(process.stdin)
        self._stdout = _piped(process.stdout)
        self._stderr = _piped(process.stderr)
        self.config = config
        self.state: NodeState | None = None
        """The latest message; cumulative, so an older one is never needed."""
        self.lost_s: float | None = None
        """When it went away without its final books, on the clock of ``time.monotonic``."""
        self.said: deque[str] = deque(maxlen=_KEPT_LINES)
        """The end of what it wrote to stderr."""
        self.ready = asyncio.Event()
        self.done = asyncio.Event()
        self.process = process

    @property
    def name(self) -> str:
        """For people."""
        return f"load worker {self.config.index + 1} of {self.config.of}"

    def tell(self, document: dict[str, object]) -> None:
        """Send a command; a node that is gone hears nothing, which ``listen`` finds out."""
        with contextlib.suppress(OSError):
            self._stdin.write(encode(document))

    def configure(self) -> None:
        """Tell it what to do."""
        self._stdin.write(self.config.encode())

    async def listen(self) -> None:
        """Take in messages until the node is done or gone."""
        while line := await self._stdout.readline():
            state = NodeState.decode(line)
            if self.state is None or state.seq > self.state.seq:
                self.state = state
            self.ready.set()
            if state.kind == "final":
                break
        else:
            self.lost_s = time.monotonic()
        self.ready.set()
        self.done.set()

    async def listen_to_errors(self) -> None:
        """Keep the end of its stderr, for when it is lost."""
        async for line in self._stderr:
            self.said.append(line.decode(errors="replace").rstrip())

    async def ended(self) -> None:
        """End the process: first by closing its pipe, then by force."""
        self._stdin.close()
        try:
            async with asyncio.timeout(_GRACE_S):
                await self.process.wait()
        except TimeoutError:
            self.process.kill()
            await self.process.wait()


class Fleet:
    """The nodes of one run."""

    def __init__(self, nodes: list[Node]) -> None:
        self.nodes = nodes

    async def ready(self) -> None:
        """Wait until every node could start.

        Raises:
            TargetError: one could not, which is our fault or this machine's.
        """
        async with asyncio.timeout(_START_TIMEOUT_S):
            for node in self.nodes:
                await node.ready.wait()
                if node.lost_s is not None:
                    said = node.said[-1] if node.said else "it said nothing"
                    raise TargetError(node.name, f"could not start: {said}", hint="this is not the target's fault")

    def start(self, epoch_s: float) -> None:
        """All at once: the wall clock is what several machines share."""
        for node in self.nodes:
            node.tell({"start": epoch_s})

    def stop(self) -> None:
        """Send nothing more, and wait for replies."""
        for node in self.nodes:
            node.tell({"stop": True})

    def kill(self) -> None:
        """Wait for nothing."""
        for node in self.nodes:
            if node.process.returncode is None:
                node.process.kill()

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


@asynccontextmanager
async def running_fleet(configs: Iterable[NodeConfig]) -> AsyncIterator[Fleet]:
    """Start a process for each configuration; none outlives this block, nor the parent if it is killed.

    The configuration goes through the node's stdin, which stays open: when it closes, the node ends.
    """
    nodes: list[Node] = []
    listeners: list[asyncio.Task[None]] = []
    try:
        for config in configs:
            node = Node(config, await _process())
            nodes.append(node)
            listeners += [asyncio.create_task(node.listen()), asyncio.create_task(node.listen_to_errors())]
            node.configure()
        yield Fleet(nodes)
    finally:
        for node in nodes:
            await node.ended()
        for listener in listeners:
            listener.cancel()
        await asyncio.gather(*listeners, return_exceptions=True)


async def _process() -> Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        _MODULE,
        stdin=PIPE,
        stdout=PIPE,
        stderr=PIPE,
        limit=_LINE_LIMIT_BYTES,
        start_new_session=True,  # Ctrl-C is for the parent, which lets the nodes drain
    )


def _piped(stream: "_Stream | None") -> "_Stream":
    """The stream of a process that was started with a pipe there."""
    if stream is None:
        raise RuntimeError("the load process was started without its pipes")
    return stream
