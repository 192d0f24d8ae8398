"""``[target]``: the endpoint, how a create is written and how its replies are read."""

from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from createflow.schemas.profile_section import (
    BaseUrl,
    HeaderValue,
    Json,
    JsonObject,
    OptionalPath,
    Path,
    Pointer,
    Seconds,
    Section,
    Statuses,
    Token,
    Words,
)

FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data"
BOUNDARY = "createflow-d41a60cf52b8e973"
"""Between the parts of a multipart body; in no value of ours."""


class Fields(Section):
    """``[target.fields]``: where the fields are in a reply.

    A value is a key of the representation, a JSON Pointer into the whole reply (``/data/id``), or empty when the
    target does not show the field: its checks are then skipped.
    """

    id: Annotated[str, Field(min_length=1)] = "id"
    """The id: no two resources have the same. ``@location`` takes the last segment of the Location."""
    name: Annotated[str, Field(pattern=r"^[^/@]")] = "name"
    """A key of request and representation alike that carries the run's marker: each create gets a text of its own
    there, which is shown as it was sent. Any text will do, also a slug or a code: its form follows the pattern, length
    and format of the schema, else the example."""
    unique: tuple[str, ...] = ()
    """Other keys of the body whose values must differ in all creates, such as an email."""
    created_at: str = "created_at"
    """The time of the create, which stays. ``@header:Last-Modified`` takes it from a header."""
    created_by: str = "created_by"
    """The creator, as the token's subject, whatever the body says."""
    created_at_format: Literal["rfc3339", "epoch_ms", "epoch_s", "http_date"] = "rfc3339"
    """The format of the time; the checks convert the last three to the first."""
    write_only: tuple[str, ...] = ()
    """Keys of the body that no reply and no copy shows, such as a password. ``writeOnly`` in the schema says it too."""

    @model_validator(mode="after")
    def _show_the_name(self) -> Self:
        if self.name in self.write_only:
            raise ValueError(f"write_only: {self.name} is the name of a resource, which is shown")
        return self


class Envelope(Section):
    """``[target.envelope]``: JSON Pointers to the representation inside what is sent and received."""

    request: Pointer = ""
    """Where the body goes, for example ``/item``. ``-`` stands for a list of one: ``/-`` sends ``[{...}]``."""
    request_also: JsonObject = Field(default_factory=dict)
    """Other members of the envelope in every request, for example ``{return = true}``."""
    reply: Pointer = ""
    """Where the representation is in the reply to a create or an update, for example ``/data`` or ``/rows/0``."""
    read: Pointer | None = None
    """Where it is in the reply to a read; as in ``reply`` unless given."""


class Form(Section):
    """``[target.form]``: how the names of a form say what is nested, with ``body_as`` a form."""

    nested: Literal["brackets", "dots"] = "brackets"
    """A member of a table: ``address[city]``, or ``address.city``."""
    lists: Literal["brackets", "repeat", "indices"] = "brackets"
    """An item of a list: ``tags[]``, the name again: ``tags``, or ``tags[0]``."""


class Accepted(Section):
    """``[target.accepted]``: creates are answered 202 and carried out later; a status resource says when.

    It is read until it says done, ``deadlines.accepted_s`` at most. Checks then see a 201 with the resource.
    """

    status: Annotated[str, Field(pattern=r"^(@location|/.*)$")] = "@location"
    """Where the 202 names the status resource: its Location, or a JSON Pointer into its body."""
    state: Pointer = "/status"
    """Where the state is in the status resource. Empty: 202 means that it goes on, another 2xx that it is done."""
    done: Words = ("done", "completed", "complete", "succeeded", "success", "finished", "ready")
    """The states of a create that was carried out; case does not matter."""
    failed: Words = ("failed", "failure", "error", "cancelled", "canceled", "rejected")
    """The states of one that was refused."""
    resource: Annotated[str, Field(pattern=r"^(@location|/.*)$")] = "@location"
    """Where the status resource names what was created: its Location, that of a redirect (303) for example, or a JSON
    Pointer to a URL or an id."""


Meaning = Literal[
    "validation",
    "unauthenticated",
    "forbidden",
    "not_found",
    "method",
    "conflict",
    "precondition",
    "too_large",
    "media_type",
    "key_reuse",
    "rate_limited",
    "database_error",
    "unavailable",
]
"""The meanings of refusals."""


class Errors(Section):
    """``[target.errors]``: how the target refuses, where that differs from the contract.

    A 5xx is the answer to a fault and to nothing else.
    """

    media_type: str = "application/problem+json"
    """Content-Type of refusals."""
    statuses: dict[Meaning, Statuses] = Field(default_factory=dict)
    """The status, or the statuses, of a refusal: ``validation = 422``. The others are those of the contract."""
    code: Pointer = ""
    """Where in the body of a refusal its code is, for example ``/code``."""
    codes: dict[Meaning, Words] = Field(default_factory=dict)
    """The codes of each meaning; a refusal then needs the status and one of the codes."""


