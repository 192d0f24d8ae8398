"""The reference with a seeded defect, in this process, on the engines of a real stack."""

import asyncio
import contextlib
import re
import socket
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace

import httpx
import uvicorn

from createflow.reference_server.defects.defect import Defect
from createflow.reference_server.defects.seeds import ChangeBalancer, ChangeDatabase
from createflow.reference_server.gateway.build import build as build_gateway
from createflow.reference_server.process.run import Process
from createflow.reference_server.process.settings import Settings
from createflow.reference_server.service.build import build as build_service
from createflow.reference_server.stack import binaries, control
from createflow.reference_server.stack.endpoints import Ports
from createflow.reference_server.stack.state import State
from createflow.reference_server.worker.build import build as build_worker
from createflow.schemas.flow import Step
from createflow.schemas.profile import Limits, Profile
from tests.reference_server.in_process_server import quiet_log
from tests.up_stack import UpCommand

BEHIND = ("service", "worker")
"""The kinds of process behind the gateway. A defect of theirs shows only while the stack's own are stopped."""
_READY_WITHIN_S = 15.0
_PATIENCE_S = 8.0


LOW_LIMIT = Limits(rate_per_s=10, burst=20)
"""For checks of the rate limit: tester and gateway share one event loop here, too slow to exceed a higher limit."""


async def send_to_backend(up: UpCommand, verb: str) -> None:
    """Kill or start the stack's own services and worker."""
    for kind in BEHIND:
        await control.send_command(State(up.state).control_socket, verb, kind)


@asynccontextmanager
async def seeded(
    up: UpCommand,
    defect: Defect | None,
    *,
    behind: bool = False,
    low_limit: bool = False,
    is_patient: bool = False,
) -> AsyncIterator[Profile]:
    """Run a gateway with the defect, with ``behind`` also a service and a worker, and yield the target's profile.

    With ``is_patient`` they wait long for each other, so that a busy machine is no outage.
    """
    limited = low_limit or (defect is not None and defect.step is Step.RATE_LIMIT)

    def settings(kind: str) -> Settings:
        found = Settings.load(up.state / "run" / f"{kind}-1" / "settings.json")
        found = replace(found, defects=(defect.name,) if defect else ())
        found = replace(found, rpc_timeout_s=_PATIENCE_S, pool_wait_s=_PATIENCE_S) if is_patient else found
        return replace(found, rate_per_s=LOW_LIMIT.rate_per_s, burst=LOW_LIMIT.burst) if limited else found

    async with AsyncExitStack() as scope:
        if defect is not None and isinstance(defect.seed, ChangeDatabase):
            control_socket = State(up.state).control_socket
            await control.send_command(control_socket, "inject", defect.name)
            scope.push_async_callback(control.send_command, control_socket, "heal", defect.name)
        if defect is not None and isinstance(defect.seed, ChangeBalancer):
            target = up.profile.target.model_copy(
                update={"base_url": await scope.enter_async_context(_balanced(up, defect.seed))}
            )
            yield up.profile.model_copy(update={"target": target})
            return
        processes = [build_gateway(settings("gateway"), quiet_log())]
        if behind:
            processes += [
                build_service(settings("service"), quiet_log()),
                build_worker(settings("worker"), quiet_log()),
            ]
        for process in processes:
            await scope.enter_async_context(process.lifespan)
        for process in processes:
            await _ready(process)
        address = await scope.enter_async_context(_served(processes[0]))
        profile = up.profile
        target = profile.target.model_copy(update={"base_url": address, "ca_file": None})
        limits = LOW_LIMIT if limited else profile.limits
        yield profile.model_copy(update={"target": target, "limits": limits})


@asynccontextmanager
async def _balanced(up: UpCommand, seed: ChangeBalancer) -> AsyncIterator[str]:
    """A second HAProxy in front of the stack's own gateways, with the defect and ports of its own."""
    ports = Ports()
    port, admin_port = ports.reserve(), ports.reserve()
    configuration = up.state / "run" / "haproxy" / "haproxy.cfg"
    text = seed.change_balancer(configuration.read_text())
    own, admin = re.findall(r"^    bind 127\.0\.0\.1:(\d+)", text, re.MULTILINE)
    text = text.replace(f":{own} ", f":{port} ").replace(f":{admin}\n", f":{admin_port}\n")
    changed = configuration.with_name("seeded.cfg")
    changed.write_text(text)
    ports.release()
    program = str(binaries.require(binaries.HAPROXY))
    quiet = asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec(program, "-db", "-f", str(changed), stdout=quiet, stderr=quiet)
    try:
        deadline = asyncio.get_running_loop().time() + _READY_WITHIN_S
        trust = ssl.create_default_context(cafile=str(up.state / "keys" / "ca.pem"))
        async with httpx.AsyncClient(verify=trust) as client:
            while True:
                with contextlib.suppress(httpx.TransportError):
                    if (await client.get(f"https://localhost:{port}/readyz")).is_success:
                        break
                assert process.returncode is None, changed
                assert asyncio.get_running_loop().time() < deadline
                await asyncio.sleep(0.02)
        yield f"https://localhost:{port}"
    finally:
        process.kill()
        await process.wait()


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to pytest."""
        yield


@asynccontextmanager
async def _served(process: Process) -> AsyncIterator[str]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        config = uvicorn.Config(process.app, lifespan="off", log_config=None, ws="none", server_header=False)
        server = _Server(config)
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        await serving


async def _ready(process: Process) -> None:
    deadline = asyncio.get_running_loop().time() + _READY_WITHIN_S
    transport = httpx.ASGITransport(app=process.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://process") as client:
        while True:
            reply = await client.get("/readyz")
            if reply.is_success:
                return
            assert asyncio.get_running_loop().time() < deadline, reply.text
            await asyncio.sleep(0.02)
