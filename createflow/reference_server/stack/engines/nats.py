"""NATS with JetStream: requests to the services, and the event stream."""

from pathlib import Path

from createflow.reference_server.stack import binaries
from createflow.reference_server.stack.component import Component
from createflow.reference_server.stack.credentials import Passwords
from createflow.reference_server.stack.endpoints import HOST, answers_200
from createflow.reference_server.stack.state import State


def url(user: str, password: str, port: int) -> str:
    """Return a client's address."""
    return f"nats://{user}:{password}@{HOST}:{port}"


def declare(state: State, directory: Path, passwords: Passwords, port: int, monitor_port: int) -> Component:
    """Declare the engine, with a user for each kind of process.

    The permissions say which kind may answer requests and which may publish events.
    """
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
authorization {{
  users: [
    {{ user: gateway, password: "{passwords.nats_gateway}",
       permissions: {{ publish: ["createflow.resources.>"], subscribe: ["_INBOX.>"] }} }}
    {{ user: service, password: "{passwords.nats_service}",
       permissions: {{ publish: ["_INBOX.>", "createflow.watermarks", "createflow.relay_wake_up"],
                      subscribe: ["createflow.resources.>", "createflow.watermarks", "_INBOX.>"] }} }}
    {{ user: worker, password: "{passwords.nats_worker}" }}
    {{ user: probe, password: "{passwords.nats_probe}",
       permissions: {{ publish: ["$JS.API.INFO", "$JS.API.STREAM.NAMES", "$JS.API.STREAM.INFO.>",
                                "$JS.API.CONSUMER.>", "$JS.ACK.>", "$JS.FC.>"],
                      subscribe: ["_INBOX.>"] }} }}
  ]
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
