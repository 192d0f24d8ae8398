"""Reads an OpenAPI document from a file or a URL. It may come from anybody, so everything about it is bounded."""

import asyncio
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from createflow.scenarios.openapi.parsing import parse
from createflow.scenarios.openapi.references import Document
from createflow.scenarios.openapi.several_files import SeveralFiles
from createflow.scenarios.openapi.swagger import from_swagger
from createflow.schemas.error import TargetError, UserError
from createflow.schemas.origin import Origin
from createflow.schemas.profile_section import checked_address
from createflow.schemas.reading.bounded_file import read_bounded
from createflow.schemas.reading.bounded_json import Malformed

KINDS = "a Swagger 2.0 or OpenAPI 3.0, 3.1 or 3.2"
MAX_BYTES = 50 * 1024 * 1024
DOWNLOAD_TIMEOUT_S = 20.0
"""For the whole reply, however slowly it comes."""
_SHOWN_CHARACTERS = 200
_FORM_HINT = "--openapi names a file, or an http:// or https:// URL without a user"


@dataclass(frozen=True, slots=True)
class Access:
    """What the download of a document needs beside its address."""

    bearer: str = ""
    """A token for a document that is not for everybody; it is sent only to ``origin``."""
    origin: str = ""
    """Of the target, to which the token goes anyway."""
    trust: ssl.SSLContext | bool = True
    """How certificates are verified."""


_ANYBODY = Access()


class _NotAllowed(Exception):  # noqa: N818 - never leaves this module
    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


def read_document(where: str, *, allowed: Sequence[str] = (), access: Access = _ANYBODY) -> Document:
    """The document, JSON or YAML, with the files that it refers to.

    Args:
        where: file or URL.
        allowed: folders and URLs whose files it may refer to, beside its own folder.
        access: what a download needs.

    Raises:
        UserError: no such file, too large, malformed, or none of Swagger 2.0 and OpenAPI 3.0 to 3.2.
        TargetError: the URL does not answer with it.
    """
    content = partial(_content, access=access)
    raw = content(where)
    shown = where[:_SHOWN_CHARACTERS]
    try:
        document = parse(raw)
    except Malformed as error:
        raise UserError(f"{shown}: {error}", hint="an OpenAPI document is JSON or YAML") from None
    if not isinstance(document, dict) or not _is_known(document):
        raise UserError(f"{shown}: not {KINDS} document", hint='it begins with openapi: "3.1.0"')
    document = SeveralFiles(where, content, allowed=allowed, most_bytes=MAX_BYTES).joined(document)
    return from_swagger(document) if "openapi" not in document else document


def _content(where: str, access: Access) -> bytes:
    return _downloaded(where, access) if is_url(where) else read_bounded(Path(where), MAX_BYTES, hint=_FORM_HINT)


def _is_known(document: dict[str, Any]) -> bool:
    if "openapi" in document:
        return str(document["openapi"]).startswith(("3.0", "3.1", "3.2"))
    # Without quotes it is the number 2.0.
    return str(document.get("swagger")) == "2.0"


def is_url(where: str) -> bool:
    """Whether the document is downloaded; anything but http and https is the name of a file."""
    return where.lower().startswith(("http://", "https://"))


def origin_of(url: str) -> str:
    """Scheme, host and port of a URL."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _downloaded(url: str, access: Access) -> bytes:
    try:
        checked_address(url)
        parts = urlsplit(url)
    except ValueError:
        # The address is not shown: it may contain a password.
        raise UserError("--openapi: not a valid address", hint=_FORM_HINT) from None
    if "@" in parts.netloc:
        raise UserError("--openapi: an address with a user or a password", hint=_FORM_HINT)
    try:
        return asyncio.run(_download(url, access))
    except httpx.InvalidURL:
        raise UserError(f"{url[:_SHOWN_CHARACTERS]}: not a valid address", hint=_FORM_HINT) from None
    except TimeoutError:
        reason = f"no whole document within {DOWNLOAD_TIMEOUT_S:g} s"
        raise TargetError(url[:_SHOWN_CHARACTERS], reason) from None
    except (httpx.HTTPError, ValueError) as error:
        raise TargetError(url[:_SHOWN_CHARACTERS], str(error)[:_SHOWN_CHARACTERS] or type(error).__name__) from None


async def _download(url: str, access: Access) -> bytes:
    """The body of one GET: no redirects, no proxy, no decompression. A token is sent only after a 401 or a 403."""
    try:
        return await _got(url, {}, access)
    except _NotAllowed as refusal:
        if not access.bearer or Origin.of(url) != Origin.of(access.origin):
            raise TargetError(
                url[:_SHOWN_CHARACTERS],
                f"answered {refusal.status}",
                hint="run --openapi sends it the token of --token-env or --bearer-file; or download it first",
            ) from None
    try:
        return await _got(url, {"authorization": f"Bearer {access.bearer}"}, access)
    except _NotAllowed as refusal:
        shown, reason = url[:_SHOWN_CHARACTERS], f"answered {refusal.status} to the token as well"
        raise TargetError(shown, reason, hint="download it first, and name the file") from None


async def _got(url: str, headers: Mapping[str, str], access: Access) -> bytes:
    body = bytearray()
    async with (
        asyncio.timeout(DOWNLOAD_TIMEOUT_S),
        httpx.AsyncClient(
            trust_env=False,
            verify=access.trust,
            follow_redirects=False,
            timeout=DOWNLOAD_TIMEOUT_S,
            # A hook, because httpx then looks at the Location of a redirect, and fails where it is none.
            event_hooks={"response": [_require_ok]},
        ) as client,
        client.stream("GET", url, headers={"Accept-Encoding": "identity", **headers}) as reply,
    ):
        if reply.headers.get("content-encoding", "identity").lower() != "identity":
            # 1 kB of a compressed reply can become 1 GB.
            raise TargetError(url[:_SHOWN_CHARACTERS], "answered with a compressed body, which was not asked for")
        async for piece in reply.aiter_raw():
            body += piece
            if len(body) > MAX_BYTES:
                raise UserError(f"{url[:_SHOWN_CHARACTERS]}: larger than {MAX_BYTES} bytes")
    return bytes(body)


async def _require_ok(reply: httpx.Response) -> None:
    if reply.status_code in {401, 403}:
        raise _NotAllowed(reply.status_code)
    if reply.status_code != 200:
        url = str(reply.request.url)[:_SHOWN_CHARACTERS]
        raise TargetError(url, f"answered {reply.status_code}", hint="redirects are not followed")
