"""Where a created resource is read and updated: a path on the target's own origin, taken from the reply to its create.

A reply is data. A Location on another scheme, host or port names a resource that is not the target's, so nothing is
sent there, and its path is not used on the target either.
"""

import json
import re
from dataclasses import dataclass
from typing import Literal, NamedTuple
from urllib.parse import quote, urljoin, urlsplit

from createflow.scenarios.load.plan.messages import ReadPath
from createflow.scenarios.target.location import is_http_without_host, usable_id
from createflow.scenarios.text.json_pointer import value_at
from createflow.schemas.origin import DEFAULT_PORTS, Origin

_PLAIN_PATH = re.compile(r"/(?!/)[A-Za-z0-9._~!$&'()*+,;=:@%/?-]*")
"""A path that needs no look at its origin: the usual Location of most targets."""
_URL_CHARACTERS = re.compile(r"[\x21-\x7e]+")
"""No blank, no control character, no character outside ASCII: they would end the request line, or change it."""
_MAX_CHARACTERS = 2048
_MAX_PARSED_BYTES = 64 * 1024
"""A larger body is not searched for the id: parsing it would delay the load."""

Unusable = Literal["malformed", "elsewhere"]
"""Why a Location is not used: it is not a URI reference, or it names another origin."""


class Found(NamedTuple):
    """The path of a resource, or why there is none."""

    path: str = ""
    """Path and query; empty if the reply does not tell it, or tells one that is not used."""
    unusable: Unusable | None = None


@dataclass(frozen=True, slots=True)
class ResourcePaths:
    """Finds the paths of created resources in the replies of one target.

    Args:
        base_url: of the target.
        read_path: how the profile says that a resource is read.
        location_origins: other origins that a Location may name; its path and query are used at ``base_url``.
    """

    base_url: str
    read_path: ReadPath
    location_origins: tuple[str, ...] = ()

    def find(self, location: str | None, body: bytes) -> Found:
        """The path from the profile's read path, from the Location, or from the id in the body. Never raises."""
        location = self._link(location, body)
        resource_id = ""
        if self.read_path.by_id or location is None:
            resource_id = id_in(body, self.read_path.id_pointer)
        if resource_id:
            return Found(self.read_path.path.replace("{id}", quote(resource_id, safe="")))
        return Found() if location is None else self._locate(location)

    def created(self, location: str | None, body: bytes) -> tuple[str, str]:
        """What a 201 says was created: the path of its Location and the id in its body, each empty if not usable."""
        location = self._link(location, body)
        path = "" if location is None else self._locate(location).path
        return path, id_in(body, self.read_path.id_pointer)

    def names_something(self, location: str | None, body: bytes) -> bool:
        """Whether a reply says that something was created: by a Location, a link or an id, whatever it is worth."""
        return self._link(location, body) is not None or bool(id_in(body, self.read_path.id_pointer))

    def _link(self, location: str | None, body: bytes) -> str | None:
        """The Location, or the link in the body that stands for it."""
        if location is not None or not self.read_path.self_link or len(body) > _MAX_PARSED_BYTES:
            return location
        try:
            link = value_at(json.loads(body), self.read_path.self_link)
        except (ValueError, RecursionError):
            return None
        return link if isinstance(link, str) else None

    def _locate(self, location: str) -> Found:
        if len(location) > _MAX_CHARACTERS or not _URL_CHARACTERS.fullmatch(location):
            return Found(unusable="malformed")
        if _PLAIN_PATH.fullmatch(location):
            return Found(location)
        try:
            if is_http_without_host(location):
                return Found(unusable="malformed")
            # A relative reference is relative to the URL of the create (RFC 9110 §10.2.2).
            url = urljoin(self.base_url + self.read_path.create_path, location)
            parts = urlsplit(url)
            is_http = parts.scheme in DEFAULT_PORTS and "@" not in parts.netloc
            if not is_http or Origin.of(url) not in map(Origin.of, (self.base_url, *self.location_origins)):
                return Found(unusable="elsewhere")
        except ValueError:
            return Found(unusable="malformed")
        return Found((parts.path or "/") + (f"?{parts.query}" if parts.query else ""))


def id_in(body: bytes, pointer: str) -> str:
    """The id in the reply to a create; empty if there is none. Never raises."""
    if not pointer or len(body) > _MAX_PARSED_BYTES:
        return ""
    try:
        return usable_id(value_at(json.loads(body), pointer)) or ""
    except (ValueError, RecursionError):
        return ""