class CleanupRequest(Section):
    """``[target.cleanup_request]``: how a resource is deleted, where that is not DELETE at its URL."""

    method: Token = "DELETE"
    """Method of the request."""
    path: str = "{url}"
    """``{url}`` is the resource's URL, ``{id}`` its id; captured variables can be used."""
    body: JsonObject | None = None
    """Sent as JSON; variables can be used in its strings."""


class ClientCertificate(Section):
    """``[target.client_certificate]``: the tester shows it in every TLS handshake with the target.

    It goes with every kind of ``[auth]``.
    """

    cert_file: str
    """PEM file of the certificate, with those between it and the authority; it may have the key as well."""
    key_file: str | None = None
    """PEM file of its private key; not given: in ``cert_file``."""
    password_env: str | None = None
    """Variable with the password of the key."""


class Target(Section):
    """``[target]``: the endpoint and its contract."""

    base_url: BaseUrl
    """Scheme, host and port; the Host header says exactly this host. With https, what is sent in clear text creates
    nothing."""
    http: Literal["1.1", "2"] = "1.1"
    """The version of HTTP that a run speaks. ``2``: by TLS (ALPN), or at once with an http:// address, without an
    upgrade. Checks that send raw bytes of HTTP/1.1 are skipped then; a load is HTTP/1.1."""
    location_origins: tuple[BaseUrl, ...] = ()
    """Other origins that a Location may name, such as the public one of a target behind a proxy. Path and query of
    such a Location are read at ``base_url``; nothing is sent to these origins."""
    path: Path = "/api/resources"
    """The path of creates. ``{variable}`` is captured by a set-up request; ``{run_id}`` is the id of the run;
    ``{new_id}`` is a new UUID for each create."""
    method: Literal["POST", "PUT"] = "POST"
    """PUT creates under an id that the client chooses: the path then has ``{new_id}``."""
    created_status: Literal[200, 201, 202, 203, 204] = 201
    """Status of the reply to a create that has made a resource. Checks then ask for this one in place of 201."""
    ca_file: str | None = None
    """PEM file of the authority that signed the server's certificate."""
    verify_tls: bool = True
    """Verify the server's certificate. false: whoever is on the way can read the credentials; each run and report says
    so. ``--insecure`` does the same once."""
    client_certificate: ClientCertificate | None = None
    """The tester's own certificate, where the target asks for one (mutual TLS)."""
    headers: dict[Token, HeaderValue] = Field(default_factory=dict)
    """Sent with every request."""
    media_type: HeaderValue = "application/json"
    """Content-Type of creates and updates; that of the form, if ``body_as`` is one and this is not given."""
    body_as: Literal["json", "form", "multipart"] = "json"
    """How bodies are written: as JSON, ``application/x-www-form-urlencoded``, or ``multipart/form-data``. What a form
    cannot say (types, ``null``, broken JSON) is not checked."""
    form: Form = Form()
    """How a form names what is nested."""
    accepted: Accepted | None = None
    """Creates are carried out later."""
    accept: HeaderValue = "application/json, application/problem+json"
    """Accept header of every request. Errors may be problem details (RFC 9457)."""
    timeout_s: Seconds = 10.0
    """The longest time for a reply."""
    schema_file: str | None = None
    """JSON Schema of the create body; without it and without ``body``, that of the contract. What fits it is accepted,
    and what does not is refused."""
    openapi_file: str | None = None
    """OpenAPI document of the target, JSON or YAML: every reply must fit what it declares."""
    body: JsonObject | None = None
    """A whole valid create body. Without a ``schema_file``, checks that need a schema are skipped. In its strings,
    ``{name}`` is what a set-up request captured, ``{marker}`` the unique word of the create, ``{uuid}`` a new UUID,
    ``{now}`` the time, ``{counter}`` the number of the body from 1, ``{run_id}`` the id of the run. A string that is
    one of them alone gets the value with its type."""
    body_file: str | None = None
    """A file with the exact bytes of a create. Nothing is changed, so creates cannot be told apart by name."""
    fields: Fields = Fields()
    """Names of the fields."""
    envelope: Envelope = Envelope()
    """Wrapping of bodies and replies."""
    reply: Literal["whole", "partial"] = "whole"
    """``whole``: replies to writes and reads show every field as it was sent. An object in it may be shown with members
    of the target's own, unless its schema names no property, as that of a map. ``partial``: the 201 does not show all
    fields; the others are read at the resource's URL."""
    self_link: Pointer = ""
    """JSON Pointer to the resource's URL in the reply, for targets that send it instead of a Location."""
    read_path: OptionalPath = ""
    """Path of a created resource, with ``{id}``, for targets that send neither. All others answer a create with a
    Location, where the resource is read."""
    errors: Errors = Errors()
    """Statuses and codes of refusals."""
    update: bool = False
    """PUT to the Location replaces the resource."""
    delete: bool = False
    """DELETE at the Location removes the resource: afterwards no read, store or search shows it."""
    idempotency: bool = False
    """Creates of one subject with the same key create one resource. The keys of others are other keys."""
    idempotency_header: Token = "Idempotency-Key"
    """The header that carries the key."""
    idempotency_key_form: Literal["bare", "quoted"] = "bare"
    """How the key is written: as it is, or as a string in quotes, as the draft of the header has it."""
    idempotency_policy: Literal["replay", "refuse"] = "replay"
    """The reply to a repeated create: the first reply again, or a refusal (409)."""
    idempotency_kept_s: Annotated[float, Field(gt=0, le=366 * 86_400)] | None = None
    """How long a key is known at least, also when a process restarts; not checked where it is not declared."""
    unique_name: bool = False
    """Names are unique: a second create with a name is refused (409)."""
    versions: bool = False
    """Replies that show a resource have an ETag, and an update whose If-Match names an older one is refused (412)."""
    conditional_updates: bool = False
    """An update or delete must name a version: without If-Match it is refused (428). The ordinary ones of a run do."""
    owned: bool = False
    """Only its creator may change a resource: updates and deletes by the other writer are refused (403 or 404)."""
    private: bool = False
    """A resource is private to its creator or tenant: to the other writer it does not exist."""
    max_body_bytes: Annotated[int, Field(gt=0, le=32 * 1024 * 1024)] | None = None
    """A body above this is refused with 413."""
    cleanup: bool = False
    """Delete what the run created; any 2xx, 404 or 410 means that it is gone."""
    cleanup_request: CleanupRequest = CleanupRequest()
    """The request that deletes a resource."""

    @property
    def content_type(self) -> str:
        """Content-Type of creates and updates."""
        if self.body_as == "json" or "media_type" in self.model_fields_set:
            return self.media_type
        return FORM if self.body_as == "form" else f"{MULTIPART}; boundary={BOUNDARY}"

    @property
    def is_unverified(self) -> bool:
        """It is reached by TLS, and its certificate is not verified."""
        return not self.verify_tls and self.base_url.startswith("https:")

    @property
    def certificate_parts(self) -> tuple[str, ...]:
        """The file of the tester's certificate, that of its key and the variable of the password; empty for none."""
        own = self.client_certificate
        return () if own is None else (own.cert_file, own.key_file or "", own.password_env or "")

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if (self.method == "PUT") != ("{new_id}" in self.path):
            raise ValueError('method = "PUT" and {new_id} in path go together')
        if self.body is not None and self.body_file is not None:
            raise ValueError("body and body_file exclude each other")
        if self.ca_file is not None and not self.verify_tls:
            raise ValueError("ca_file says what verifies the certificate, and verify_tls = false that nothing does")
        if self.body_as == "multipart" and "media_type" in self.model_fields_set:
            raise ValueError('media_type is that of multipart with a boundary: leave it out with body_as = "multipart"')
        return self


