"""Thousands of slow and hostile connections beside 50 creates a second: what honest clients notice.

``python benchmarks/slow_clients.py [--connections 5000] [--seconds 20] [--per-s 500] [--kinds slow_head,idle]``. It
starts a stack of its own. For one kind after the other it opens connections, opens those again that the balancer
closes (``--per-s`` a second), and lets ``createflow bench --rate 50`` send creates beside them. A line says how many
connections were open (the median and the least), how many the balancer closed or refused, how many creates were sent
and accepted, their latencies in ms (a failed one counts as endless), how late the load generator itself was, and the
CPU and memory of HAProxy and the gateway. The mixture is all six slow kinds at once; then come a rapid reset of HTTP/2
and a flood of CONTINUATION frames, on six connections each.

Each connection needs a file descriptor here and one in HAProxy: the hard limit (``ulimit -Hn``) must be a few hundred
above the number of connections here, and twice that number for HAProxy (17,000 for its 8,192 connections; with less it
takes fewer).

The clients come from 127.0.0.2 and up, a source address a kind; the creates come from 127.0.0.1.
"""

# ruff: noqa: INP001, T201 - a script, not a module of the package: it prints
import argparse
import asyncio
import contextlib
import heapq
import json
import resource
import selectors
import signal
import socket
import ssl
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, Self

import jwt
import psutil

from createflow.reference_server.stack.credentials import AUDIENCE, ISSUER
from createflow.reference_server.stack.options import StackOptions
from createflow.reference_server.stack.stack import RunningStack, running_stack

STREAMS = 100
"""Requests without a body on each HTTP/2 connection."""
OPENING_MAX = 64
"""Handshakes at a time."""
WARMUP_S = 2.0


# What each kind sends.


def http1(method: str, *fields: str) -> bytes:
    """Return a request header of HTTP/1.1, without its last line."""
    return "\r\n".join([f"{method} /api/resources HTTP/1.1", "Host: localhost", *fields, ""]).encode()


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    """Return a frame (RFC 9113 §4.1)."""
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


HEADERS, RST_STREAM, SETTINGS, CONTINUATION = 1, 3, 4, 9
END_STREAM, END_HEADERS = 1, 4
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(SETTINGS, 0, 0)


def field_block(*fields: tuple[str, str]) -> bytes:
    """Return header fields in their plainest encoding: literal, not indexed, not compressed (RFC 7541 §6.2.2)."""
    return b"".join(b"\0" + _text(name) + _text(value) for name, value in fields)


def _text(value: str) -> bytes:
    """Return a string (RFC 7541 §5.2) with its length as an integer with a prefix of 7 bits (§5.1)."""
    size = len(value)
    if size < 127:
        return bytes([size]) + value.encode()
    size -= 127
    length = bytearray([127])
    while size >= 128:
        length.append(128 | size % 128)
        size //= 128
    return bytes([*length, size]) + value.encode()


def create_block(token: str) -> bytes:
    """Return the header of a create in HTTP/2."""
    fields = [(":method", "POST"), (":scheme", "https"), (":authority", "localhost"), (":path", "/api/resources")]
    fields += [("content-type", "application/json"), ("content-length", "20")]
    return field_block(*fields, *([("authorization", f"Bearer {token}")] if token else []))


