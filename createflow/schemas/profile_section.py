"""The base of every section of a profile, and the types of its fields."""

import ipaddress
import json
import re
from collections.abc import Iterator
from typing import Annotated, Any, TypeVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

Value = TypeVar("Value")

_LABEL = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")


class Section(BaseModel):
    """A frozen table of the profile that refuses unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


def checked_address(url: str) -> str:
    """The same address, if its host and port are valid; the standard library accepts almost anything.

    Raises:
        ValueError: the host or port is not valid; the message says which.
    """
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        raise ValueError("not a valid address: the host cannot be parsed") from None
    after = parts.netloc.rpartition("]")[2] if "]" in parts.netloc else parts.netloc
    _, colon, port = after.rpartition(":")
    if colon and port and not (port.isascii() and port.isdigit() and 0 < int(port[:6]) <= 65_535):
        raise ValueError("not a valid address: the port is not a number from 1 to 65535")
    if not _is_host(host, bracketed="[" in parts.netloc):
        raise ValueError("not a valid address: the host is neither a name nor an IP address")
    return url


def _is_host(host: str, *, bracketed: bool) -> bool:
    if bracketed:
        try:
            return ipaddress.ip_address(host).version == 6
        except ValueError:
            return False
    try:
        # RFC 5891: names in other scripts are sent in ASCII; a label that begins with xn-- must be such a form.
        labels = host.encode("idna").decode("ascii").removesuffix(".").split(".")
        for label in labels:
            if label.startswith("xn--"):
                label.encode("ascii").decode("idna")
    except UnicodeError:
        return False
    return len(host) <= 253 and all(_LABEL.fullmatch(label) for label in labels)


Seconds = Annotated[float, Field(gt=0, le=3600)]

Pointer = Annotated[str, Field(pattern=r"^(/.*)?$")]
"""A JSON Pointer (RFC 6901); empty for the whole document."""


def _several(value: object) -> object:
    return (value,) if isinstance(value, (int, str)) else value


Status = Annotated[int, Field(ge=100, le=599)]
Statuses = Annotated[tuple[Status, ...], BeforeValidator(_several, json_schema_input_type=Status | tuple[Status, ...])]
"""One status or a list of them."""

Words = Annotated[tuple[str, ...], BeforeValidator(_several, json_schema_input_type=str | tuple[str, ...])]
"""One text or a list of them."""

BaseUrl = Annotated[str, Field(pattern=r"^https?://[^/?#@]+/?$"), AfterValidator(checked_address)]
"""Scheme, host and port of an HTTP server."""

_IN_ADDRESSES = r"[^\x00-\x20\x7f#]"

Path = Annotated[str, Field(pattern=rf"^/{_IN_ADDRESSES}*$")]
"""The path of a request; blanks and other special characters are percent-encoded."""

OptionalPath = Annotated[str, Field(pattern=rf"^(/{_IN_ADDRESSES}*)?$")]
"""A path, or nothing."""

Token = Annotated[str, Field(pattern=r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+$")]
"""A token of HTTP (RFC 9110 §5.6.2): a method, or the name of a header."""

HeaderValue = Annotated[str, Field(pattern=r"^[\t\x20-\x7e]*$")]
"""The value of a header: one line of ASCII, so that it cannot contain another header."""


def _as_json(value: object) -> object:
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        raise ValueError("a date, a time, nan or inf is not a JSON value: write it as text or as a number") from None
    return value


Json = Annotated[Any, AfterValidator(_as_json)]
"""A JSON value."""

JsonObject = Annotated[dict[str, Any], AfterValidator(_as_json)]
"""A JSON object."""

VARIABLE = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
"""A variable in the paths and bodies of a profile."""
MADE = ("marker", "uuid", "now", "counter")
"""The names that every body gets anew."""


def names_in(value: object) -> Iterator[str]:
    """The names in braces in the strings of a JSON value."""
    if isinstance(value, str):
        yield from VARIABLE.findall(value)
    elif isinstance(value, dict):
        for item in value.values():
            yield from names_in(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from names_in(item)
