"""A Location is data: where it is on the target it is read there, and elsewhere it is told and never followed.

Behind a proxy a target may write its public origin into Location. The profile names such origins in
``target.location_origins``; the path and query of the Location are then read at ``base_url``.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote, urljoin, urlsplit

from createflow.schemas.origin import DEFAULT_PORTS, Origin

_URI_REFERENCE = re.compile(r"([A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})+")
"""RFC 3986 §2 and §4.1: other characters are percent-encoded."""
_MAX_CHARACTERS = 8_192
_SHOWN_CHARACTERS = 200
MAX_ID_CHARACTERS = 1_024


class LocationMalformed(ValueError):  # noqa: N818 - read as a statement
    """The text is not a URI reference (RFC 3986 §4.1)."""


class LocationElsewhere(ValueError):  # noqa: N818 - read as a statement
    """The Location names another origin."""


@dataclass(frozen=True, slots=True)
class Origins:
    """The origin of ``base_url``, and the public origins that the profile declares."""

    own: Origin
    public: frozenset[Origin]

    @classmethod
    def of(cls, base_url: str, public: Iterable[str]) -> "Origins":
        """Raises ValueError when one is not an origin."""
        return cls(Origin.of(base_url), frozenset(map(Origin.of, public)))

    def __str__(self) -> str:
        return " or ".join([str(self.own), *sorted(map(str, self.public))])

    def path_of(self, location: str, request_url: str) -> str:
        """The path and query of a Location, to be sent to ``base_url``.

        Args:
            location: as the target wrote it, absolute or relative.
            request_url: of the create, to which a relative one is resolved (RFC 9110 §10.2.2).

        Raises:
            LocationMalformed: it is not a URI reference.
            LocationElsewhere: it names an origin that is neither that of ``base_url`` nor declared.
        """
        shown = shown_location(location)
        if len(location) > _MAX_CHARACTERS:
            raise LocationMalformed(f"a Location of {len(location)} characters: {shown}")
        if not _URI_REFERENCE.fullmatch(location):
            raise LocationMalformed(f"the Location is not a URI reference: {shown}")
        try:
            _require_host(location)
            whole = urljoin(urljoin(f"{self.own}/", request_url), location)
            origin = Origin.of(whole)
        except ValueError as error:
            raise LocationMalformed(f"the Location has no usable origin: {shown}: {error}") from None
        if origin != self.own and origin not in self.public:
            raise LocationElsewhere(f"the Location is on {origin}, not on {self.own}")
        parts = urlsplit(whole)
        return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")


def _require_host(location: str) -> None:
    if is_http_without_host(location):
        raise ValueError("it has no host (RFC 9110 §4.2.1)")


def is_http_without_host(location: str) -> bool:
    """Whether it is ``http:///path`` or ``http:path``, which joining would complete with the host of the request."""
    parts = urlsplit(location)
    return parts.scheme in DEFAULT_PORTS and not parts.netloc


def shown_location(location: str) -> str:
    """A Location for a message."""
    return repr(location if len(location) <= _SHOWN_CHARACTERS else f"{location[:_SHOWN_CHARACTERS]}...")


def names_resource(path: str, resource_id: str) -> bool:
    """Whether a path and query name this id: as a segment, with or without an extension, or as a value of the query."""
    parts = urlsplit(path)
    words = [unquote(segment) for segment in parts.path.split("/")]
    words += [value for _, value in parse_qsl(parts.query, keep_blank_values=True, max_num_fields=None)]
    return any(
        word == resource_id or word.startswith(f"{resource_id}.") or word.endswith(f".{resource_id}") for word in words
    )


def names_one_resource(path: str, collection: str) -> bool:
    """Whether a path can name one resource, and not the collection or what is above it."""
    segments = [segment for segment in urlsplit(path).path.split("/") if segment]
    above = [segment for segment in urlsplit(collection).path.split("/") if segment]
    if any(unquote(segment) in {".", ".."} for segment in segments):
        return False
    if segments == above and urlsplit(path).query:
        return True
    return segments != above[: len(segments)]


def usable_id(value: object) -> str | None:
    """An id as text; ``None`` for what names no resource, or cannot be a segment of a path."""
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        return None
    try:
        text = str(value)
    except ValueError:  # an integer of thousands of digits
        return None
    is_usable = 0 < len(text) <= MAX_ID_CHARACTERS and text.isprintable() and text not in {".", ".."}
    return text if is_usable else None


def redirect_text(status: int, location: str, resource_id: str) -> str:
    """What a redirect of a resource says, and how to declare where it is.

    Args:
        status: 301, 302, 303, 307 or 308.
        location: where the redirect leads.
        resource_id: of the resource.
    """
    told = f"is answered with {status} to {shown_location(location)}"
    path = urlsplit(location).path
    if not resource_id or resource_id not in unquote(path):
        return f"{told}; see target.read_path"
    template = unquote(path).replace(resource_id, "{id}")
    return f'{told}; where resources are is declared so: target.read_path = "{template}"'
