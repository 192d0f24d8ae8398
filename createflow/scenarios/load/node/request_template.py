"""The bytes of whole requests: all that does not change from one to the next is put together once."""

import json
from collections import deque
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from createflow.scenarios.load.http.reply_parser import Reply
from createflow.scenarios.load.plan.message import NodeConfig, RequestForm
from createflow.scenarios.load.plan.schedule import Arrival
from createflow.scenarios.load.plan.write_log import name_prefix, preflight_name
from createflow.scenarios.text.json_pointer import value_at
from createflow.schemas.operation import Operation

_KNOWN = 1000
"""Resources that are remembered to be read and updated: the younger ones, as readers mostly ask for those."""


@dataclass(frozen=True, slots=True)
class Known:
    """A resource that this node created."""

    path: str
    principal: int
    """Who created it, and may surely read it."""
    k: int
    """The arrival that created it: an update keeps its name."""


class RequestMaker:
    """Makes the requests of one node."""

    def __init__(self, config: NodeConfig) -> None:
        self._forms = {operation: _Form(config.forms[operation], config) for operation in config.forms}
        self._credentials = config.credentials
        self._reading = config.reading
        self._no_arrival = f"{name_prefix(config.run_id)}-1".encode()
        self._preflight = preflight_name(config.run_id).encode()
        self._known: deque[Known] = deque((Known(path, by, -1) for path, by in config.known), maxlen=_KNOWN)
        self.learns = len(config.forms) > 1
        """Whether the Location of creates must be looked at."""

    def renew(self, credentials: tuple[tuple[str, str], ...]) -> None:
        """From now on with these, as many as before."""
        self._credentials = credentials
        for form in self._forms.values():
            form.renew(credentials)

    def learn(self, reply: Reply, arrival: Arrival) -> None:
        """Remember what a create made, if the reply says where it is."""
        path = self._place_of(reply)
        if path:
            self._known.append(Known(path, self._principal(arrival), arrival.k))

    def _place_of(self, reply: Reply) -> str:
        """The path of a created resource: as the profile says it is read, or its Location, or its id below the path."""
        resource_id = ""
        if self._reading.id_pointer and (self._reading.by_id or not reply.location):
            try:
                value = value_at(json.loads(reply.body), self._reading.id_pointer)
            except ValueError:
                value = None
            resource_id = quote(str(value), safe="") if isinstance(value, (str, int)) else ""
        if resource_id:
            return self._reading.path.replace("{id}", resource_id)
        place = urlsplit(reply.location or "")
        return place.path + (f"?{place.query}" if place.query else "")

    def request(self, arrival: Arrival) -> bytes:
        """The bytes of an arrival's request; an operation that needs a resource takes one that was learned."""
        form = self._forms[arrival.operation]
        if arrival.operation is Operation.CREATE:
            return form.of(arrival.k, self._principal(arrival))
        # Multiplied by a prime, so that neighbours do not ask for the same.
        known = self._known[arrival.k * 7919 % len(self._known)]
        request = form.of(known.k, known.principal, known.path)
        if known.k < 0 and arrival.operation is Operation.UPDATE:
            # An update keeps the name; no arrival has this one.
            request = request.replace(self._no_arrival, self._preflight)
        return request

    def _principal(self, arrival: Arrival) -> int:
        return arrival.k % max(1, len(self._credentials))


class _Form:
    def __init__(self, form: RequestForm, config: NodeConfig) -> None:
        self._method = form.method
        self._host = urlsplit(config.base_url).netloc
        self._headers = form.headers
        self._path = form.path.encode()
        self._numbers_in_path = _numbers_in(form.path)
        self._bodies = tuple((body.encode(), _numbers_in(body)) for body in form.bodies)
        self._heads: tuple[bytes, ...] = ()
        self.renew(config.credentials)

    def renew(self, credentials: tuple[tuple[str, str], ...]) -> None:
        self._heads = tuple(self._head(credential) for credential in credentials) or (self._head(),)

    def of(self, k: int, principal: int, path: str = "") -> bytes:
        place = path.encode() if path else self._path % ((k,) * self._numbers_in_path)
        if not self._bodies:
            return self._heads[principal] % place
        template, numbers = self._bodies[k % len(self._bodies)]
        body = template % ((k,) * numbers)
        return self._heads[principal] % (place, len(body), body)

    def _head(self, *credentials: tuple[str, str]) -> bytes:
        """One template of everything, with path, length and body left open."""
        lines = [f"Host: {self._host}", *(f"{name}: {value}" for name, value in (*self._headers, *credentials))]
        fixed = "\r\n".join(line.replace("%", "%%") for line in lines)
        rest = "\r\nContent-Length: %d\r\n\r\n%b" if self._bodies else "\r\n\r\n"
        return f"{self._method} %b HTTP/1.1\r\n{fixed}{rest}".encode("latin-1")


def _numbers_in(template: str) -> int:
    return template.replace("%%", "").count("%")
