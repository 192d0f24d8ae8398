"""A create endpoint in memory, behind httpx, without sockets and delays."""

import json
from collections.abc import Callable

import httpx

from createflow.scenarios.target.http_client import HttpConnection
from createflow.schemas.profile import Profile
from createflow.schemas.profile_target import Target

PROFILE = Profile(target=Target(base_url="http://stub.test", path="/things", cleanup=True))


class StubApi:
    """Keeps what is created. A test may put other answers into ``answers``, by method."""

    def __init__(self) -> None:
        self.connection: HttpConnection
        self.things: dict[str, dict[str, str]] = {}
        self.by_whom: list[tuple[str, str, str]] = []
        """Method, path and Authorization of each request."""
        self.answers: dict[str, Callable[[str], httpx.Response]] = {}

    def plug_into(self, connection: HttpConnection) -> None:
        """Send all requests of the connection to this stub."""
        transport = httpx.MockTransport(self._send)
        connection.client = httpx.AsyncClient(base_url="http://stub.test", transport=transport)
        connection._transport = transport  # type: ignore[assignment] # requests go past the client

    def _send(self, request: httpx.Request) -> httpx.Response:
        """The answer with a body that is not read yet, as one from a socket."""
        answer = self._answer(request)
        return httpx.Response(answer.status_code, headers=answer.headers, stream=httpx.ByteStream(answer.content))

    def _answer(self, request: httpx.Request) -> httpx.Response:
        path = request.url.path
        self.by_whom.append((request.method, path, request.headers.get("authorization", "")))
        if request.method in self.answers:
            return self.answers[request.method](path)
        one_id = path.rpartition("/")[2]
        match request.method:
            case "POST":
                one_id = f"thing-{len(self.things)}"
                self.things[one_id] = {"id": one_id, "name": json.loads(request.content)["name"]}
                return httpx.Response(201, json=self.things[one_id], headers={"location": f"/things/{one_id}"})
            case "DELETE" if one_id in self.things:
                del self.things[one_id]
                return httpx.Response(204)
            case "GET" if one_id in self.things:
                return httpx.Response(200, json=self.things[one_id])
        return httpx.Response(404)
