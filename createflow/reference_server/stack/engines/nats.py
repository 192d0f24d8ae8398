"""NATS with JetStream: requests to the services, and the event stream."""

import asyncio
from collections.abc import Sequence
from http import HTTPStatus
from pathlib import Path

from createflow.reference_server.adapters.nats_bus import inbox_prefix
from createflow.reference_server.joining.join_file import JOINED
from createflow.reference_server.stack import binaries
from createflow.reference_server.stack.component import Component
from createflow.reference_server.stack.credentials import JoinPasswords, Passwords
from createflow.reference_server.stack.endpoints import HOST, answers_200, missing_of, status_of
from createflow.reference_server.stack.state import State


def url(user: str, password: str, port: int) -> str:
    """Return a client's address."""
    return f"nats://{user}:{password}@{HOST}:{port}"


def declare(
    state: State,
    directory: Path,
    passwords: Passwords,
    port: int,
    monitor_port: int,
    *,
    prefix: str = "createflow",
    joined: JoinPasswords | None = None,
) -> Component:
    """Declare the engine, with a user for each kind of process.

    A service believes the subject and the permissions that stand in a request. It may, because only a gateway's user
    can publish requests, and only a service's user can receive them and send the replies. Requests and events are two
    accounts: in one account, whoever may make a consumer of the stream could have it deliver to the requests' subject.
    Each kind has inboxes of its own (``adapters.nats_bus.inbox_prefix``), so none reads the replies to another.

    Args:
        prefix: first token of the subjects; ``*`` for several stacks on one server.
        joined: passwords of who joins from elsewhere: a second user of each kind, with the permissions of the first.
    """
    gateway, worker = inbox_prefix("gateway"), inbox_prefix("worker")
    events = "*" if prefix == "*" else f"{prefix.upper()}_EVENTS"
    of_gateway = f"""{{ publish: ["{prefix}.resources.requests"], subscribe: ["{gateway}.>"] }}"""
    of_service = f"""{{ publish: ["{gateway}.>", "{prefix}.watermarks", "{prefix}.relay_wake_up"],
                        subscribe: ["{prefix}.resources.requests service", "{prefix}.watermarks"] }}"""
    of_worker = f"""{{ publish: ["{prefix}.events.*", "$JS.API.INFO", "$JS.API.STREAM.INFO.{events}",
                                  "$JS.API.STREAM.CREATE.{events}", "$JS.API.CONSUMER.*.{events}.>",
                                  "$JS.API.CONSUMER.*.*.{events}.>", "$JS.ACK.{events}.>"],
                        subscribe: ["{prefix}.relay_wake_up", "{worker}.>"] }}"""
    program = str(binaries.require(binaries.NATS))
    store = directory / "jetstream"
    store.mkdir(mode=0o700)
    configuration = directory / "nats.conf"
    state.write_secret(
        configuration,
        f"""\
listen: "{HOST}:{port}"
http: "{HOST}:{monitor_port}"
server_name: createflow
# The limit is the disk. The server's own one is three quarters of what was free at its start, and counts failed writes.
jetstream {{ store_dir: "{store}", max_file_store: 1TB }}
ping_interval: "10s"
accounts {{
  REQUESTS {{
    users: [
      {{ user: gateway, password: "{passwords.nats_gateway}",
         permissions: {of_gateway} }}
      {{ user: service, password: "{passwords.nats_service}",
         permissions: {of_service} }}
{_joined_user("gateway", joined, of_gateway)}\
{_joined_user("service", joined, of_service)}\
    ]
    exports: [ {{ stream: "{prefix}.relay_wake_up" }} ]
  }}
  EVENTS {{
    jetstream: enabled
    users: [
      {{ user: worker, password: "{passwords.nats_worker}",
         permissions: {of_worker} }}
{_joined_user("worker", joined, of_worker)}\
      {{ user: probe, password: "{passwords.nats_probe}",
         permissions: {{ publish: ["$JS.API.INFO", "$JS.API.STREAM.NAMES", "$JS.API.STREAM.INFO.>",
                                  "$JS.API.CONSUMER.>", "$JS.ACK.>", "$JS.FC.>"],
                        subscribe: ["_INBOX.>"] }} }}
    ]
    imports: [ {{ stream: {{ account: REQUESTS, subject: "{prefix}.relay_wake_up" }} }} ]
  }}
}}
""",
    )

    async def says_broken() -> bool:
        # After a write that failed, it refuses all others of that stream until it is started again.
        return await status_of(health) == HTTPStatus.SERVICE_UNAVAILABLE

    health = f"http://{HOST}:{monitor_port}/healthz"
    return Component(
        name="nats",
        port=port,
        argv=lambda: [program, "--config", str(configuration)],
        cwd=directory,
        environment={"GOMAXPROCS": "1"},  # at these rates a second thread costs more than it brings
        check_ready=lambda: answers_200(health),
        says_broken=says_broken,
        data=store,
        note="requests, JetStream",
    )


def _joined_user(kind: str, joined: JoinPasswords | None, permissions: str) -> str:
    if joined is None:
        return ""
    return f"""\
      {{ user: {JOINED[kind]}, password: "{getattr(joined, f"nats_{kind}")}",
         permissions: {permissions} }}
"""


def believe_the_relays(broker: Component, worker_ports: Sequence[int]) -> None:
    """Take the broker for broken also when a relay says that it refuses events: its own health check may be content.

    A broker that does not answer at all is not meant: then the stream is missing, too.
    """
    own = broker.says_broken

    async def says_broken() -> bool:
        if own is not None and await own():
            return True
        said = await asyncio.gather(*map(missing_of, worker_ports))
        return any("publishes" in missing and "stream" not in missing for missing in said)

    broker.says_broken = says_broken