Drip = Callable[[], bytes] | None


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How a slow client behaves on one connection."""

    opening: bytes
    """Sent at once after the handshake."""
    drip: Callable[[], Callable[[], bytes]] | None = None
    """Makes what returns the next bytes, for one connection."""
    every_s: float = 1.0
    reads: bool = True
    alpn: str = "http/1.1"
    handshake: bool = True
    """Whether it finishes the handshake of TLS."""


def _repeat(data: bytes) -> Callable[[], Callable[[], bytes]]:
    return lambda: lambda: data


def _by_stream(make: Callable[[int], bytes], a_time: int) -> Callable[[], Callable[[], bytes]]:
    """Send ``a_time`` new streams each time."""

    def new_connection() -> Callable[[], bytes]:
        ids = count(1, 2)
        return lambda: b"".join(make(next(ids)) for _ in range(a_time))

    return new_connection


def _client_hello() -> bytes:
    out = ssl.MemoryBIO()
    context = ssl.create_default_context()
    with contextlib.suppress(ssl.SSLWantReadError):
        context.wrap_bio(ssl.MemoryBIO(), out, server_hostname="localhost").do_handshake()
    return out.read()


def behaviours(token: str) -> dict[str, Behaviour]:
    """Return the six slow kinds and the two floods; ``token`` may be empty."""
    bearer = (f"Authorization: Bearer {token}",) if token else ()
    body = ("Content-Type: application/json", "Content-Length: 1000")
    block = create_block(token)
    whole = http1("GET", *bearer) + b"\r\n"
    hello = _client_hello()
    return {
        "slow_head": Behaviour(http1("POST", *bearer), _repeat(b"X-Slow: 1\r\n")),
        "slow_body": Behaviour(http1("POST", *bearer, *body) + b'\r\n{"name": "', _repeat(b"a")),
        "slow_read": Behaviour(whole * 2, reads=False),
        "idle": Behaviour(whole),
        "streams": Behaviour(
            PREFACE,
            _by_stream(lambda stream: frame(HEADERS, END_HEADERS, stream, block), STREAMS),
            every_s=5.0,
            alpn="h2",
        ),
        "slow_handshake": Behaviour(hello[:8], lambda: _bytes_of(hello[8:]), handshake=False),
        "rapid_reset": Behaviour(
            PREFACE,
            _by_stream(
                lambda stream: (
                    frame(HEADERS, END_HEADERS | END_STREAM, stream, block)
                    + frame(RST_STREAM, 0, stream, (8).to_bytes(4, "big"))
                ),
                50,
            ),
            every_s=0.01,
            alpn="h2",
        ),
        "continuation": Behaviour(
            PREFACE + frame(HEADERS, 0, 1, block),
            _repeat(frame(CONTINUATION, 0, 1, field_block(*[("x", "y" * 50)] * 250)) * 2),
            every_s=0.01,
            alpn="h2",
        ),
    }


def _bytes_of(data: bytes) -> Callable[[], bytes]:
    left = iter(data)
    return lambda: bytes([next(left, 0)])


SLOW = ("slow_head", "slow_body", "slow_read", "idle", "streams", "slow_handshake")
FLOODS = ("rapid_reset", "continuation")


# The clients: one thread, one selector.


@dataclass(slots=True)
class Figures:
    """What happened to the connections."""

    opened: int = 0
    closed: int = 0
    """By the balancer."""
    refused: int = 0
    """Closed before the handshake was done."""
    held: int = 0
    """Open now."""
    most: int = 0
    sent_bytes: int = 0


class _Connection:
    """One slow client."""

    __slots__ = ("drip", "is_open", "sock")

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.is_open = False
        self.drip: Drip = None


@dataclass
class SlowClients:
    """Keeps connections of one kind open, as a context manager.

    Args:
        address: of the balancer.
        behaviour: of each.
        wanted: how many.
        per_s: how many may be opened a second.
        source: address that they come from.
    """

    address: tuple[str, int]
    behaviour: Behaviour
    wanted: int
    per_s: float = 500.0
    source: str = "127.0.0.2"
    figures: Figures = field(default_factory=Figures)

    def __enter__(self) -> Self:
        self._selector = selectors.DefaultSelector()
        self._all: set[_Connection] = set()
        self._due: list[tuple[float, int, _Connection]] = []
        self._number = count()
        self._opening = 0
        self._over = threading.Event()
        self._context = ssl.create_default_context()
        self._context.check_hostname = False
        self._context.verify_mode = ssl.CERT_NONE
        self._context.set_alpn_protocols([self.behaviour.alpn])
        self.enough = threading.Event()
        """Set when there were as many as wanted at one time."""
        self._thread = threading.Thread(target=self._run, name="slow clients")
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        for connection in self._all:
            connection.sock.close()
        self._selector.close()

    def _run(self) -> None:
        allowed, before = 0.0, time.monotonic()
        while not self._over.is_set():
            now = time.monotonic()
            allowed, before = min(allowed + (now - before) * self.per_s, self.per_s), now
            while allowed >= 1 and len(self._all) < self.wanted and self._opening < OPENING_MAX:
                allowed -= 1
                self._open()
            for key, _ in self._selector.select(0.01):
                self._serve(key.data)
            while self._due and self._due[0][0] <= time.monotonic():
                self._send_more(heapq.heappop(self._due)[2])
            self.figures.held = len(self._all) - self._opening
            self.figures.most = max(self.figures.most, self.figures.held)
            if self.figures.held >= self.wanted:
                self.enough.set()

    def _open(self) -> None:
        raw = socket.socket()
        raw.setblocking(False)
        if not self.behaviour.reads:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        raw.bind((self.source, 0))
        with contextlib.suppress(BlockingIOError):
            raw.connect(self.address)
        connection = _Connection(raw)
        self._all.add(connection)
        self._opening += 1
        self._selector.register(raw, selectors.EVENT_WRITE, connection)

    def _serve(self, connection: _Connection) -> None:
        try:
            if connection.is_open:
                self._read(connection)
            elif not self.behaviour.handshake:
                connection.sock.getpeername()  # an error if it is not connected
                self._is_open(connection)
            else:
                self._shake_hands(connection)
        except (OSError, ssl.SSLError):
            self._lose(connection)

    def _shake_hands(self, connection: _Connection) -> None:
        if not isinstance(connection.sock, ssl.SSLSocket):
            self._selector.unregister(connection.sock)
            connection.sock = self._context.wrap_socket(
                connection.sock, server_hostname="localhost", do_handshake_on_connect=False
            )
            self._selector.register(connection.sock, selectors.EVENT_WRITE, connection)
        assert isinstance(connection.sock, ssl.SSLSocket)  # noqa: S101 - for the type checker
        try:
            connection.sock.do_handshake()
        except ssl.SSLWantReadError:
            self._selector.modify(connection.sock, selectors.EVENT_READ, connection)
        except ssl.SSLWantWriteError:
            self._selector.modify(connection.sock, selectors.EVENT_WRITE, connection)
        else:
            self._is_open(connection)

    def _is_open(self, connection: _Connection) -> None:
        connection.is_open = True
        self._opening -= 1
        self.figures.opened += 1
        if self.behaviour.reads:
            self._selector.modify(connection.sock, selectors.EVENT_READ, connection)
        else:
            self._selector.unregister(connection.sock)
        self._send(connection, self.behaviour.opening)
        if self.behaviour.drip is not None:
            connection.drip = self.behaviour.drip()
            self._send_more(connection)
        elif not self.behaviour.reads:
            self._plan(connection)

    def _read(self, connection: _Connection) -> None:
        try:
            if not connection.sock.recv(65536):
                self._lose(connection)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            pass

    def _send_more(self, connection: _Connection) -> None:
        if connection not in self._all:
            return
        try:
            if connection.drip is not None:
                self._send(connection, connection.drip())
            elif _is_gone(connection.sock):
                self._lose(connection)
                return
        except OSError:
            self._lose(connection)
            return
        self._plan(connection)

    def _plan(self, connection: _Connection) -> None:
        heapq.heappush(self._due, (time.monotonic() + self.behaviour.every_s, next(self._number), connection))

    def _send(self, connection: _Connection, data: bytes) -> None:
        with contextlib.suppress(BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            self.figures.sent_bytes += connection.sock.send(data)

    def _lose(self, connection: _Connection) -> None:
        if connection.is_open:
            self.figures.closed += 1
        else:
            self._opening -= 1
            self.figures.refused += 1
        self._all.discard(connection)
        with contextlib.suppress(KeyError, ValueError):
            self._selector.unregister(connection.sock)
        connection.sock.close()


def _is_gone(sock: socket.socket) -> bool:
    """Whether the other side has closed or reset; TCP_INFO's first byte is the state, 1 is established."""
    return sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] != 1