Sender = Literal["writer", "other_writer", "reader", "nobody"]
"""Whose credential a request has; nobody: none."""


class Removal(Section):
    """``[setup.remove]``: the request that removes what a set-up request created; sent after all checks."""

    path: Annotated[str, Field(pattern=r"^(/[^\x00-\x20\x7f#]*|\{[A-Za-z_][A-Za-z0-9_]*\})$")]
    """Variables can be used. A variable alone is a whole URL of the target, as a Location names one."""
    method: Token = "DELETE"
    """Method of the request."""
    body: Json = None
    """Sent as JSON; variables can be used in its strings."""


def _as_removal(value: object) -> object:
    return {"path": value} if isinstance(value, str) else value


class Request(Section):
    """``[[setup]]`` and ``[[teardown]]``: one request before or after all checks, in the order of the file."""

    method: Token = "POST"
    """Method of the request."""
    path: Path
    """``{run_id}``, the values that ``target.body`` can have, and variables that earlier requests captured can be
    used."""
    body: Json = None
    """Sent as JSON; variables can be used in its strings. A string that is one variable gets its value with its
    type."""
    form: bool = False
    """The body, one table, is sent form-encoded."""
    headers: dict[Token, HeaderValue] = Field(default_factory=dict)
    """Sent in addition to those of ``[target]``."""
    sender: Sender = "writer"
    """Whose credential it has: ``writer``, ``other_writer``, ``reader``, or ``nobody``."""
    statuses: Statuses = ()
    """Accepted statuses; any 2xx when none is given."""
    capture: dict[
        Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")],
        Annotated[str, Field(pattern=r"^(/.*|@header:[!#$%&'*+.^_`|~0-9A-Za-z-]+|@location)$")],
    ] = Field(default_factory=dict)
    """Name of a variable: JSON Pointer into the reply, ``@header:NAME`` for a header, or ``@location`` for the last
    segment of its Location."""


class SetUp(Request):
    """``[[setup]]``: a request before all checks that makes what creates need."""

    remove: Annotated[Removal | None, BeforeValidator(_as_removal, json_schema_input_type=str | Removal | None)] = None
    """Removes what it created, after all checks, also after a failure: a path for DELETE, or a table. Those of later
    requests come first; 404 and 410 mean that it is gone."""
