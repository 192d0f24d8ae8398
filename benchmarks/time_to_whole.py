"""How long it takes until a target is whole again after each way of ending a run or a bench.

``python benchmarks/time_to_whole.py [--times 3] [--rate 50]``

Each command is ended in the middle: a run while a fault is injected and five resources are there, a bench after three
seconds of ``--clean-up`` load. Whole means: the fault is healed, everything that was created is deleted, the tear-down
request was sent, and no process of the command lives. The target is a server of this script, on loopback.
"""

# ruff: noqa: INP001, T201 - a script, not a module of the package: it prints, and its assertions may end it
import argparse
import asyncio
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import psutil

LIMIT_S = 60.0
POLL_S = 0.02
ENDS = {
    "HUP": (signal.SIGHUP,),
    "TERM": (signal.SIGTERM,),
    "INT": (signal.SIGINT,),
    "two INT": (signal.SIGINT, signal.SIGINT),
    "KILL": (signal.SIGKILL,),
}
PROFILE = """
[target]
base_url = "{url}"
cleanup = true
timeout_s = 20
[faults.service_down]
inject = ["touch", "fault"]
heal = ["rm", "fault"]
[[teardown]]
method = "DELETE"
path = "/tenants/1"
"""
RUN = ("run", "--allow-commands", "--only", "service_router.service_down", "--only", "response.create_is_201")
BENCH = ("bench", "--duration", "10m", "--warmup", "0s", "--clean-up", "--no-verify")


class Target:
    """Creates and deletes. Creates hang from the fault on, so that a run cannot end by itself."""

    def __init__(self, folder: Path) -> None:
        self.fault = folder / "fault"
        self.there: set[str] = set()
        self.created = self.torn_down = 0
        self.ends = asyncio.Event()
        self._was_broken = False

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                lengths = [line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
                if lengths:
                    await reader.readexactly(int(lengths[0].split(b":")[1]))
                method, path = head.split()[:2]
                self._was_broken |= self.fault.exists()
                if method == b"POST" and self._was_broken:
                    await self.ends.wait()
                    return
                writer.write(self._answer(method, path.decode()))
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()

    def _answer(self, method: bytes, path: str) -> bytes:
        if method == b"DELETE":
            self.there.discard(path.rpartition("/")[2])
            self.torn_down += path == "/tenants/1"
            return b"HTTP/1.1 204 No Content\r\n\r\n"
        if method != b"POST":
            return b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"
        self.created += 1
        self.there.add(str(self.created))
        body = b'{"id": "%d", "name": "x"}' % self.created
        head = f"location: /api/resources/{self.created}\r\ncontent-length: {len(body)}\r\n\r\n"
        return b"HTTP/1.1 201 Created\r\ncontent-type: application/json\r\n" + head.encode() + body


async def main() -> None:
    """Measure every way, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--rate", type=int, default=50, help="creates a second of the bench")
    options = parser.parse_args()
    bench = (*BENCH, "--rate", str(options.rate))
    commands = {"run": RUN, "bench": bench, "bench, 2 workers": (*bench, "--workers", "2")}
    print(f"{'':<18}{'ended by':<10}{'median':>8}{'worst':>8}   resources")
    for name, command in commands.items():
        for end, numbers in ENDS.items():
            found = [await measure(command, numbers, enough=3 * options.rate) for _ in range(options.times)]
            times_s = [time_s for time_s, _ in found]
            most = max(count for _, count in found)
            print(
                f"{name:<18}{end:<10}{statistics.median(times_s):>6.1f} s{max(times_s):>6.1f} s{most:>12}", flush=True
            )


async def measure(command: tuple[str, ...], numbers: tuple[signal.Signals, ...], *, enough: int) -> tuple[float, int]:
    """Seconds from the last signal until the target is whole, and how many resources there were at the signal."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        target = Target(folder)
        server = await asyncio.start_server(target.serve, "127.0.0.1", 0)
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        (folder / "createflow.toml").write_text(PROFILE.replace("{url}", url), encoding="utf-8")
        process = await asyncio.to_thread(start, folder, command)
        is_run = command[0] == "run"
        await until(lambda: target.fault.exists() if is_run else target.created >= enough)
        count = len(target.there)
        for number in numbers:
            process.send_signal(number)
        start_s = time.monotonic()
        await until(lambda: not target.there and not target.fault.exists() and target.torn_down == 1)
        await until(lambda: process.poll() is not None and not processes_of(folder))
        time_s = time.monotonic() - start_s
        target.ends.set()
        server.close()
        await server.wait_closed()
        return time_s, count


def start(folder: Path, command: tuple[str, ...]) -> subprocess.Popen[bytes]:
    """The command, with a state folder of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "createflow", *command],
        cwd=folder,
        env={**os.environ, "XDG_STATE_HOME": str(folder)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


async def until(condition: Callable[[], bool]) -> None:
    """Look until it holds."""
    async with asyncio.timeout(LIMIT_S):
        while not condition():
            await asyncio.sleep(POLL_S)


def processes_of(folder: Path) -> list[psutil.Process]:
    """What lives with this state folder."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("XDG_STATE_HOME") == str(folder) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
    return found


if __name__ == "__main__":
    asyncio.run(main())
