"""NATS with JetStream: requests to the services, and the event stream."""

from pathlib import Path

from createflow.reference_server.adapters.nats_bus import inbox_prefix
from createflow.reference_server.stack import binaries
from createflow.reference_server.stack.component import Component
from createflow.reference_server.stack.credentials import Passwords
from createflow.reference_server.stack.endpoints import HOST, answers_200
from createflow.reference_server.stack.state import State


def url(user: str, password: str, port: int) -> str:
    """Return a client's address."""
    return f"nats://{user}:{password}@{HOST}:{port}"


def declare(
    state: State, directory: Path, passwords: Passwords, port: int, monitor_port: int, *, prefix: str = "createflow"
) -> Component:
    """Declare the engine, with a user for each kind of process.

    A service believes the subject and the permissions that stand in a request. It may, because only a gateway's user
    can publish requests, and only a service's user can receive them and send the replies. Requests and events are two
    accounts: in one account, whoever may make a consumer of the stream could have it deliver to the requests' subject.
    Each kind has inboxes of its own (``adapters.nats_bus.inbox_prefix``), so none reads the replies to another.

    Args:
        prefix: first token of the subjects; ``*`` for several stacks on one server.
    """
    gateway, worker = inbox_prefix("gateway"), inbox_prefix("worker")
    events = "*" if prefix == "*" else f"{prefix.upper()}_EVENTS"
    program = str(binaries.require(binaries.NATS))
    configuration = directory / "nats.conf"
    state.write_secret(
        configuration,
        f"""\
listen: "{HOST}:{port}"
http: "{HOST}:{monitor_port}"
server_name: createflow
jetstream {{ store_dir: "{directory}/jetstream" }}
ping_interval: "10s"
accounts {{
  REQUESTS {{
    users: [
      {{ user: gateway, password: "{passwords.nats_gateway}",
         permissions: {{ publish: ["{prefix}.resources.requests"], subscribe: ["{gateway}.>"] }} }}
      {{ user: service, password: "{passwords.nats_service}",
         permissions: {{ publish: ["{gateway}.>", "{prefix}.watermarks", "{prefix}.relay_wake_up"],
                        subscribe: ["{prefix}.resources.requests service", "{prefix}.watermarks"] }} }}
    ]
    exports: [ {{ stream: "{prefix}.relay_wake_up" }} ]
  }}
  EVENTS {{
    jetstream: enabled
    users: [
      {{ user: worker, password: "{passwords.nats_worker}",
         permissions: {{ publish: ["{prefix}.events.*", "$JS.API.INFO", "$JS.API.STREAM.INFO.{events}",
                                  "$JS.API.STREAM.CREATE.{events}", "$JS.API.CONSUMER.*.{events}.>",
                                  "$JS.API.CONSUMER.*.*.{events}.>", "$JS.ACK.{events}.>"],
                        subscribe: ["{prefix}.relay_wake_up", "{worker}.>"] }} }}
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
    return Component(
        name="nats",
        port=port,
        argv=lambda: [program, "--config", str(configuration)],
        cwd=directory,
        environment={"GOMAXPROCS": "1"},  # at these rates a second thread costs more than it brings
        check_ready=lambda: answers_200(f"http://{HOST}:{monitor_port}/healthz"),
        note="requests, JetStream",
    )