# The measurement.


@contextmanager
def beside(
    address: tuple[str, int], counts: dict[str, int], token: str, *, per_s: float
) -> Iterator[list[SlowClients]]:
    """Hold these connections while the block runs, each kind from an address of its own."""
    known = behaviours(token)
    with contextlib.ExitStack() as scope:
        yield [
            scope.enter_context(SlowClients(address, known[kind], wanted, per_s, source=f"127.0.0.{number}"))
            for number, (kind, wanted) in enumerate(counts.items(), start=2)
        ]


def attack(options: argparse.Namespace) -> None:
    """Hold connections until standard input ends; print the figures once a second. Runs in a process of its own."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    counts = json.loads(options.attack)
    closed = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), closed.set()), daemon=True).start()
    per_s = options.per_s / max(len(counts), 1)
    with beside(("127.0.0.1", options.port), counts, options.token, per_s=per_s) as all_kinds:
        while not closed.wait(1.0):
            figures = [clients.figures for clients in all_kinds]
            names = ("held", "opened", "closed", "refused", "sent_bytes")
            print(json.dumps({name: sum(getattr(each, name) for each in figures) for name in names}), flush=True)


async def measure(stack: RunningStack, title: str, counts: dict[str, int], options: argparse.Namespace) -> None:
    """Print a line."""
    token = token_of(stack.profile_file.parent) if options.with_token else ""
    command = [sys.executable, __file__, "--attack", json.dumps(counts), "--port", str(options.port)]
    command += ["--token", token, "--per-s", f"{options.per_s:g}"]
    pids = {row.name: row.pid for row in await stack.rows()}
    balancer, gateway = psutil.Process(pids["haproxy"]), psutil.Process(pids["gateway-1"])
    seen: deque[dict[str, int]] = deque(maxlen=100_000)
    attacker = await asyncio.create_subprocess_exec(
        *command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert attacker.stdout is not None  # noqa: S101 - for the type checker
    assert attacker.stdin is not None  # noqa: S101 - for the type checker

    async def listen(out: asyncio.StreamReader) -> None:
        while line := await out.readline():
            seen.append(json.loads(line))

    listener = asyncio.create_task(listen(attacker.stdout))
    wanted = sum(counts.values())
    deadline = time.monotonic() + 1.2 * wanted / options.per_s + 2
    while time.monotonic() < deadline and not (seen and seen[-1]["held"] >= wanted):
        await asyncio.sleep(0.2)
    seen_before = len(seen)
    cpu = [_cpu_s(process) for process in (balancer, gateway)]
    begun = time.monotonic()
    report = await bench(stack, options)
    took_s = time.monotonic() - begun
    used = [(_cpu_s(process) - was) / took_s for process, was in zip((balancer, gateway), cpu, strict=True)]
    attacker.stdin.close()
    await attacker.wait()
    await listener
    during = list(seen)[max(seen_before - 1, 0) :] or [{"held": 0, "closed": 0, "opened": 0, "refused": 0}]
    held = sorted(line["held"] for line in during)
    memory = balancer.memory_info().rss / 2**20
    print(
        f"{title:<16}{held[len(held) // 2]:>7,}{held[0]:>7,}{during[-1]['closed']:>8,}{during[-1]['refused']:>8,}"
        f" {report} {used[0]:>8.0%}{used[1]:>8.0%}{memory:>7.0f}",
        flush=True,
    )


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


async def bench(stack: RunningStack, options: argparse.Namespace) -> str:
    """Send creates; return their latencies and failures."""
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        command = [
            sys.executable,
            "-m",
            "createflow",
            "bench",
            "--profile",
            str(stack.profile_file),
            "--allow-commands",
        ]
        command += ["--rate", f"{options.rate:g}", "--duration", f"{options.seconds:g}s", "--warmup", f"{WARMUP_S:g}s"]
        run = await asyncio.create_subprocess_exec(
            *command, f"--report=json={file.name}", stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
        )
        text = (await run.communicate())[0].decode()
        try:
            report: dict[str, Any] = json.loads(Path(file.name).read_text())
        except ValueError:
            return f"no report: {text[-300:]}"
    return summary(report)


def summary(report: dict[str, Any]) -> str:
    """Return the part of the line that is about the creates; latencies count failures as endless."""
    ledger, latency, pacing = report["ledger"], report["failure_aware"], report["pacing"] or {"p99_ms": 0.0}
    created = sum(number for status, number in report["statuses"].items() if status == "201")
    fields = (created, ledger["scheduled"], latency["p50_ms"], latency["p99_ms"], latency["max_ms"])
    accepted, scheduled, *milliseconds = fields
    line = f"{scheduled:>7,} {accepted:>8,}" + "".join(f"{_ms(value):>8}" for value in milliseconds)
    return line + f"{_ms(pacing['p99_ms']):>8}"


def _ms(value: float | str) -> str:
    return f"{float(value):.1f}"


def token_of(state: Path, subject: str = "slow") -> str:
    """Return a token of the issuer of the stack with this state directory: slow clients may have a valid one."""
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": subject, "iat": int(time.time()), "exp": int(time.time()) + 3600}
    key = (state / "keys" / "issuer.pem").read_text()
    header = {"typ": "at+jwt", "kid": "key-1"}
    return jwt.encode({**claims, "roles": ["writer"]}, key, algorithm="EdDSA", headers=header)


async def main() -> None:
    """Measure each kind once and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--connections", type=int, default=5000)
    parser.add_argument("--rate", type=float, default=50.0)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--per-s", type=float, default=500.0)
    parser.add_argument("--kinds", default=",".join((*SLOW, "mixture", *FLOODS)))
    parser.add_argument("--with-token", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--attack", help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--token", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.attack:
        attack(options)
        return
    with tempfile.TemporaryDirectory() as directory:
        Path(directory).chmod(0o711)
        state = Path(directory) / "state"
        async with running_stack(state, StackOptions(), on_exit=lambda ended: print(ended.describe())) as stack:
            options.port = int(stack.base_url.rpartition(":")[2])
            print(f"{'':<16}{'held':>7}{'least':>7}{'closed':>8}{'refused':>8} {'sent':>7}{'accepted':>9}", end="")
            print(f"{'p50':>8}{'p99':>8}{'max':>8}{'late':>8} {'HAProxy':>8}{'gateway':>8}{'MB':>7}")
            await measure(stack, "none", {}, options)
            for kind in options.kinds.split(","):
                if kind == "mixture":
                    counts = {name: options.connections // len(SLOW) for name in SLOW}
                else:
                    counts = {kind: 6 if kind in FLOODS else options.connections}
                await measure(stack, kind, counts, options)


if __name__ == "__main__":
    asyncio.run(main())
