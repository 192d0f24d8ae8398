"""Builds the bytes of whole requests. Everything that does not change between requests is built once."""

from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from createflow.scenarios.load.http.reply_parser import Reply
from createflow.scenarios.load.plan.created import CreatedSince
from createflow.scenarios.load.plan.messages import Document, NodeConfig, RequestForm
from createflow.scenarios.load.plan.resource_path import ResourcePaths
from createflow.scenarios.load.plan.schedule import Arrival
from createflow.scenarios.load.plan.write_log import name_prefix, preflight_name
from createflow.schemas.operation import Operation

_CREATED = 201
_MAX_KNOWN = 1000
"""Resources that are kept for reads and updates: the newest, as readers mostly want those."""


@dataclass(frozen=True, slots=True)
class KnownResource:
    """A resource that this worker created."""

    path: str
    principal: int
    """The principal that created it, and so may read it."""
    k: int
    """The arrival that created it. An update keeps its name."""


class RequestBuilder:
    """Builds the requests of one worker."""

    def __init__(self, config: NodeConfig) -> None:
        self._templates = {operation: _Template(config.forms[operation], config) for operation in config.forms}
        self._credentials = config.credentials
        self._paths = ResourcePaths(config.base_url, config.read_path, config.location_origins)
        self._no_arrival = f"{name_prefix(config.run_id)}-1".encode()
        self._preflight = preflight_name(config.run_id).encode()
        self._known: deque[KnownResource] = deque(
            (KnownResource(path, principal, -1) for path, principal in config.known), maxlen=_MAX_KNOWN
        )
        self._has_reads = len(config.forms) > 1
        self._reports_created = config.reports_created
        self._created = CreatedSince()
        self.needs_replies = self._has_reads or config.reports_created
        """The load reads, updates or deletes what it creates, so ``remember`` needs the replies to creates."""
        self.unusable_locations = Counter[str]()
        """Replies to creates whose Location was not used, by the reason."""

    def set_credentials(self, credentials: tuple[tuple[str, str], ...]) -> None:
        """Use these credentials from now on, as many as before."""
        self._credentials = credentials
        for template in self._templates.values():
            template.set_credentials(credentials)

    def remember(self, reply: Reply, arrival: Arrival) -> None:
        """Keep the resource that a create made, if the reply tells its path on the target."""
        if self._reports_created and reply.status == _CREATED:
            self._created.add(arrival.k, *self._paths.created(reply.location, reply.body))
        if not self._has_reads:
            return
        found = self._paths.find(reply.location, reply.body)
        if found.path:
            self._known.append(KnownResource(found.path, self._principal(arrival), arrival.k))
        elif found.unusable:
            self.unusable_locations[found.unusable] += 1

    def take_created(self) -> Iterator[Document]:
        """What was created since the last call, as messages for the parent."""
        taken, self._created = self._created, CreatedSince()
        return taken.to_documents()

    def build(self, arrival: Arrival) -> bytes | None:
        """The request of an arrival. Reads and updates use a resource that the worker knows; None: it knows none."""
        template = self._templates[arrival.operation]
        if arrival.operation is Operation.CREATE:
            return template.build(arrival.k, self._principal(arrival))
        if not self._known:
            return None
        # Multiplied by a prime, so that consecutive arrivals use different resources.
        known = self._known[arrival.k * 7919 % len(self._known)]
        request = template.build(known.k, known.principal, known.path)
        if known.k < 0 and arrival.operation is Operation.UPDATE:
            # An update keeps the name, and no arrival has the preflight's.
            request = request.replace(self._no_arrival, self._preflight)
        return request

    def _principal(self, arrival: Arrival) -> int:
        return arrival.k % max(1, len(self._credentials))


class _Template:
    """The requests of one operation, with path, length and body left open."""

    def __init__(self, form: RequestForm, config: NodeConfig) -> None:
        self._method = form.method
        self._host = urlsplit(config.base_url).netloc
        self._headers = form.headers
        self._path = form.path.encode()
        self._numbers_in_path = _count_numbers(form.path)
        self._bodies = tuple((body.encode(), _count_numbers(body)) for body in form.bodies)
        self._heads: tuple[bytes, ...] = ()
        self.set_credentials(config.credentials)

    def set_credentials(self, credentials: tuple[tuple[str, str], ...]) -> None:
        self._heads = tuple(self._head(credential) for credential in credentials) or (self._head(),)

    def build(self, k: int, principal: int, path: str = "") -> bytes:
        target = path.encode() if path else self._path % ((k,) * self._numbers_in_path)
        if not self._bodies:
            return self._heads[principal] % target
        template, numbers = self._bodies[k % len(self._bodies)]
        body = template % ((k,) * numbers)
        return self._heads[principal] % (target, len(body), body)

    def _head(self, *credentials: tuple[str, str]) -> bytes:
        lines = [f"Host: {self._host}", *(f"{name}: {value}" for name, value in (*self._headers, *credentials))]
        fixed = "\r\n".join(line.replace("%", "%%") for line in lines)
        rest = "\r\nContent-Length: %d\r\n\r\n%b" if self._bodies else "\r\n\r\n"
        return f"{self._method} %b HTTP/1.1\r\n{fixed}{rest}".encode("latin-1")


def _count_numbers(template: str) -> int:
    return template.replace("%%", "").count("%")
