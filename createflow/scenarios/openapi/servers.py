"""Where a document says that its operations are."""

import posixpath
import re
from collections.abc import Iterator
from typing import Any

from pydantic import TypeAdapter, ValidationError

from createflow.schemas.profile_section import BaseUrl

_BASE_URL: TypeAdapter[str] = TypeAdapter(BaseUrl)
_MOST_SERVERS = 50
_MOST_VARIABLES = 20
_FOR_TESTS = re.compile(r"sandbox|staging|\btest|\bdev\b|develop|localhost|127\.0\.0\.1", re.IGNORECASE)


def server_of(*levels: Any) -> tuple[str, str]:
    """The base URL, empty when no valid address is named, and the path prefix of the operations.

    Of several servers one for tests goes before the others: a run creates and deletes. Variables have their defaults
    (OpenAPI 3.1.0 §4.8.6).

    Args:
        levels: the objects that may have ``servers``, from the one that counts most: operation, path item, document.
    """
    servers = next((found for level in levels if (found := list(_servers(level)))), [])
    servers.sort(key=lambda one: not _is_for_tests(one))
    url = _with_defaults(servers[0]) if servers else ""
    if url.startswith("//"):
        url = f"https:{url}"
    scheme, separator, rest = url.partition("://")
    if not separator:
        return "", "" if "{" in url else _absolute(url)
    host, slash, path = rest.partition("/")
    base_url = f"{scheme}://{host}"
    try:
        _BASE_URL.validate_python(base_url)
    except ValidationError:
        base_url = ""
    prefix = f"{slash}{path}".rstrip("/")
    return base_url, "" if "{" in prefix else prefix


def _absolute(path: str) -> str:
    """A path that is relative to the document, which is taken to be at the root (OpenAPI 3.1.0 §4.8.5)."""
    inner = posixpath.normpath(f"/{path}").strip("/")
    return f"/{inner}" if inner else ""


def _servers(level: Any) -> Iterator[dict[str, Any]]:
    servers = level.get("servers") if isinstance(level, dict) else None
    for server in servers[:_MOST_SERVERS] if isinstance(servers, list) else ():
        if isinstance(server, dict):
            yield server


def _is_for_tests(server: dict[str, Any]) -> bool:
    return bool(_FOR_TESTS.search(f"{str(server.get('url', ''))[:1000]} {str(server.get('description', ''))[:1000]}"))


def _with_defaults(server: dict[str, Any]) -> str:
    url = str(server.get("url", ""))
    variables = server.get("variables")
    for name, variable in list(variables.items())[:_MOST_VARIABLES] if isinstance(variables, dict) else ():
        if isinstance(variable, dict) and isinstance(variable.get("default"), (str, int)):
            url = url.replace(f"{{{name}}}", str(variable["default"]))
    return url
