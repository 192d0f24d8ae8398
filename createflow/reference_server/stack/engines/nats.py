"""NATS with JetStream: requests to live services, events to whoever wants them."""

from pathlib import Path

from createflow.reference_server.stack import binaries
from createflow.reference_server.stack.component import Component
from createflow.reference_server.stack.http_probe import answers_200
from createflow.reference_server.stack.options import Secrets
from createflow.reference_server.stack.ports import HOST
from createflow.reference_server.stack.state import State


def url(user: str, password: str, port: int) -> str:
    """A client's address."""
    return f"nats://{user}:{password}@{HOST}:{port}"


def component(state: State, directory: Path, secrets: Secrets, port: int, monitor_port: int) -> Component:
    """The engine, with a user for each kind of process.

    The broker, not the services' good faith, says who may answer requests and who may publish events.
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
    {{ user: gateway, password: "{secrets.nats_gateway}",
       permissions: {{ publish: ["createflow.resources.>"], subscribe: ["_INBOX.>"] }} }}
    {{ user: service, password: "{secrets.nats_service}",
       permissions: {{ publish: ["_INBOX.>", "createflow.watermarks", "createflow.relay_wake_up"],
                      subscribe: ["createflow.resources.>", "createflow.watermarks", "_INBOX.>"] }} }}
    {{ user: worker, password: "{secrets.nats_worker}" }}
    {{ user: probe, password: "{secrets.nats_probe}",
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
        environment={"GOMAXPROCS": "1"},  # a second thread costs more in wake-ups than it brings at these rates
        ready=lambda: answers_200(f"http://{HOST}:{monitor_port}/healthz"),
        note="requests, JetStream",
    )
