"""Builds the bytes of whole requests. Everything that does not change between requests is built once."""

from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from createflow.scenarios.load.http.errors import ExchangeError
from createflow.scenarios.load.http.reply_parser import Reply, parse_kept
from createflow.scenarios.load.plan.created import CreatedSince
from createflow.scenarios.load.plan.messages import Document, NodeConfig, RequestForm
from createflow.scenarios.load.plan.resource_path import ResourcePaths, id_in
from createflow.scenarios.load.plan.schedule import Arrival
from createflow.scenarios.load.plan.write_log import is_in_sample, name_prefix, preflight_name
from createflow.scenarios.text import trace_context
from createflow.schemas.operation import Operation

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
        self._no_arrival = f"{name_prefix(config.run_id, config.name_style)}-1".encode()
        self._preflight = preflight_name(config.run_id, config.name_style).encode()
        self._known: deque[KnownResource] = deque(
            (KnownResource(path, principal, -1) for path, principal in config.known), maxlen=_MAX_KNOWN
        )
        self._has_reads = len(config.forms) > 1
        self._reports_created = config.reports_created
        self._created_status = config.created_status
        self._created = CreatedSince()
        self._read_back_ratio = config.read_back_ratio
        self._to_read = CreatedSince()
        self._needs_replies = self._has_reads or config.reports_created
        """The load reads, updates or deletes what it creates, so ``remember`` needs all replies to creates."""
        self._chooses_ids = bool(_count_numbers(config.forms[Operation.CREATE.value].path))
        self._id_fields = tuple(
            f"\n{name.lower()}:".encode() for name in ("location", config.read_path.id_header) if name
        )
        self.unusable_locations = Counter[str]()
        """Replies to creates whose Location was not used, by the reason."""

    def set_credentials(self, credentials: tuple[tuple[str, ...], ...]) -> None:
        """Use these credentials from now on, as many as before."""
        self._credentials = credentials
        for template in self._templates.values():
            template.set_credentials(credentials)

    def needs_reply(self, arrival: Arrival) -> bool:
        """Whether ``remember`` needs the whole reply to this request."""
        if arrival.operation is not Operation.CREATE:
            return False
        ratio = self._read_back_ratio
        return self._needs_replies or (ratio > 0 and is_in_sample(arrival.k, ratio))

    def names_something(self, received: bytes) -> bool:
        """Whether the bytes of a 2xx reply to a create say what was created, by a Location or an id.

        Most replies have a Location, or a body that is not chunked; both are found without parsing the head again.
        """
        if self._chooses_ids:
            return True
        end = received.find(b"\r\n\r\n")
        head = received[:end].lower()
        for field in self._id_fields:
            if field in head:
                return True
        if id_in(received[end + 4 :], self._paths.read_path.id_pointer):
            return True
        try:
            reply = parse_kept(received)
        except ExchangeError:
            reply = None
        # Of a reply that is too long to be kept, nothing is claimed.
        return reply is None or self._paths.names_something(reply.location, reply.body)

    def names_resource(self, reply: Reply) -> bool:
        """The same for a reply that was kept."""
        if self._chooses_ids or self._paths.read_path.id_header:
            return True
        return self._paths.names_something(reply.location, reply.body)

    def remember(self, reply: Reply, arrival: Arrival) -> None:
        """Keep the resource that a create made, if the reply tells its path on the target."""
        is_reported = self._reports_created and reply.status == self._created_status
        is_read_back = is_in_sample(arrival.k, self._read_back_ratio)
        if is_reported or is_read_back:
            path, resource_id = self._paths.created(reply.location, reply.body)
            if is_reported:
                self._created.add(arrival.k, path, resource_id)
            if is_read_back:
                if not path and not resource_id and self._chooses_ids:
                    path = self._templates[Operation.CREATE].path_of(arrival.k)
                self._to_read.add(arrival.k, path, resource_id)
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

    def take_to_read(self) -> Iterator[Document]:
        """What is to be read after the load, since the last call, as messages for the parent."""
        taken, self._to_read = self._to_read, CreatedSince()
        return taken.to_documents("read_back")

    def build(self, arrival: Arrival) -> bytes | None:
        """The request of an arrival. Reads and updates use a resource that the worker knows; None: it knows none."""
        template = self._templates[arrival.operation]
        if arrival.operation is Operation.CREATE:
            return template.build(arrival.k, arrival.k, self._principal(arrival))
        if not self._known:
            return None
        # Multiplied by a prime, so that consecutive arrivals use different resources.
        known = self._known[arrival.k * 7919 % len(self._known)]
        request = template.build(arrival.k, known.k, known.principal, known.path)
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
        is_traced = all(name.lower() != trace_context.HEADER for name, _ in form.headers)
        self._trace_lines = [f"{trace_context.HEADER}: {trace_context.template_of(config.run_id)}"] * is_traced
        self._trace_numbers = trace_context.trace_numbers if is_traced else _no_numbers
        self._heads: tuple[bytes, ...] = ()
        self._queries: tuple[bytes, ...] = ()
        self.set_credentials(config.credentials)

    def set_credentials(self, credentials: tuple[tuple[str, ...], ...]) -> None:
        self._heads = tuple(self._head(credential) for credential in credentials) or (self._head(()),)
        queries = tuple(_query(credential) for credential in credentials)
        self._queries = queries if any(queries) else ()

    def path_of(self, k: int) -> str:
        """The path of a create under an id of its own."""
        return (self._path % ((k,) * self._numbers_in_path)).decode()

    def build(self, arrival: int, k: int, principal: int, path: str = "") -> bytes:
        target = path.encode() if path else self._path % ((k,) * self._numbers_in_path)
        if self._queries:
            target += (b"&" if b"?" in target else b"?") + self._queries[principal]
        if not self._bodies:
            return self._heads[principal] % (target, *self._trace_numbers(arrival))
        template, numbers = self._bodies[k % len(self._bodies)]
        body = template % ((k,) * numbers)
        return self._heads[principal] % (target, *self._trace_numbers(arrival), len(body), body)

    def _head(self, credential: tuple[str, ...]) -> bytes:
        own = [pair for pair in zip(credential[::2], credential[1::2], strict=True) if pair[0][:1] != "?"]
        lines = [f"Host: {self._host}", *(f"{name}: {value}" for name, value in (*self._headers, *own))]
        fixed = "\r\n".join([line.replace("%", "%%") for line in lines] + self._trace_lines)
        rest = "\r\nContent-Length: %d\r\n\r\n%b" if self._bodies else "\r\n\r\n"
        return f"{self._method} %b HTTP/1.1\r\n{fixed}{rest}".encode("latin-1")


def _query(credential: tuple[str, ...]) -> bytes:
    """The parameter of the query that is the credential; empty where headers are."""
    if not credential or credential[0][:1] != "?":
        return b""
    return f"{quote(credential[0][1:], safe='')}={quote(credential[1], safe='')}".encode()


def _no_numbers(_arrival: int) -> tuple[int, ...]:
    return ()


def _count_numbers(template: str) -> int:
    return template.replace("%%", "").count("%")
