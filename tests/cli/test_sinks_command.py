"""``createflow sinks``: what each sink has of one resource, side by side with the reply."""

import io
import json
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from typer.testing import CliRunner

from createflow.cli.app import app
from createflow.cli.exit_code import ExitCode
from createflow.cli.sinks_view import print_looks
from createflow.scenarios.conformance.sink_looks import SinkLook, SinkLooks, look_into_sinks
from createflow.scenarios.harness.ending import Left
from createflow.scenarios.harness.guardian.client import Guarding
from createflow.schemas.profile import Profile
from tests.up_stack import UpCommand

pytestmark = pytest.mark.anyio
READ = (
    "import sys; ids = sys.stdin.read().split(); print(*[l for l in open(sys.argv[1]) if ids[0] in l], sep='', end='')"
)
FOLLOW = """
import sys, time
file = open(sys.argv[1]); file.seek(0, 2)
print("ready", file=sys.stderr, flush=True)
while True:
    print(file.readline() or time.sleep(0.01) or "", end="", flush=True)
"""


class Api(BaseHTTPRequestHandler):
    """Creates, and writes each resource to a file that stands for all stores."""

    file: Path

    def do_POST(self) -> None:
        """201 with the resource."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        resource = {"id": "order-17", **body}
        with self.file.open("a") as file:
            file.write(json.dumps({"key": "order-17", "attributes": resource, "order": {"title": body["name"]}}) + "\n")
        self._answer(201, resource, Location="/orders/order-17")

    def do_GET(self) -> None:
        """It is there."""
        self._answer(200, {"id": "order-17"})

    def _answer(self, status: int, body: dict[str, Any], **headers: str) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        for name, value in {**headers, "Content-Type": "application/json", "Content-Length": str(len(content))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def target(tmp_path: Path) -> Iterator[dict[str, Any]]:
    """The section of a profile."""
    Api.file = tmp_path / "store"
    Api.file.touch()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Api)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield {"base_url": f"http://127.0.0.1:{server.server_port}", "path": "/orders", "body": {"name": "x", "price": 5}}
    server.shutdown()
    thread.join()
    server.server_close()


async def looks_of(target: dict[str, Any], sinks: dict[str, Any]) -> SinkLooks:
    """What the sinks show."""
    profile = Profile.model_validate({"target": target, "sinks": sinks})
    return await look_into_sinks(profile, within_s=0.5, guarding=Guarding(is_target_ours=True))


def screen(looks: SinkLooks, width: int) -> str:
    """As it is printed."""
    out = io.StringIO()
    print_looks(Console(file=out, width=width), looks)
    return out.getvalue()


async def test_each_sink_stands_beside_the_reply(target: dict[str, Any]) -> None:
    """Found, with other values, with a wrong place, missing, and refusing; in 80 and in 120 columns."""
    read = {"kind": "command", "command": [sys.executable, "-c", READ, str(Api.file)], "id": "/key"}
    events = [sys.executable, "-c", FOLLOW, str(Api.file)]
    sinks = {
        "primary": {**read, "resource": "/attributes", "fields": {"price": "/order/title"}},
        "cache": {**read, "resource": "/order"},
        "search": {**read, "command": ["sh", "-c", "cat > /dev/null"]},
        "audit": {**read, "command": ["sh", "-c", "echo no rights >&2; exit 1"]},
        "events": {"kind": "command", "command": events, "ready_line": "ready", "resource": "/attributs", "id": "/key"},
    }
    looks = await looks_of(target, sinks)
    assert {look.name: look.after_s is not None for look in looks.looks} == {
        "primary": True,
        "audit": False,
        "events": True,
        "cache": True,
        "search": False,
    }
    for width in (80, 120):
        text = screen(looks, width)
        assert max(map(len, text.splitlines())) <= width
        assert "created order-17 at" in text
        assert "not there; it is at /title" in text
        assert "sinks.audit at sh does not answer: sh ended with status 1: no rights" in " ".join(text.split())
        assert "not there after 0.5 s" in text
        assert "because target.cleanup is not set" in " ".join(text.split())
        assert text.rstrip().endswith("not seen in: audit, search")


async def test_a_stream_that_shows_something_else_is_shown(target: dict[str, Any]) -> None:
    """The last event, and the nearest pointer."""
    command = [sys.executable, "-c", FOLLOW, str(Api.file)]
    events = {"kind": "command", "command": command, "ready_line": "ready", "resource": "/attribute"}
    (look,) = (await looks_of(target, {"events": events})).looks
    assert "sinks.events.resource: the document has nothing at '/attribute'; the nearest is /attributes" in look.problem


def test_what_a_store_says_is_no_command_of_a_terminal() -> None:
    """Escape sequences are shown as such."""
    look = SinkLook("primary", problem="\x1b[2J::error::x", notes=["\x07"], warning="\x1b]0;x")
    looks = SinkLooks("http://a", 201, "\x1b[1m", "http://a/1", 0.1, (look,), left=Left(), is_removed=True)
    text = screen(looks, 80)
    assert "\x1b" not in text
    assert "\x07" not in text


def test_the_reference_is_seen_in_all_its_sinks(stack: UpCommand) -> None:
    """Status 0, and nobody who may write is warned of."""
    found = CliRunner().invoke(app, ["sinks", "--profile", str(stack.state / "profile.toml"), "--allow-commands"])
    assert found.exit_code == ExitCode.OK, found.output
    assert "seen in all 7 sinks" in found.output
    assert "warning" not in found.output
    assert "target.cleanup is not set" in " ".join(found.output.split())
