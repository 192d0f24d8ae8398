"""Any store that shows documents: by a command, behind HTTP, as a log file, or as events. JSON Pointers map them."""

from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr

from createflow.schemas.profile_section import HeaderValue, Pointer, Section, Token

Command = Annotated[tuple[str, ...], Field(min_length=1)]
"""An argument list, without a shell."""


class MappedSink(Section):
    """Base of the sinks whose documents are mapped."""

    id: Pointer | None = None
    """JSON Pointer to the resource's id in a document. Unless given, ``id`` of the representation; in an audit trail
    what ``fields`` names for ``resource_id``, else ``/resource_id``."""
    marker: Pointer | None = None
    """JSON Pointer to the field that ``target.fields.name`` names, which carries the marker of a load; ``name`` of the
    representation unless given."""
    resource: Pointer = ""
    """JSON Pointer to the representation inside a document; the whole document unless given."""
    fields: dict[str, Pointer] = Field(default_factory=dict)
    """Fields that have another name or place in a document: name in the representation, and JSON Pointer into the
    document. In an audit trail: ``actor``, ``action``, ``resource_id``, ``occurred_at``, ``request_id``."""

    # What only SQL has; the verification of a load asks every section for them.
    @property
    def name_keyword(self) -> str | None:
        """No search by names."""
        return None

    @property
    def by_run(self) -> Any:
        """How all resources of a load are found; ``None`` where that cannot be said."""
        return None

    @property
    def by_ids(self) -> Any:
        """Set where many ids can be looked up at once."""
        return "ids"

    @property
    def by_actors(self) -> Any:
        """No such query."""
        return None

    @property
    def by_creators(self) -> Any:
        """No such query."""
        return None


class CommandSink(MappedSink):
    """A store that a command reads: it gets ids on its standard input, one a line, and prints a JSON document a line.

    What is not there, it does not print. ``--allow-commands`` or a confirmation lets it run.
    """

    kind: Literal["command"]
    command: Command
    """Argument list, without a shell."""
    run_command: Command | None = None
    """For the primary, a command with ``{prefix}`` in an argument, which prints every resource whose name begins with
    the prefix. ``createflow bench`` verifies writes with it. ``{since}`` is the time before the load (RFC 3339)."""
    name_command: Command | None = None
    """For the primary, a command with ``{name}`` in an argument, which prints the resources with this name: finds what
    a refused create left behind."""
    changes: bool = False
    """For the audit trail: updates and deletes have an entry each as well."""
    timeout_s: Annotated[float, Field(gt=0, le=600)] = 10.0
    """A command that runs longer is ended."""

    @property
    def by_run(self) -> Any:
        """The command that lists a load."""
        return self.run_command


class HttpSink(MappedSink):
    """A store behind HTTP: a GET with the id. 404 and 410 say that it has nothing.

    The credential goes to the origin of ``url`` only. No redirect is followed.
    """

    kind: Literal["http"]
    url: SecretStr
    """The URL of one resource, with ``{id}``, which is percent-encoded."""
    documents: Pointer = ""
    """JSON Pointer to the document in a reply, or to the list of documents; the whole reply unless given."""
    header: Token = "Authorization"
    """The header that carries the credential."""
    scheme: HeaderValue = "Bearer"
    """The scheme before it; empty for none. With ``Basic``, the variable holds ``user:password``."""
    credential_env: str | None = None
    """The name of the environment variable that holds the credential; none is sent without it."""
    ca_file: str | None = None
    """PEM file of the authority that signed the server's certificate."""
    changes: bool = False
    """For the audit trail: updates and deletes have an entry each as well."""
    timeout_s: Annotated[float, Field(gt=0, le=600)] = 5.0
    """The longest time for a reply."""


class LogFileSink(MappedSink):
    """An audit trail in a log file: a JSON text a line. What is appended during the run is read.

    A file that is renamed and made anew, or truncated, is followed.
    """

    kind: Literal["log_file"]
    path: str
    """The file, relative to the profile's folder. It may be missing until the first entry."""
    changes: bool = False
    """Updates and deletes have an entry each as well."""


class ReplicaDocuments(Section):
    """One replica of a primary that a command reads, or that is behind HTTP; the mapping is the primary's."""

    name: str
    """Its name in the report."""
    command: Command | None = None
    """The command that reads it."""
    url: SecretStr | None = None
    """The URL of one resource in it, with ``{id}``."""
